"""Benchmarks, written to ``bench/results.json`` and to the tables in docs/benchmarks.md. Ratios are within one run."""
