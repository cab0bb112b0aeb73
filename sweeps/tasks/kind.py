"""Kind: the contract of every kind of task: required members, optional members, and refusals.

>>> class Letters(Kind):
...     NAME = 'letters'
...     METRIC = ('accuracy', 'up')
Traceback (most recent call last):
    ...
ValueError: Letters: METRIC=('accuracy', 'up'); allowed: a name and one of ['higher', 'lower'], such as ('accuracy', 'higher')
"""

import abc
import inspect
import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import numpy as np

from ablations.tasks.task import DIRECTIONS
from sweeps.metrics.measure import Measure
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS

TOGETHER = {'absent': 'declared', 'domain_names': 'domains'}
"""A class with the first of these must also have the second."""


class Kind(abc.ABC):
    """A kind of task: examples, their splits, a loss and a metric, and the model's inputs on the device.

    A kind is a frozen dataclass whose fields are its difficulty. It defines everything that is abstract here; attributes in
    capitals are class attributes. Making an instance of an incomplete class raises ValueError with what it lacks.
    """

    SCALE: ClassVar[float] = 1.0
    """What the mean of the metric is multiplied by to be in its unit: 1 / ln 2 makes bits of nats.

    It goes into `Arrays.scale`. A kind whose scale depends on the examples gives each of its arrays its own.
    """
    TEST: ClassVar[int | None] = None
    """Its number of test examples, if that is always the same."""

    @property
    @abc.abstractmethod
    def NAME(self) -> str:
        """Its name in data specs and errors, such as 'digits'."""

    @property
    @abc.abstractmethod
    def METRIC(self) -> tuple[str, str]:
        """The name of the metric and its better direction, such as ('accuracy', 'higher')."""

    @property
    @abc.abstractmethod
    def train(self) -> int:
        """A field: how many training examples a replicate draws; 0 may mean all that are left."""

    @property
    @abc.abstractmethod
    def held(self) -> int:
        """A field: how many tuning-validation examples a replicate draws."""

    @abc.abstractmethod
    def pool(self) -> Arrays:
        """The training and tuning-validation examples; no test array can be reached from them."""

    @abc.abstractmethod
    def test(self) -> Arrays:
        """The sealed examples, always the same."""

    def test_size(self) -> int | None:
        """How many test examples there are, at most; None where that is not known without reading them."""
        return self.TEST

    @abc.abstractmethod
    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the training and of the tuning-validation examples of a pool, drawn by the seed; no group in both."""

    @staticmethod
    @abc.abstractmethod
    def losses(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The loss in nats and the metric of each example, `[B]` each; `sweeps/tasks/losses.py` has some.

        A kind with a `measure` gives in place of the metric the statistics of each example, `[B, S]`.
        """

    def __init_subclass__(cls, **given: object):
        super().__init_subclass__(**given)
        _check_metric(cls)
        _check_calls(cls)

    def __new__(cls, *_: object, **__: object):
        if lacks := _lacks(cls):
            raise ValueError(f'{cls.__name__} is no whole kind of task; it lacks {"; ".join(lacks)}; add them to the class')
        return super().__new__(cls)

    @property
    def knobs(self) -> dict[str, float]:
        """The values that `draw` and `example_order` read from their `knobs`, with their defaults."""
        return {}

    @property
    def knob_bounds(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest value of those knobs that these data bound more narrowly than their declaration."""
        return {}

    @property
    def loss_knobs(self) -> dict[str, float]:
        """The values that its loss reads, with their defaults."""
        return LOSS_KNOBS

    @property
    def measure(self) -> Measure | None:
        """What makes the score of all examples from the statistics of each; None where it is the mean of the metric."""
        return None

    def check_scores(self, scores: tuple[int, ...], y: tuple[int, ...]) -> None:
        """Raise ValueError if the shape of a model's scores does not fit the targets of its examples."""
        return None

    def token_count(self) -> int | None:
        """How many tokens its examples may have; None where that is not known, or they have none."""
        return None

    def labels(self) -> int | None:
        """How many labels its examples may have; None where that is not known before they are read, or they have none."""
        return None

    def pool_size(self) -> int | None:
        """How many examples there are to train and tune on; None where that is not known without reading them."""
        return None

    def absent(self) -> list[str]:
        """The prepared sets that it reads and lacks."""
        return []

    def declared(self) -> jax.ShapeDtypeStruct:
        """What `example` says while sets are absent: from the catalog and the task's own fields."""
        raise ValueError(f"task '{self.NAME}' reads no prepared set; ask for its example()")

    def example(self) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of one stored example: that of the data, or the declared one while these are absent.

        Raises ValueError where neither tells.
        """
        if self.absent():
            return self.declared()
        x = self.pool().x
        # Of the types that a device has: jax warns of others.
        return jax.ShapeDtypeStruct(x[:1].shape, jax.dtypes.canonicalize_dtype(x.dtype))

    def seen(self) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of what the model sees of one example. Raises ValueError as `example` does."""
        return jax.eval_shape(self.inputs, self.example())

    def seen_in_training(self) -> jax.ShapeDtypeStruct:
        """The same in a training step, whose batches `draw` makes. Raises ValueError as `example` does."""
        return self.seen()

    @property
    def domain_name(self) -> str:
        """What it is called as a domain of others."""
        return self.NAME

    @property
    def domain_names(self) -> tuple[str, ...]:
        """The domains of its examples, where each domain is also scored by itself; most kinds have none."""
        return ()

    def domains(self, arrays: Arrays) -> np.ndarray:
        """The number of the domain of each example among `domain_names`: `[n]`."""
        raise ValueError(f"task '{self.NAME}' has no domains; only a kind with `domain_names` is asked for them")

    def example_order(self, pool: Arrays, train: np.ndarray, seed: int, steps: int, batch: int, knobs: Mapping) -> np.ndarray:
        """The examples of a pool that each step of a training takes, of those in `train`: indices `[steps, batch]`.

        `knobs` are the values of the trial. It is made on the host before the training, so it may differ between lanes.
        """
        return batch_order(seed, train, steps, batch)

    def turns(self, steps: int, knobs: Mapping) -> list[tuple[str, int, int]]:
        """The domain, first step and end of each turn, for tasks that are taught one domain after the other; else none."""
        return []

    def messages(self, sealed: bool) -> list[bytes] | None:
        """The bytes that a reference coder codes, of the test split or of the pool; None where the task isn't about bytes."""
        return None

    def given(self) -> int:
        """How many bytes at the start of each of `messages` a model is given, and is never asked for."""
        return 0

    def bits_per_byte(self) -> float | None:
        """What a score on the test split is multiplied by to be in bits per asked byte of `messages`; None if not known."""
        return None

    def least_bits(self, sealed: bool = True) -> float | None:
        """The score of who knows the source, on the test split or pool: no model goes below but by chance. None if unknown."""
        return None

    def numbers(self, sealed: bool) -> np.ndarray | None:
        """The bytes of `messages` as numbers below `tokens`, C in each of T observations: `[n, T, C]`; None if not so."""
        return None

    def part(self, arrays: Arrays, chosen: np.ndarray) -> Arrays:
        """The examples of `arrays` with the indices `chosen`."""
        return Arrays(arrays.x[chosen], arrays.y[chosen], arrays.group[chosen], arrays.scale)

    def inputs(self, x: jax.Array) -> jax.Array:
        """What the model sees of stored examples `[B, ...]`; here the examples themselves."""
        return x

    def draw(
        self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, tuple[tuple[jax.Array, jax.Array | None], ...]]:
        """A training batch as the model sees it, augmented, and its targets: pairs of `y` and their weights `[B]`.

        A weight of None is one. The weights of an example sum to one: mixed examples have the targets of both.
        """
        return self.inputs(x), ((y, None),)


def _check_metric(cls: type[Kind]) -> None:
    """Raise ValueError for a METRIC or a SCALE that cannot be used."""
    metric = cls.__dict__.get('METRIC')
    named = isinstance(metric, tuple) and len(metric) == 2 and isinstance(metric[0], str) and metric[0]
    # One that depends on the fields is a property.
    if 'METRIC' in cls.__dict__ and not isinstance(metric, property) and not (named and metric[1] in DIRECTIONS):
        raise ValueError(
            f"{cls.__name__}: METRIC={metric!r}; allowed: a name and one of {list(DIRECTIONS)}, such as ('accuracy', 'higher')"
        )
    number = isinstance(cls.SCALE, int | float) and not isinstance(cls.SCALE, bool)
    if not (number and 0 < cls.SCALE < math.inf):
        raise ValueError(
            f'{cls.__name__}: SCALE={cls.SCALE!r}; allowed: a finite number above 0; 1.0 leaves the metric as it is'
        )


def _check_calls(cls: type[Kind]) -> None:
    """Raise ValueError for a method that the lab cannot call with the contract's arguments."""
    calls = {'pool': (), 'test': (), 'split': ('pool', 'seed'), 'losses': ('scores', 'y')}
    for name, arguments in calls.items():
        if name not in cls.__dict__:
            continue
        given = getattr(cls, name)
        # A plain function gets the task as its first argument, a static method does not.
        own = ('self',) if inspect.isfunction(cls.__dict__[name]) else ()
        named = {'label_smoothing': None} if name == 'losses' else {}
        wanted = ', '.join((*arguments, *(f'{keyword}=None' for keyword in named)))
        try:
            inspect.signature(given).bind(*own, *arguments, **named)
        except TypeError as error:
            fix = f'; a function from elsewhere needs {name} = staticmethod(...)' if own else ''
            raise ValueError(f"{cls.__name__}: {name} can't be called as {name}({wanted}): {error}{fix}") from None


def _lacks(cls: type[Kind]) -> list[str]:
    """The missing members of a class, each with its description."""
    lacking = {name: inspect.getdoc(getattr(cls, name)) for name in sorted(cls.__abstractmethods__)}
    for name, other in TOGETHER.items():
        if getattr(cls, name) is not getattr(Kind, name) and getattr(cls, other) is getattr(Kind, other):
            lacking[other] = f'{inspect.getdoc(getattr(Kind, other))} (it gives {name})'
    return [f'{name} ({about.splitlines()[0].rstrip(".")})' for name, about in lacking.items()]
