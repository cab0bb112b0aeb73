"""Can a model without a mixer count how often a wave rises? The task is a function that gives arrays."""

import numpy as np

from ablations.study import task


def make() -> dict:
    """Waves of 64 steps and how often each rises, 512 to learn from and 128 to be tested on."""
    generator = np.random.default_rng(0)
    rises = generator.integers(1, 9, 640)
    phase = generator.uniform(0, 2 * np.pi, (640, 1))
    x = np.sin(2 * np.pi * rises[:, None] * np.arange(64) / 64 + phase) + generator.normal(0, 0.3, (640, 64))
    return {'x': x, 'y': rises.astype(float), 'is_test': np.arange(640) >= 512}


waves = task(source=make, form='series', predict='values', metric='mae', unit='rises', steps=200)
