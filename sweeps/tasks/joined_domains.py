"""Joined domains: several tasks as one, each a domain that is also scored by itself."""

import abc
import functools
from collections.abc import Mapping
from typing import ClassVar, NoReturn

import jax
import numpy as np

from ablations.seeds import derive
from arch.make import make
from sweeps.tasks import lessons as taught
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.batch_order import order_by_domain
from sweeps.tasks.kind import Kind
from sweeps.tasks.lessons import IN_TURN, LESSONS, MOST, SHARES, SHUFFLED
from sweeps.tasks.taught_windows import TaughtWindows
from sweeps.tasks.unmixed import UNMIXED
from sweeps.tasks.windows import spread

SHIFT = 40
"""The lower bits hold an example's group within its domain, plus one (-1 is ACROSS); the upper bits the domain's number."""


class JoinedDomains(Kind):
    """One model of the tasks of `parts`, whose examples are scored in shares of `weights`; a subclass joins their arrays.

    Which domain an example is of is not told. A replicate draws the domains' own tuning splits and takes of each its share of
    `held` examples; `tested` sealed ones are shared out in the same way.

    `lessons` say what training takes. Under 'shuffled' `train` examples are shared out like the held ones (0: as many as there
    are without repeating any), and come shuffled. Under 'shares' and 'in_turn' (sweeps/tasks/lessons.py) all training examples
    of every domain are there, which a part limits by a `train` of its own, and the shares are values of training.
    """

    STORED: ClassVar[type | None] = None
    """The type of joined tokens and targets, if it is another than that of the parts' inputs and int32."""

    @property
    @abc.abstractmethod
    def parts(self) -> tuple[Mapping, ...]:
        """A field: the task specs of the domains."""

    @property
    @abc.abstractmethod
    def weights(self) -> tuple[float, ...]:
        """A field: how much each domain counts in the score; equal if none."""

    @property
    @abc.abstractmethod
    def tested(self) -> int:
        """A field: how many sealed examples there are."""

    @property
    def scored(self) -> int:
        """The number of the only part that is scored, from 1 on; 0 for all."""
        return 0

    @property
    @abc.abstractmethod
    def lessons(self) -> str:
        """A field: one of LESSONS."""

    @abc.abstractmethod
    def wrong_of(self, component: Kind, arrays: Arrays, first: Arrays) -> str:
        """What keeps the arrays of a part, as the model sees them, from being joined to those of the first; '' if nothing."""

    def joined(self, parts: list[Arrays]) -> Arrays:
        """The arrays of all domains as one, as the model sees them; the upper bits of a group are the domain's number."""
        made = []
        for number, (component, arrays) in enumerate(zip(self.components, parts, strict=True)):
            x, y = np.asarray(component.inputs(jax.numpy.asarray(arrays.x))), np.asarray(arrays.y)
            group = (np.asarray(arrays.group) + 1) | number << SHIFT
            made.append(Arrays(x, y, group, arrays.scale))
            if wrong := self.wrong_of(component, made[-1], made[0]):
                self.refuse(number, wrong)
        x, y, group = (np.concatenate([getattr(one, name) for one in made]) for name in ('x', 'y', 'group'))
        return Arrays(
            x.astype(self.STORED or x.dtype),
            y.astype(self.STORED or np.int32),
            group,
            made[self.scored - 1 if self.scored else 0].scale,
        )

    def seed_of(self, seed: int, number: int) -> int:
        """The seed of a part's own split."""
        return derive('mixture', seed, number)

    def check_parts(self) -> None:
        """Raise ValueError where parts, weights, lessons and numbers of examples do not go together."""
        if not self.parts or len(self.weights) not in (0, len(self.parts)):
            raise ValueError(
                f"task '{self.NAME}': {len(self.parts)} parts, {len(self.weights)} weights; give parts, and as many weights "
                'or none'
            )
        if not all(isinstance(weight, int | float) and weight > 0 for weight in self.weights):
            raise ValueError(
                f"task '{self.NAME}': weights {list(self.weights)}; allowed: numbers above 0; change those that are not"
            )
        self._check_lessons()
        for name, least in {'held': 1, 'tested': 1, 'train': 0}.items():
            exact = (self.shares if name == 'train' else self.scored_shares) * getattr(self, name)
            if getattr(self, name) < least or np.abs(exact - exact.round()).max() > 1e-6:
                raise ValueError(
                    f"task '{self.NAME}': {name}={getattr(self, name)} gives the domains {exact.round(3).tolist()} examples; "
                    'allowed: whole numbers for each; change it'
                )

    def _check_lessons(self) -> None:
        if self.lessons not in LESSONS:
            raise ValueError(f"task '{self.NAME}': lessons '{self.lessons}'; allowed: {list(LESSONS)}; choose one")
        if self.lessons == SHUFFLED:
            return
        if self.train:
            raise ValueError(
                f"task '{self.NAME}': train={self.train} under lessons '{self.lessons}', which take from all training examples "
                'of a domain; leave it out, or give parts a train of their own'
            )
        least, most = (2, MOST) if self.lessons == SHARES else (2, 64)
        if not least <= len(self.parts) <= most:
            raise ValueError(
                f"task '{self.NAME}': {len(self.parts)} parts under lessons '{self.lessons}'; allowed: {least} to {most}; "
                'change the parts'
            )

    @functools.cached_property
    def components(self) -> list[Kind]:
        """The tasks that are joined."""
        made = [make('task', UNMIXED, dict(part)) for part in self.parts]
        for number, component in enumerate(made):
            if isinstance(component, TaughtWindows) and component.taught:
                raise ValueError(
                    f"task '{self.NAME}': part {number} has taught={component.taught}; allowed: 0, because a {self.NAME} "
                    'trains on what it scores; leave it out'
                )
        return made

    @property
    def shares(self) -> np.ndarray:
        """The share of each domain by the weights, [domains]; they sum to one."""
        weights = np.array(self.weights or [1] * len(self.parts), float)
        return weights / weights.sum()

    @property
    def scored_shares(self) -> np.ndarray:
        """The share of each domain in the score, [domains]: that by the weights, unless one is scored alone."""
        return np.eye(len(self.parts))[self.scored - 1] if self.scored else self.shares

    @property
    def knobs(self) -> dict[str, float]:
        return taught.knobs_of(self.lessons, len(self.parts))

    @property
    def knob_bounds(self) -> dict[str, tuple[float, float]]:
        return {'first_domain': (1, len(self.parts))} if self.lessons == IN_TURN else {}

    def absent(self) -> list[str]:
        return list(dict.fromkeys(name for component in self.components for name in component.absent()))

    def declared(self) -> jax.ShapeDtypeStruct:
        seen = [component.seen() for component in self.components]
        for number, one in enumerate(seen):
            if one.shape != seen[0].shape:
                self.refuse(number, f'examples {list(one.shape)}')
        return seen[0]

    @functools.cached_property
    def domain_names(self) -> tuple[str, ...]:
        """The dataset of each part, or its kind without one. Repeats are numbered: zinc, zinc_2. None where one is scored."""
        names: list[str] = []
        if self.scored:
            return ()
        for component in self.components:
            name = given = component.domain_name
            number = 1
            while name in names:
                number += 1
                name = f'{given}_{number}'
            names.append(name)
        return tuple(names)

    def domains(self, arrays: Arrays) -> np.ndarray:
        return arrays.group >> SHIFT

    def pool(self) -> Arrays:
        return self.joined([component.pool() for component in self.components])

    def test(self) -> Arrays:
        chosen = []
        for number, (component, count) in enumerate(zip(self.components, self._counts(self.tested, scored=True), strict=True)):
            sealed = component.test()
            self._enough(number, 'test', len(sealed.x), count)
            tested = spread(len(sealed.x), count) if count else np.arange(0)
            chosen.append(Arrays(sealed.x[tested], sealed.y[tested], sealed.group[tested], sealed.scale))
        return self.joined(chosen)

    def test_size(self) -> int:
        return self.tested

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        domains, learned, scored = self.domains(pool), [], []
        for number, component in enumerate(self.components):
            own = np.flatnonzero(domains == number)
            part = Arrays(pool.x[own], pool.y[own], (pool.group[own] & (1 << SHIFT) - 1) - 1)
            train, held = component.split(part, self.seed_of(seed, number))
            learned.append(own[train])
            scored.append(own[held])
        total = self.train or min(int(len(own) / share) for own, share in zip(learned, self.shares, strict=True))
        generator = np.random.default_rng(seed)
        drawn = [(learned, self._counts(total), 'training')] if self.lessons == SHUFFLED else []
        for sides, counts, what in (*drawn, (scored, self._counts(self.held, scored=True), 'held-out')):
            for number, count in enumerate(counts):
                self._enough(number, what, len(sides[number]), count)
                sides[number] = np.sort(generator.choice(sides[number], count, replace=False))
        return np.concatenate(learned), np.concatenate(scored)

    def example_order(self, pool: Arrays, train: np.ndarray, seed: int, steps: int, batch: int, knobs: Mapping) -> np.ndarray:
        if self.lessons == SHUFFLED:
            return super().example_order(pool, train, seed, steps, batch, knobs)
        domain = self.domains(pool)[train]
        known = {name: value for name, value in knobs.items() if name in self.knobs}
        if self.lessons == IN_TURN:
            shares = taught.shares_in_turn(self.shares, steps, known)
        else:
            sizes = np.bincount(domain, minlength=len(self.parts))
            shares = np.tile(taught.tuned_shares(self.shares, sizes, known), (steps, 1))
        return order_by_domain(seed, train, domain, shares, batch)

    def turns(self, steps: int, knobs: Mapping) -> list[tuple[str, int, int]]:
        if self.lessons != IN_TURN or self.scored:
            return []
        known = {name: value for name, value in knobs.items() if name in self.knobs}
        told = taught.turns(len(self.parts), steps, known)
        return [(self.domain_names[domain], first, end) for domain, first, end in told]

    def _counts(self, total: int, scored: bool = False) -> list[int]:
        """The number of examples of each domain among `total`, by the weights or by what is scored."""
        return np.floor((self.scored_shares if scored else self.shares) * total + 1e-6).astype(int).tolist()

    def _enough(self, number: int, what: str, there: int, wanted: int) -> None:
        if there < wanted:
            raise ValueError(
                f"task '{self.NAME}': part {number} ({self.parts[number]}) has {there} {what} examples, {wanted} are wanted; "
                'ask for fewer, or give the part more'
            )

    @abc.abstractmethod
    def refuse(self, number: int, wrong: str) -> NoReturn:
        """Raise ValueError for a part that cannot be joined: what is wrong, what is allowed."""
