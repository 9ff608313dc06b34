"""The ledger over HTTP: views that add nothing to its rules."""
