"""What the read models of any project have in common: their rows, and the rows that answer queries."""
