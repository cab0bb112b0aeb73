"""Extrapolation: coders of numbers that go on from one observation to the next, which a model of the same numbers has to beat.

A predictor says where a number will be, and a code with an adaptive scale pays for the rest. What the code's scale rests on are
the residuals before, of the same episode, and numbers counted on the training episodes; nothing looks ahead.
"""

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np

ORDERS = {'last': 1, 'linear': 2, 'quadratic': 3}
"""Predictor -> the observations that it goes on from, by the polynomial through them."""
LAGS, FEW = 8, 4
"""The observations before that the fitted predictor weighs, and those of the adapted one."""
RIDGE = 1e-3
"""What is added to the sums of squares of the fitted predictor, as a share of the number of episodes."""
TRUSTS = (1.0, 4.0, 16.0)
"""How many observations the weights of the training episodes count as much as, before they are adapted."""
SHAPES = ('laplace', 'gaussian')
MEMORIES = (0.5, 0.8, 1.0)
"""What an older residual counts, as a share of the one after it."""
PRIORS = (0.5, 2.0, 8.0)
"""How many residuals the mean of the training episodes counts as much as."""
LEAST, EVEN = 0.1, 0.005
"""The least scale, in levels, and the share of a code that is spread evenly, so that no number is impossible."""


def number_bits(train: np.ndarray, test: np.ndarray, bits: int) -> dict[str, float]:
    """Bits per number of the test episodes: {last, linear, quadratic, fitted, adapted}; integers below 2^`bits`, `[n, T, C]`.

    `last`, `linear` and `quadratic` go on by the polynomial through the last one, two or three observations (of the first ones
    through as many as there are). `fitted` is the linear product of the last 8 observations, all coordinates of them, that is
    best on the training episodes. `adapted` weighs four, and its weights follow each episode by recursive least squares, from
    those of the training episodes on; what these count as is chosen on their last tenth. The residual's code is a discretised
    Laplace or normal one, whose scale is the mean absolute residual so far; its shape, memory and prior are chosen on the last
    tenth of the training episodes. The first observation is coded by its counts in the training episodes. Raises ValueError
    where there are too few episodes.
    """
    if len(train) < 10 or not len(test):
        raise ValueError(
            f'{len(train)} training and {len(test)} test episodes; a coder of numbers needs 10 and 1 or more; give more'
        )
    first = first_bits(train[:, 0], test[:, 0], bits)
    weights = fitted_weights(train)
    ways = {name: functools.partial(polynomial, order=order) for name, order in ORDERS.items()}
    ways['fitted'] = functools.partial(weighted, weights=weights)
    ways['adapted'] = adapting(train, weights)
    told = {}
    for name, predictor in ways.items():
        rest = residual_bits(train, test, predictor(train), predictor(test), bits)
        told[name] = float((first.sum() + rest.sum()) / test.size)
    return told


def first_bits(train: np.ndarray, test: np.ndarray, bits: int) -> np.ndarray:
    """Bits of first observations by counts, each coordinate by itself and half a count more for each level: `[n, C]`."""
    size = 2**bits
    told = np.empty(test.shape)
    for axis in range(test.shape[1]):
        counts = np.bincount(train[:, axis], minlength=size) + 0.5
        told[:, axis] = -np.log2(counts / counts.sum())[test[:, axis]]
    return told


def polynomial(levels: np.ndarray, order: int) -> np.ndarray:
    """What the polynomial through the last `order` observations gives for the next, from the second on: `[n, T - 1, C]`.

    >>> polynomial(np.array([0, 1, 4, 9, 16]).reshape(1, 5, 1), 3).ravel().tolist()
    [0.0, 2.0, 9.0, 16.0]
    """
    count, events, axes = levels.shape
    told = np.zeros((count, events - 1, axes))
    for event in range(1, events):
        points = min(order, event)
        for back in range(1, points + 1):
            told[:, event - 1] += (-1) ** (back + 1) * math.comb(points, back) * levels[:, event - back].astype(float)
    return told


def _rows(levels: np.ndarray, event: int, lags: int) -> np.ndarray:
    """The `lags` observations before an event as differences from the last of them, and a one: `[n, lags C - C + C + 1]`."""
    last = levels[:, event - 1].astype(float)
    before = [levels[:, event - back] - last for back in range(2, lags + 1)]
    return np.concatenate([*before, last, np.ones((len(last), 1))], 1)


def fitted_weights(train: np.ndarray) -> dict[int, np.ndarray]:
    """Number of observations before -> weights of the best linear product, by least squares; 8 stands for all later events."""
    most = min(LAGS, train.shape[1] - 1)
    ends = {lags: lags + 1 for lags in range(1, most)} | {most: train.shape[1]}
    return {lags: _least_squares(train, lags, end)[0] for lags, end in ends.items()}


