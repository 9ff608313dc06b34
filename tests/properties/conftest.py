"""The hypothesis profile of the properties: no deadlines, because a busy machine breaks no rule."""

from hypothesis import settings

settings.register_profile("properties", deadline=None)
settings.load_profile("properties")
