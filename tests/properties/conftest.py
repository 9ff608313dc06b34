"""How the properties are searched: without deadlines, for a busy machine is not a broken rule."""

from hypothesis import settings

settings.register_profile("properties", deadline=None)
settings.load_profile("properties")