def _least_squares(train: np.ndarray, lags: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """The best weights of the last `lags` observations at the events before `end`, and the mean product of what they weigh."""
    square, product = 0.0, 0.0
    for event in range(lags, end):
        rows = _rows(train, event, lags)
        square = square + rows.T @ rows
        product = product + rows.T @ (train[:, event] - train[:, event - 1].astype(float))
    square = square + RIDGE * len(train) * np.eye(len(square))
    return np.linalg.solve(square, product), square / (len(train) * (end - lags))


def adapting(train: np.ndarray, weights: dict[int, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The adapted predictor; its trust in the weights of the training episodes is chosen on the last tenth of these."""
    if train.shape[1] <= FEW + 1:
        return functools.partial(weighted, weights=weights)
    start, square = _least_squares(train, FEW, train.shape[1])
    late = train[len(train) - len(train) // 10 :]
    ways = [functools.partial(adapted, weights=weights, start=start, square=trust * square) for trust in TRUSTS]
    return min(ways, key=lambda way: np.abs(way(late) - late[:, 1:]).mean())


def adapted(levels: np.ndarray, weights: dict[int, np.ndarray], start: np.ndarray, square: np.ndarray) -> np.ndarray:
    """What weights give that are fitted to the earlier observations of the same episode: `[n, T - 1, C]`.

    They minimise the squares of the earlier residuals and (w - start)' square (w - start). The first four observations are
    told by `weights`, as in `weighted`.
    """
    told = weighted(levels, weights)
    left, right = np.repeat(square[None], len(levels), 0), np.repeat((square @ start)[None], len(levels), 0)
    for event in range(FEW, levels.shape[1]):
        rows, last = _rows(levels, event, FEW), levels[:, event - 1].astype(float)
        own = np.linalg.solve(left, right)
        told[:, event - 1] = last + (rows[:, None] @ own)[:, 0]
        left = left + rows[:, :, None] * rows[:, None]
        right = right + rows[:, :, None] * (levels[:, event] - last)[:, None]
    return told


def weighted(levels: np.ndarray, weights: dict[int, np.ndarray]) -> np.ndarray:
    """What `fitted_weights` give for each observation from the second on: `[n, T - 1, C]`."""
    told = [
        levels[:, event - 1] + _rows(levels, event, min(event, LAGS)) @ weights[min(event, LAGS)]
        for event in range(1, levels.shape[1])
    ]
    return np.stack(told, 1)


def residual_bits(train: np.ndarray, test: np.ndarray, before: np.ndarray, asked: np.ndarray, bits: int) -> np.ndarray:
    """Bits of the test numbers from the second observation on, given what was predicted of both: `[n, T - 1, C]`."""
    cut = len(train) - len(train) // 10
    usual = np.abs(train[:cut, 1:] - before[:cut]).mean(0)
    tried = {
        way: coded(train[cut:, 1:], before[cut:], usual, bits, *way).mean()
        for way in itertools.product(SHAPES, MEMORIES, PRIORS)
    }
    return coded(test[:, 1:], asked, usual, bits, *min(tried, key=tried.get))


def coded(
    levels: np.ndarray, predicted: np.ndarray, usual: np.ndarray, bits: int, shape: str, memory: float, prior: float
) -> np.ndarray:
    """Bits of numbers under a code around what was predicted: `[n, T, C]` each, `usual` `[T, C]`.

    Its scale is the mean absolute residual of the earlier observations, an older one counting `memory` times the next, and of
    `usual`, which counts as `prior` of them.
    """
    size = 2**bits
    missed = np.abs(levels - predicted)
    told, total, weight = np.empty(levels.shape), np.zeros(missed[:, 0].shape), 0.0
    for event in range(levels.shape[1]):
        scale = np.maximum((prior * usual[event] + total) / (prior + weight), LEAST)
        known = levels[:, event]
        upper = np.where(known < size - 1, known + 0.5 - predicted[:, event], np.inf)
        lower = np.where(known > 0, known - 0.5 - predicted[:, event], -np.inf)
        share = between(lower / scale, upper / scale, shape)
        told[:, event] = -np.log2((1 - EVEN) * share + EVEN / size)
        total, weight = memory * total + missed[:, event], memory * weight + 1
    return told


def between(lower: np.ndarray, upper: np.ndarray, shape: str) -> np.ndarray:
    """The probability between two bounds under a code whose mean absolute residual is 1.

    >>> between(np.array([0.0]), np.array([np.inf]), 'laplace').item()
    0.5
    """
    if shape == 'gaussian':
        from scipy.special import ndtr

        lower, upper = lower / math.sqrt(math.pi / 2), upper / math.sqrt(math.pi / 2)
        below = ndtr
    else:

        def below(bound: np.ndarray) -> np.ndarray:
            half = np.exp(-np.abs(bound)) / 2
            return np.where(bound < 0, half, 1 - half)

    # On the side on which the tail is small, so that it keeps its digits.
    return np.where(lower > 0, below(-lower) - below(-upper), below(upper) - below(lower))
