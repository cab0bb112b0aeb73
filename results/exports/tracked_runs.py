"""Tracked runs: the trials and the findings of a study as experiment trackers keep them: knobs, numbers, curves and tags.

Written from the records at any time, never read back: the records stay the only truth.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping

from ablations.digest import digest
from results.conclusions import conclude
from results.store.markdown_text import unrendered
from results.store.reading import Reading

FACTS = ('arm', 'task', 'dataset', 'replicate', 'phase', 'held', 'optimizer', 'seed', 'steps', 'batch')
NUMBERS = ('score', 'score_se', 'initial_loss', 'final_loss')
COSTS = ('seconds', 'flops', 'examples', 'peak_memory')
TAGS = ('commit', 'source', 'platform', 'device')
MODEL = ('norm', 'mixer', 'channel', 'activation', 'residual', 'position', 'stem', 'head')
"""The sockets of a model whose kind is told by name; the whole model is in the records."""
_CONTROL = {code: '\N{REPLACEMENT CHARACTER}' for code in (*range(32), *range(127, 160)) if chr(code) not in '\n\t'}
EFFECTS = ('effect', 'value', 'base_value', 'p_adjusted', 'margin')


@dataclasses.dataclass(frozen=True)
class TrackedRun:
    """One trial. `knobs` are what it was given, `numbers` what it ended with, `curves` {name: [(step, value), ...]}.

    What is not a finite number is left out of numbers and curves.
    """

    id: str
    name: str
    group: str
    knobs: dict[str, object]
    tags: dict[str, str]
    numbers: dict[str, float]
    curves: dict[str, list[tuple[int, float]]]
    failed: bool

    @functools.cached_property
    def check(self) -> str:
        """A digest of the whole run: what is exported already, and has the same one, is not exported again."""
        return digest(dataclasses.asdict(self))[:16]


@dataclasses.dataclass(frozen=True)
class TrackedStudy:
    """What a study concludes: its findings as numbers by `arm/task/name` and as a table, and the report's page.

    The question and the table are Markdown, in which nothing of the study's is a link, a picture or a tag.
    """

    name: str
    question: str
    numbers: dict[str, float]
    tags: dict[str, str]
    table: str
    page: str


def inert(value: object) -> object:
    """A text without control characters, also inside of others: trackers print names and notes on terminals.

    >>> inert({'a\\x1b[31m': ['b\\x07', 1]})
    {'a�[31m': ['b�', 1]}
    """
    if isinstance(value, str):
        return value.translate(_CONTROL)
    if isinstance(value, Mapping):
        return {inert(name): inert(one) for name, one in value.items()}
    return [inert(one) for one in value] if isinstance(value, list | tuple) else value


def run_of(record: Mapping) -> TrackedRun:
    """The run of a whole record.

    >>> made = run_of({'id': '0f3a', 'arm': 'base', 'task': 'digits', 'phase': 'tune', 'study': 'one', 'status': 'ok',
    ...                'knobs': {'lr': 0.1}, 'score': 0.9, 'curve': {'step': [0, 10], 'score': [None, 0.9]}})
    >>> made.name, made.knobs
    ('base/digits/tune/0f3a', {'arm': 'base', 'task': 'digits', 'phase': 'tune', 'lr': 0.1})
    >>> made.numbers, made.curves
    ({'score': 0.9}, {'score': [(10, 0.9)]})
    """
    curve, cost, environment = (record.get(entry) or {} for entry in ('curve', 'cost', 'environment'))
    model = record.get('model') or {}
    kinds = {
        f'model.{one}': model[one]['kind'] for one in MODEL if isinstance(model.get(one), Mapping) and 'kind' in model[one]
    }
    numbers = {name: record.get(name) for name in NUMBERS} | {f'cost/{name}': cost.get(name) for name in COSTS}
    numbers |= {f'parts/{name}': value for name, value in (record.get('parts') or {}).items()}
    tags = {'study': record['study'], 'status': record['status'], 'reason': record.get('reason') or ''}
    tags |= {name: str(environment.get(name) or '') for name in TAGS} | {'pack': (record.get('pack') or {}).get('id', '')}
    steps = curve.get('step', [])
    curves = {
        name: [(int(step), float(value)) for step, value in zip(steps, values, strict=False) if value is not None]
        for name, values in curve.items()
        if name != 'step'
    }
    return TrackedRun(
        id=record['id'],
        name=inert('/'.join((record['arm'], record['task'], record.get('phase') or 'run', record['id']))),
        group=inert(f'{record["arm"]}/{record["task"]}'),
        knobs=inert({name: record[name] for name in FACTS if record.get(name) is not None} | kinds | dict(record['knobs'])),
        tags=inert({name: value for name, value in tags.items() if value}),
        numbers={inert(name): float(value) for name, value in numbers.items() if value is not None},
        curves={inert(name): points for name, points in curves.items() if points},
        failed=record['status'] == 'failed',
    )


def runs_of(reading: Reading) -> Iterator[TrackedRun]:
    """The runs of all records of a study, also of those that are no longer planned, one after the other."""
    for key in reading.records:
        yield run_of(reading.records.whole(key))


def study_of(reading: Reading) -> TrackedStudy:
    """The conclusions of a study at its last whole look. To call this takes the look."""
    from results.rendering import page, text

    conclusions, study = conclude(reading), reading.study
    numbers, tags = {}, {'study': study.name, 'complete': str(reading.schedule.complete).lower()}
    for one in conclusions.findings:
        place, told = f'{one.arm}/{one.task}', dataclasses.asdict(one)
        tags[f'verdict/{place}'] = one.verdict
        numbers |= {f'{place}/{name}': float(told[name]) for name in EFFECTS if told.get(name) is not None}
        for name, value in zip(('low', 'high'), one.effect_interval or (), strict=False):
            numbers[f'{place}/effect_{name}'] = float(value)
    table, shown = text(conclusions, 'md'), page(reading, conclusions.findings)
    question = '\n\n'.join(unrendered(inert(part)) for part in study.question.strip().split('\n\n'))
    return TrackedStudy(study.name, question, inert(numbers), inert(tags), table, shown)
