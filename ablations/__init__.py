"""Ablations: studies, their arms and tasks, as pure data. Imports no jax and nothing of the other rooms."""
