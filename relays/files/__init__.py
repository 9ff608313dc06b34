"""Events as files for other systems: Parquet or JSON lines, with a manifest."""
