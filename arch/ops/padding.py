"""Padding: the zeros around an axis, and the positions that a stride keeps of it."""


def padding(size: int, causal: bool) -> tuple[int, int]:
    """The zeros before and after an axis that keep its length under a filter of `size` taps.

    >>> padding(3, causal=False), padding(3, causal=True)
    ((1, 1), (2, 0))
    """
    return (size - 1, 0) if causal else ((size - 1) // 2, size // 2)


def strided(spatial: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """The lengths of the axes where every `stride`-th position is kept, the first one included.

    >>> strided((8, 5), 2)
    (4, 3)
    """
    return tuple(-(-length // stride) for length in spatial)
