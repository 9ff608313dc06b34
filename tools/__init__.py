"""Programs for those who have no Daybook: each is one file that needs Python alone."""
