"""MadeSet: a set of examples that is made on demand, with the facts of a prepared one."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from ablations.seeds import derive
from sweeps.datasets.prepared import Part, channel_moments, moments
from sweeps.datasets.targets import balance, facts, form_of
from sweeps.tasks.groups import joined


@dataclasses.dataclass(frozen=True)
class MadeSet:
    """A set by name: what `Prepared` is to a task.

    `kind` and `target` are those of a prepared set, `names` those of its classes or targets. `draw(generator, count, sealed)`
    makes the examples of a split; the generator derives from the name and the split, so that another name makes other data.
    """

    name: str
    kind: str
    target: str
    names: tuple[str, ...]
    sizes: dict[str, int]
    draw: Callable[[np.random.Generator, int, bool], Part]

    @functools.cached_property
    def about(self) -> dict:
        """The facts that a task reads, from the pool."""
        part = self.pool()
        classes = list(self.names) if self.target in ('class', 'map') else None
        made = {'name': self.name, 'kind': self.kind, 'sizes': self.sizes, 'classes': classes}
        made |= {} if self.target == 'class' else {'target': self.target}
        made['shape'] = None if part.offsets is not None else list(part.x.shape[1:])
        if self.kind == 'images':
            made['mean'], made['std'] = channel_moments(part.x)
        elif part.offsets is None and part.x.dtype == np.float32:
            made['mean'], made['std'] = moments(part.x, 'pool')
        form = form_of(made, part.y)
        made['balance'] = {'pool': balance(form, part.y)}
        return made | facts(form, {'pool': part}, None if classes else self.names)

    def pool(self) -> Part:
        """Training and tuning-validation examples."""
        return self._part(False)

    def test(self) -> Part:
        """The sealed test examples."""
        return self._part(True)

    @functools.cache  # noqa: B019 - there are a few sets, as long as the process
    def _part(self, sealed: bool) -> Part:
        split = 'test' if sealed else 'pool'
        return self.draw(np.random.default_rng(derive('made', self.name, split)), self.sizes[split], sealed)

    def __hash__(self) -> int:
        return hash(self.name)


def windows(text: np.ndarray, length: int) -> np.ndarray:
    """A text cut into whole windows: `[N] -> [n, length]`."""
    return text[: len(text) // length * length].reshape(-1, length)


def of_windows(rows: list[np.ndarray], y: list[np.ndarray], group: list[np.ndarray]) -> Part:
    """Windows of bytes as the part of a ragged set of texts: `[n, N]` each, `y` `[n]`, or `[n, N]` for a map, `group` `[n]`."""
    x, y = np.concatenate(rows), np.concatenate(y)
    offsets = np.arange(len(x) + 1, dtype=np.int64) * x.shape[1]
    return Part(x.reshape(-1), y.reshape(-1), joined(np.concatenate(group), x), offsets)
