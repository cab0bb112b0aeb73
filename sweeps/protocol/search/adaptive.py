"""Adaptive: points that depend on earlier scores, from Optuna's samplers, rebuilt from the scores on every call.

No Optuna study is stored: each call gives it all scores and asks for a batch. The first STARTUP points are Sobol's, so that a
batch without scores covers the space evenly. For each further point of a batch, the points before it are running trials: TPE
counts them as bad (a constant liar), and the Gaussian process averages over their possible scores.

A diverged run gets the worst finite score so far. Reported as failed, it would be ignored and its region tried again: in a bowl
of which two fifths diverge, 65 and 92 % of the points of TPE and the Gaussian process would fall there, instead of 28 and 14 %.
Reported as minus infinity, it would hide the differences of all other scores.
"""

import contextlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ablations.choices import Choice
from ablations.space_rules import Tunable
from sweeps.protocol.search.sobol import scrambled_sobol

STARTUP = 8
"""Points before any score is used."""
DECIMALS = 4
"""Decimals of proposed units: finer than tuning can resolve, and coarser than the last bits that differ between machines."""


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Optuna without its log lines and warnings; its settings are restored afterwards."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        optuna.logging.set_verbosity(level)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread, so that sums come in the same order however many cores there are."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _followed(sampler: object, space: Mapping[str, Tunable], seen: tuple, count: int) -> np.ndarray:
    """The next points of a sampler that gets the seen trials. `[count, d]`."""
    import optuna

    names = [f'{place}' for place in range(len(space))]
    one = optuna.distributions.FloatDistribution(0.0, 1.0)
    kinds = {
        name: optuna.distributions.CategoricalDistribution(list(range(int(values.levels))))
        if isinstance(values, Choice)
        else one
        for name, values in zip(names, space.values(), strict=True)
    }

    def told(unit: np.ndarray) -> dict:
        parts = zip(names, space.values(), unit, strict=True)
        return {n: min(int(u * v.levels), int(v.levels) - 1) if isinstance(v, Choice) else float(u) for n, v, u in parts}

    units, scores = seen
    scores = np.where(np.isfinite(scores), scores, scores[np.isfinite(scores)].min())
    study = optuna.create_study(direction='maximize', sampler=sampler)
    for unit, score in zip(units, scores, strict=True):
        study.add_trial(optuna.trial.create_trial(params=told(unit), distributions=kinds, value=float(score)))
    asked = [study.ask(kinds).params for _ in range(count)]
    points = np.empty((count, len(space)))
    for column, (name, values) in enumerate(zip(names, space.values(), strict=True)):
        drawn = np.array([params[name] for params in asked], float)
        points[:, column] = (drawn + 0.5) / values.levels if isinstance(values, Choice) else drawn.round(DECIMALS)
    return np.clip(points, 0.0, 1 - 10.0**-DECIMALS)


def _points(make: Callable, space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
    """Sobol points before there are scores, then the points of the sampler in the context `make(seed)`."""
    spread = scrambled_sobol(first + count, len(space), seed)[first:]
    start = min(max(STARTUP - first, 0), count)
    if start == count or not np.isfinite(seen[1]).any():
        return spread
    # Another seed for each batch: else the same draws would stand behind every one of them.
    own = int(np.random.default_rng([seed, first]).integers(2**32))
    with _silent(), make(own) as sampler:
        return np.concatenate([spread[:start], _followed(sampler, space, seen, count - start)])


class Tpe:
    """Tree-structured Parzen estimator (Bergstra et al. 2011) over all values jointly (Falkner et al. 1807.01774)."""

    adaptive = True

    @staticmethod
    def points(space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
        @contextlib.contextmanager
        def make(own: int) -> Iterator[object]:
            import optuna

            yield optuna.samplers.TPESampler(seed=own, n_startup_trials=0, multivariate=True, constant_liar=True)

        return _points(make, space, seen, count, first, seed)


class Gp:
    """Gaussian process with log expected improvement (2310.20708); needs torch."""

    adaptive = True

    @staticmethod
    def points(space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
        if importlib.util.find_spec('torch') is None:
            raise ValueError("search 'gp' needs torch, which is not installed; pip install 'archlab[gp]', or use search 'tpe'")

        @contextlib.contextmanager
        def make(own: int) -> Iterator[object]:
            import optuna

            with _one_thread():
                yield optuna.samplers.GPSampler(seed=own, n_startup_trials=0)

        return _points(make, space, seen, count, first, seed)
