"""Tasks: what a study asks its models to learn, as data; the arrays and losses are in sweeps/tasks by `data['kind']`."""

import dataclasses
import math

from ablations import bases
from ablations.config import NAME, closest, plain
from ablations.image_tasks import IMAGES, PIXELS
from ablations.probe_tasks import PROBES
from ablations.sound_tasks import SERIES, SOUNDS
from ablations.text_tasks import TEXTS

DIRECTIONS = ('higher', 'lower')


@dataclasses.dataclass(frozen=True)
class Task:
    """A dataset with its metric, its training budget and the base model for it.

    `direction`: whether a higher or a lower metric is better. `chance`: the metric of a model that knows nothing, which a
    diverged run scores. `margin`: the largest difference, in the metric's unit, that is negligible. `steps`, `batch`: the
    budget of every training run. `evaluations`: points at which the held-out split is scored. `data`: a spec of what is
    learned. `base`: the complete model config that arms differ from. `ladder`: the task of which this is one size, or ''.
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
        if self.direction not in DIRECTIONS:
            raise ValueError(f"task '{self.name}': direction {self.direction!r}; allowed: {list(DIRECTIONS)}")
        for name in ('steps', 'batch', 'evaluations', 'margin'):
            if not getattr(self, name) > 0:
                raise ValueError(f"task '{self.name}': {name}={getattr(self, name)}; allowed: above 0; raise it")
        for name in ('chance', 'margin'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"task '{self.name}': {name}={getattr(self, name)}; allowed: a finite number")
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
        return plain(dataclasses.asdict(self), f"task '{self.name}'")


DIGITS = Task(
    name='digits',
    dataset='digits',
    domain='images',
    metric='accuracy',
    unit='share of images',
    direction='higher',
    chance=0.1,
    margin=0.01,
    steps=140,
    batch=64,
    evaluations=2,
    data={'kind': 'digits'},
    base=bases.convnext(outputs=10, patch=2, widths=[16, 32], depths=[1, 1], kernel=3),
)

RECALL = Task(
    name='recall',
    dataset='recall',
    domain='synthetic sequences',
    metric='accuracy',
    unit='share of answers',
    direction='higher',
    chance=0.25,
    margin=0.02,
    steps=200,
    batch=64,
    evaluations=4,
    data={'kind': 'recall', 'pairs': 2, 'keys': 8, 'values': 4},
    base=bases.decoder(12, length=6, width=32, depth=2, mixer={'kind': 'attention', 'heads': 2, 'biases': 'needed'}, ratio=2.0),
)

STDLIB_BYTES = Task(
    name='stdlib_bytes',
    dataset='stdlib_bytes',
    domain='text',
    metric='loss',
    unit='nats per byte',
    direction='lower',
    chance=math.log(256),
    margin=0.02,
    steps=180,
    batch=16,
    evaluations=2,
    data={'kind': 'stdlib_bytes', 'length': 32},
    base=bases.decoder(
        256, length=32, width=32, depth=2, mixer={'kind': 'depthwise_conv', 'kernel': 5, 'bias': True}, ratio=2.0
    ),
)

TASKS = {task.name: task for task in (DIGITS, RECALL, STDLIB_BYTES)}
TASKS |= {name: Task(name=name, **fields) for name, fields in {**IMAGES, **PIXELS, **SOUNDS, **SERIES}.items()}
TASKS |= {name: Task(name=name, **fields) for name, fields in PROBES.items()}
TASKS |= {name: Task(name=name, **fields) for name, fields in TEXTS.items()}


def task(name: str, /, **fields: object) -> Task:
    """A task of the lab by name, with some of its fields replaced (`name` too, where a study holds it twice).

    Raises ValueError on an unknown name or field.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"unknown task '{name}'; allowed: {sorted(TASKS)}.{closest(name, TASKS)}")
    known = [field.name for field in dataclasses.fields(Task)]
    for field in fields:
        if field not in known:
            raise ValueError(f"task '{name}' has no field '{field}'; allowed: {known}.{closest(field, known)}")
    return dataclasses.replace(TASKS[name], **fields)
