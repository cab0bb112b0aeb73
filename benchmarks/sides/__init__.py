"""Sides: the same training by the lab and by PyTorch, each made to run in a process of its own (`benchmarks.child`)."""
