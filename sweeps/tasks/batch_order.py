"""Batch order: the examples that each step of a training takes."""

import numpy as np


def batch_order(seed: int, examples: np.ndarray, steps: int, batch: int) -> np.ndarray:
    """Which examples each step takes: shuffled epochs, one after the other. `[n] -> [steps, batch]` of indices.

    Made on the host from the seed alone, so that data on the device and streamed data come in the same order.
    """
    if len(examples) == 0:
        raise ValueError('the training split has no examples; give the task more data or a smaller held-out split')
    return _epochs(np.random.default_rng(seed), examples, steps * batch).reshape(steps, batch).astype(np.int32)


def order_by_domain(seed: int, examples: np.ndarray, domain: np.ndarray, shares: np.ndarray, batch: int) -> np.ndarray:
    """The same where each step takes its examples from domains: `[n], [n], [steps, domains] -> [steps, batch]`.

    A step's `shares` sum to one. It takes of each domain its share of the batch, rounded down or up at random so that the
    share is exact on average (systematic sampling). Each domain goes through its own shuffled epochs. Raises ValueError where
    a domain without examples has a share.

    >>> domain = np.repeat([0, 1], 4)
    >>> order = order_by_domain(0, np.arange(8), domain, np.array([[1.0, 0.0], [0.25, 0.75]]), batch=4)
    >>> domain[order].tolist()
    [[0, 0, 0, 0], [0, 1, 1, 1]]
    """
    generator = np.random.default_rng(seed)
    steps, domains = shares.shape
    ends = np.cumsum(shares, 1) / shares.sum(1, keepdims=True)
    ends[:, -1] = 1.0
    places = (np.arange(batch) + generator.random((steps, 1))) / batch
    chosen = (places[:, :, None] >= ends[:, None, :]).sum(2).reshape(-1)
    order = np.empty(steps * batch, np.int32)
    for number in range(domains):
        own, wanted = examples[domain == number], np.flatnonzero(chosen == number)
        if len(wanted) and not len(own):
            raise ValueError(f'domain {number + 1} has a share of the training and no training examples; give it some')
        if len(wanted):
            order[wanted] = _epochs(generator, own, len(wanted))
    return order.reshape(steps, batch)


def _epochs(generator: np.random.Generator, examples: np.ndarray, count: int) -> np.ndarray:
    """The first `count` of shuffled epochs: `[n] -> [count]`."""
    epochs = -(-count // len(examples))
    return np.concatenate([generator.permutation(examples) for _ in range(epochs)])[:count]
