"""Benchmarks: `make bench` runs them all; each prints ratios against a yardstick measured in the same run."""
