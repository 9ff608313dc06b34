"""`make prove`: runs each proof in its long form and writes docs/reliability.md."""
