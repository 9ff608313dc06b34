"""The project's settings, with the bare views beside its own."""

from settings import *  # noqa: F403 - all of them

ROOT_URLCONF = "benchmarks.bare.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.bare"]  # noqa: F405 - from there
