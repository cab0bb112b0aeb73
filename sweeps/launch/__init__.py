"""Launchers: who runs the workers. Each is a thin loop around plan -> train -> commit."""
