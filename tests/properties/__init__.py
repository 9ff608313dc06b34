"""Properties that hold for all input, tried by hypothesis without a database."""
