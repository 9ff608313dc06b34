"""Forms and bodies that are wrong by chance."""
