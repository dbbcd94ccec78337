"""Benchmarks: figures as ratios, subject and reference measured alternately in one run."""
