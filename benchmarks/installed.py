"""Installed: whether what only benchmarks need is there."""

import importlib.util


def needs_torch(command: str) -> None:
    """Raise ValueError where PyTorch is not installed, in one line with the way to get it."""
    if importlib.util.find_spec('torch') is None:
        raise ValueError(f"{command} compares with PyTorch, and torch is not installed; pip install -e '.[bench]'")
