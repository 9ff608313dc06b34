"""What projectors do to a range of the log in sets. See Note [Ranges are projected in sets]."""
