"""The store after kills, cancelled statements and freezes, and what its answers show meanwhile."""
