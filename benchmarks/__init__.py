"""Benchmarks: how fast the lab is, measured beside what else could be done; nothing here decides what a study computes."""
