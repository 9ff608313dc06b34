"""Books: its pages as a browser gets them, without a browser."""
