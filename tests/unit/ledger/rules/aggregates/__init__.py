"""Each aggregate: given, when, then."""
