"""mixture: several languages, each written in bytes, as one task."""

import dataclasses
import functools
import math
from typing import NoReturn

import jax
import numpy as np

from ablations.seeds import derive
from arch.make import make
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.kind import Kind
from sweeps.tasks.language import BITS, Language
from sweeps.tasks.losses import BITS_PER_NAT
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.taught_windows import TaughtWindows
from sweeps.tasks.unmixed import UNMIXED
from sweeps.tasks.windows import spread

SHIFT = 40
"""The lower bits hold an example's group within its domain, plus one (-1 is ACROSS); the upper bits the domain's number."""


@dataclasses.dataclass(frozen=True)
class Mixture(Language):
    """One causal model of several languages, written in bytes and a mark (V = 257), in shares of `weights` (equal if none).

    Source, licence and test splits: those of `parts`, task specs of one length in which every position asks for one byte: text
    with tokens='bytes', pixels, samples and the like. Which domain an example is of is not told. A replicate draws the domains'
    own tuning splits and takes of each its share of `held` and of `train` examples (0: as many as there are without repeating
    any); `tested` sealed ones are shared out in the same way, so these numbers must divide by the weights. Metric: bits per
    byte, the weighted mean of the domains' (lower is better), which records keep as `parts`; chance log2 257 = 8.006; scores of
    small models stand beside the task in ablations/tasks/text_tasks.py.
    """

    parts: tuple = (
        {'kind': 'text', 'dataset': 'tiny_shakespeare'},
        {'kind': 'text', 'dataset': 'tinystories'},
        {'kind': 'text', 'dataset': 'zinc'},
    )
    weights: tuple = ()
    train: int = 0
    held: int = 510
    tested: int = 1500

    NAME, unit = 'mixture', BITS
    size = 257

    def __post_init__(self):
        if not self.parts or len(self.weights) not in (0, len(self.parts)):
            raise ValueError(
                f"task 'mixture': {len(self.parts)} parts, {len(self.weights)} weights; give parts, and as many weights or none"
            )
        if not all(isinstance(weight, int | float) and weight > 0 for weight in self.weights):
            raise ValueError(
                f"task 'mixture': weights {list(self.weights)}; allowed: numbers above 0; change those that are not"
            )
        for name, least in {'held': 1, 'tested': 1, 'train': 0}.items():
            exact = self.shares * getattr(self, name)
            if getattr(self, name) < least or np.abs(exact - exact.round()).max() > 1e-6:
                raise ValueError(
                    f"task 'mixture': {name}={getattr(self, name)} gives the domains {exact.round(3).tolist()} examples; "
                    'allowed: whole numbers for each; change it'
                )

    @functools.cached_property
    def components(self) -> list[Kind]:
        """The tasks that are mixed."""
        made = [make('task', UNMIXED, dict(part)) for part in self.parts]
        for number, component in enumerate(made):
            if isinstance(component, TaughtWindows) and component.taught:
                raise ValueError(
                    f"task 'mixture': part {number} has taught={component.taught}; allowed: 0, because a mixture trains on "
                    'what it scores; leave it out'
                )
        return made

    @property
    def shares(self) -> np.ndarray:
        """The share of each domain, [domains]; they sum to one."""
        weights = np.array(self.weights or [1] * len(self.parts), float)
        return weights / weights.sum()

    def absent(self) -> list[str]:
        return list(dict.fromkeys(name for component in self.components for name in component.absent()))

    def declared(self) -> jax.ShapeDtypeStruct:
        shapes = [component.seen().shape for component in self.components]
        for number, shape in enumerate(shapes):
            if len(shape) != 2 or shape != shapes[0]:
                self._refuse(number, f'examples {list(shape)}')
        return jax.ShapeDtypeStruct(shapes[0], np.uint16)

    @functools.cached_property
    def domain_names(self) -> tuple[str, ...]:
        """The dataset of each part, or its kind without one. Repeats are numbered: zinc, zinc_2."""
        names = []
        for component in self.components:
            name = given = component.dataset if isinstance(component, SetKind) else component.NAME
            number = 1
            while name in names:
                number += 1
                name = f'{given}_{number}'
            names.append(name)
        return tuple(names)

    def domains(self, arrays: Arrays) -> np.ndarray:
        return arrays.group >> SHIFT

    def pool(self) -> Arrays:
        return self._joined([component.pool() for component in self.components])

    def test(self) -> Arrays:
        chosen = []
        for number, (component, count) in enumerate(zip(self.components, self._counts(self.tested), strict=True)):
            sealed = component.test()
            self._enough(number, 'test', len(sealed.x), count)
            tested = spread(len(sealed.x), count)
            chosen.append(Arrays(sealed.x[tested], sealed.y[tested], sealed.group[tested], sealed.scale))
        return self._joined(chosen)

    def test_size(self) -> int:
        return self.tested

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        domains, learned, scored = self.domains(pool), [], []
        for number, component in enumerate(self.components):
            own = np.flatnonzero(domains == number)
            part = Arrays(pool.x[own], pool.y[own], (pool.group[own] & (1 << SHIFT) - 1) - 1)
            train, held = component.split(part, derive('mixture', seed, number))
            learned.append(own[train])
            scored.append(own[held])
        total = self.train or min(int(len(own) / share) for own, share in zip(learned, self.shares, strict=True))
        generator = np.random.default_rng(seed)
        for sides, counts, what in ((learned, self._counts(total), 'training'), (scored, self._counts(self.held), 'held-out')):
            for number, count in enumerate(counts):
                self._enough(number, what, len(sides[number]), count)
                sides[number] = np.sort(generator.choice(sides[number], count, replace=False))
        return np.concatenate(learned), np.concatenate(scored)

    def _counts(self, total: int) -> list[int]:
        """The number of examples of each domain among `total`."""
        return np.floor(self.shares * total + 1e-6).astype(int).tolist()

    def _enough(self, number: int, what: str, there: int, wanted: int) -> None:
        if there < wanted:
            raise ValueError(
                f"task 'mixture': part {number} ({self.parts[number]}) has {there} {what} examples, {wanted} are wanted; "
                'ask for fewer, or give the part more'
            )

    def _refuse(self, number: int, wrong: str) -> NoReturn:
        raise ValueError(
            f"task 'mixture': part {number} ({self.parts[number]}) has {wrong}; allowed: one length for all parts, a "
            'byte or mark asked for at every position, in bits per byte; change the part, or take it out'
        )

    def _joined(self, parts: list[Arrays]) -> Arrays:
        xs, ys, groups = [], [], []
        for number, (component, arrays) in enumerate(zip(self.components, parts, strict=True)):
            x, y = np.asarray(component.inputs(arrays.x)), np.asarray(arrays.y)
            wrong = ''
            if x.ndim != 2 or x.shape != y.shape or x.shape[1] != (xs[0].shape[1] if xs else x.shape[1]):
                wrong = f'examples {list(x.shape)} with targets {list(y.shape)}'
            elif int(y.min()) < 0 or max(int(x.max()), int(y.max())) >= self.size:
                wrong = f'tokens from {int(y.min())} to {max(int(x.max()), int(y.max()))}'
            elif not math.isclose(arrays.scale, BITS_PER_NAT):
                wrong = f'a metric that is {arrays.scale:.4g} times nats per token'
            if wrong:
                self._refuse(number, wrong)
            xs.append(x.astype(np.uint16))
            ys.append(y.astype(np.uint16))
            groups.append((np.asarray(arrays.group) + 1) | number << SHIFT)
        return Arrays(np.concatenate(xs), np.concatenate(ys), np.concatenate(groups), BITS_PER_NAT)
