"""Pages of a past moment."""
