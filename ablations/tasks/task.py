"""Task: a learning problem as data. Its arrays and losses are in sweeps/tasks, by `data['kind']`."""

import dataclasses
import math

from ablations.config import NAME, plain

DIRECTIONS = ('higher', 'lower')
LARGEST = 10**12
"""Of steps, batches and evaluations; what is larger is a slip of the pen."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A dataset with its metric, its training budget and the base model for it.

    `direction`: whether a higher or a lower metric is better. `chance`: the metric of a model that knows nothing; a diverged
    run gets it. `margin`: the largest negligible difference, in the metric's unit. `steps`, `batch`: the budget of every
    training run. `evaluations`: the number of evaluations on the held-out split. `data`: a spec of the data. `base`: the
    complete model config that arms change. `ladder`: the name of the task that this is one size of, or ''. `declared`: the
    hash of what a user's own file declares its data to be made of, or ''.
    """

    name: str
    dataset: str
    domain: str
    metric: str
    unit: str
    direction: str
    chance: float
    margin: float
    steps: int
    batch: int
    evaluations: int
    data: dict
    base: dict
    ladder: str = ''
    declared: str = ''

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            wanted = {'str': str, 'int': int, 'float': (int, float), 'dict': dict}[getattr(field.type, '__name__', field.type)]
            if isinstance(value, bool) or not isinstance(value, wanted):
                raise ValueError(
                    f"task '{self.name}': {field.name}={value!r} is a {type(value).__name__}; allowed: {field.type.__name__}"
                )
        if not NAME.fullmatch(self.name):
            raise ValueError(f"task name '{self.name}'; allowed: lower-case letters, digits and _; rename the task")
        if not self.unit.isprintable():
            raise ValueError(f"task '{self.name}': unit {self.unit!r}; allowed: one line of printable text; mend it")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"task '{self.name}': direction {self.direction!r}; allowed: {list(DIRECTIONS)}; choose one")
        for name in ('steps', 'batch', 'evaluations', 'margin'):
            if not getattr(self, name) > 0:
                raise ValueError(f"task '{self.name}': {name}={getattr(self, name)}; allowed: above 0; raise it")
        for name in ('steps', 'batch', 'evaluations'):
            if (value := getattr(self, name)) > LARGEST:
                given = f"task '{self.name}': {name}={min(value, 10**300):.3g}"
                raise ValueError(f'{given}; allowed: up to {LARGEST:.0e}; lower it')
        for name in ('chance', 'margin'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"task '{self.name}': {name}={getattr(self, name)}; allowed: a finite number; give one")
        if self.steps % self.evaluations:
            raise ValueError(
                f"task '{self.name}': steps={self.steps} is not a multiple of evaluations={self.evaluations}; change one"
            )
        if 'kind' not in self.data:
            raise ValueError(f"task '{self.name}': data={self.data} has no kind; give {{'kind': ..., fields}}")
        for name in ('data', 'base'):
            object.__setattr__(self, name, plain(getattr(self, name), f"task '{self.name}': {name}"))

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.direction == 'higher' else -1

    def to_dict(self) -> dict:
        fields = dataclasses.asdict(self)
        if not self.declared:
            # Left out where it says what older tasks did, so that the digests of their studies stay.
            del fields['declared']
        return plain(fields, f"task '{self.name}'")
