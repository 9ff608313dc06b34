"""What the figures in docs/performance.md come from; `python -m benchmarks` runs them all."""
