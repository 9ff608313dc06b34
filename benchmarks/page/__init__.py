"""The figures of the benchmarks, and the tables and the chart of docs/performance.md that show them."""
