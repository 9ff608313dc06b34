"""What to do once a store has gone back, or a part of it was restored: see what differs, and let consumers go on."""
