"""Spread: points of an endless sequence that does not depend on scores."""

from collections.abc import Mapping

import numpy as np

from ablations.space_rules import Tunable
from sweeps.protocol.search.sobol import scrambled_sobol


class Sobol:
    """Scrambled Sobol points (Owen 1995, Matousek 1998): an even cover of every value and, nearly, of every pair."""

    adaptive = False

    @staticmethod
    def points(space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
        return scrambled_sobol(first + count, len(space), seed)[first:]


class Random:
    """Independent uniform points (Bergstra and Bengio 2012)."""

    adaptive = False

    @staticmethod
    def points(space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).random((first + count, len(space)))[first:]
