"""Rounding: how far two programs for the same numbers may be apart, whatever processor they were compiled for.

Each operation rounds to half a unit in the last place. Compilers fuse, reorder and vectorise, so that two programs round at
other places; the differences add up like a random walk: after n roundings on the way to a number they are about sqrt(n)
units of the largest number on that way (Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 2.8).
`SPREAD` units leave room for both programs and for the largest of some thousand numbers. A fault in a formula changes
numbers in their first digits, not in their last.
"""

import jax
import numpy as np

SPREAD = 8
"""Standard deviations of the walk that are still rounding."""


def tolerance(roundings: int, largest: float = 1.0, dtype: object = np.float32) -> float:
    """The greatest difference that is rounding alone.

    `roundings` is the number of operations one after the other on the way to a number: the lengths of its sums, added over
    layers. `largest` is the size of the largest number on that way.
    """
    return SPREAD * float(np.finfo(dtype).eps) * roundings**0.5 * largest


def assert_same_numbers(one: object, other: object, roundings: int) -> None:
    """Raise AssertionError unless two trees have the same structure and, but for rounding, the same numbers.

    All leaves are measured by the largest number of the tree: a slope that is 0 in exact arithmetic, as that of a kernel before
    a batch norm may be, is a difference of numbers of that size.
    """
    assert jax.tree.structure(one) == jax.tree.structure(other)
    largest = max((float(np.abs(leaf).max(initial=0.0)) for leaf in jax.tree.leaves(one)), default=0.0)
    for (path, left), right in zip(jax.tree.leaves_with_path(one), jax.tree.leaves(other), strict=True):
        assert np.shape(left) == np.shape(right), f'{jax.tree_util.keystr(path)}: {np.shape(left)} and {np.shape(right)}'
        allowed = tolerance(roundings, largest)
        np.testing.assert_allclose(right, left, rtol=0, atol=allowed, err_msg=jax.tree_util.keystr(path))
