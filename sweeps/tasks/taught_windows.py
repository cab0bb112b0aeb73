"""Taught windows: training on the first tokens of windows that are scored whole: what holds on longer texts (2108.12409)?"""

import abc
from collections.abc import Mapping

import jax

from sweeps.tasks.kind import Kind


class TaughtWindows(Kind):
    """Windows of `length` tokens of which training sees the first `taught` only, 0 for all.

    The model is drawn for whole windows, and is scored on whole windows. So a table of positions has a row for each token, of
    which those past `taught` are never trained.
    """

    @property
    @abc.abstractmethod
    def length(self) -> int:
        """A field: how many tokens a window has."""

    @property
    @abc.abstractmethod
    def taught(self) -> int:
        """A field: how many of them training sees, the first ones; 0 for all."""

    def check_taught(self) -> None:
        """Raise ValueError where training cannot see as many tokens."""
        if not 0 <= self.taught <= self.length:
            raise ValueError(
                f"task '{self.NAME}': taught={self.taught} of windows of length={self.length}; allowed: 0 (all of them) to "
                f'{self.length}; change taught, or give a longer length'
            )

    def seen_in_training(self) -> jax.ShapeDtypeStruct:
        x = self.seen()
        return jax.ShapeDtypeStruct((x.shape[0], self.taught or x.shape[1]), x.dtype)

    def draw(self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple:
        first = slice(self.taught or None)
        return super().draw(key, x[:, first], y[:, first], knobs)
