"""The demonstration: a small portfolio, always the same, played through every part of Daybook."""
