"""What a consumer asks and writes for each event at the head of the log, by statements that are prepared once."""
