"""Probes: tasks made by the lab, each of which asks for one ability."""
