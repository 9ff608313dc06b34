"""The aggregates: each a state, a decision and a fold, without Django and without a database."""
