"""The aggregates: each has a state, a decision and a fold, without Django and without a database."""
