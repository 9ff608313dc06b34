"""Events as JSON and back: which types there are, how each is written, how old versions are read."""
