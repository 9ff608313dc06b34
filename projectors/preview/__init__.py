"""A command before it is recorded: what it would do, in words and figures."""
