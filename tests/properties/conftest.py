"""The hypothesis profile of the properties: no deadlines, because a busy machine breaks no rule."""

from hypothesis import settings

from tests.support.rounds import rounds

settings.register_profile("properties", deadline=None, max_examples=rounds(100))
settings.load_profile("properties")
