"""Proofs that need a cluster of several servers; `make cluster-test` runs them, `make test` does not."""
