"""How long work in batches takes."""
