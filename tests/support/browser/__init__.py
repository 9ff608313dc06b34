"""A browser for tests: headless Chromium, a person in front of it, and axe-core, which finds what hinders people."""
