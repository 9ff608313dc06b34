"""The page that shows what the benchmarks measured."""
