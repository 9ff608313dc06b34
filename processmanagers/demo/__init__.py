"""The demonstration: a small made-up portfolio, always the same, through the whole machine."""
