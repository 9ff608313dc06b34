"""The whole machine, as its users see it."""
