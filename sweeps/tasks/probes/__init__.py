"""Probes: synthetic tasks of the lab, each for one ability."""
