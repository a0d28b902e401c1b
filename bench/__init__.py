"""Benchmarks, written to ``bench/results.json`` and to the table in README.md. Ratios are within one run."""
