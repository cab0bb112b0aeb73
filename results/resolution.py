"""Resolution: the effects that a task's test split can tell from none, however many replicates run.

With endless replicates only the sampling error of the test split is left (results/item_error.py). Before records hold it, it is
foretold for two arms that err independently of each other: arms that err on the same examples have less of it.
"""

import dataclasses
import math
from collections.abc import Mapping

from ablations.study import Study
from ablations.tasks import Task
from ablations.tasks.metrics import is_share
from ablations.trial import TEST, TUNING
from results.evidence import claim_level
from results.noise import Noise
from results.rounding import plain
from results.runs import Runs
from results.statistics import Difference, detectable
from results.store.reading import Reading
from results.tables.words import number

TYPICAL = 0.9
"""The accuracy that is assumed before any run: 2 x 0.9 x 0.1 of two arms' answers then differ, if they err independently."""
MEASURED = 'measured on single examples'
FROM_RUNS = 'from the spread within tuning runs, for two arms that err independently'
ASSUMED = f'assumed: {100 * TYPICAL:.0f} % right, for two arms that err independently'


@dataclasses.dataclass(frozen=True)
class Resolution:
    """What the test split of a task can resolve; None where it is not known yet.

    examples    test examples, at most
    error       standard error that they give to an effect, in the metric's unit, with its `source`
    finds       the smallest effect found with 80 % power at the level of one comparison, if nothing else varied
    """

    task: str
    metric: str
    unit: str
    margin: float
    examples: int | None
    error: float | None = None
    source: str = ''
    finds: float | None = None

    @property
    def resolves(self) -> bool | None:
        """Whether an effect of one margin is found; None where it is not known yet."""
        return None if self.finds is None else self.finds <= self.margin

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return {**plain(self), 'resolves': self.resolves, 'sentence': self.sentence()}

    def sentence(self) -> str:
        """The consequence of a test split that cannot resolve the margin, or may not; else ''."""
        if self.resolves is None:
            return f'{self.task}: what its test split can resolve is not known before its first runs'
        if self.resolves:
            return ''
        error, finds, margin = (number(value, self.metric) for value in (self.error, self.finds, self.margin))
        unit = 'points' if is_share(self.metric) else self.unit
        return (
            f'{self.task}: {self.examples:,} test examples give effects a standard error of up to {error} {unit} '
            f'({self.source}), so that effects below {finds} may stay open whatever the number of replicates; margin {margin}'
        )


def resolutions(
    study: Study,
    records: Mapping[str, dict],
    manifest: Mapping,
    sizes: Mapping[str, int | None],
    measured: Mapping[str, float] | None = None,
) -> list[Resolution]:
    """The resolution of each task's test split.

    `sizes` are the numbers of test examples by task, for tasks that no record is scored on yet. `measured` are errors of
    effects by task, from records with scores of single examples.
    """
    level = claim_level(study, manifest) / max((len(study.arms) - 1) * len(study.tasks), 1)
    within: dict[str, list[float]] = {}
    scored: dict[str, int] = {}
    for record in records.values():
        if record.get('status') != 'ok' or record.get('task') is None:
            continue
        if not record.get('n_held'):
            continue
        if record['held'] == TEST:
            scored.setdefault(record['task'], record['n_held'])
        elif record['held'] == TUNING and record.get('score_se'):
            within.setdefault(record['task'], []).append(record['score_se'] ** 2 * record['n_held'])
    made = []
    for task in study.tasks:
        examples = scored.get(task.name, sizes.get(task.name))
        error, source = _error(task, examples, within.get(task.name, []), (measured or {}).get(task.name))
        finds = detectable(Difference(0.0, error, examples - 1.0), level) if error and examples > 1 else None
        made.append(Resolution(task.name, task.metric, task.unit, task.margin, examples, error, source, finds))
    return made


def _error(task: Task, examples: int | None, within: list[float], measured: float | None) -> tuple[float | None, str]:
    """The standard error of an effect, and where it is from; `within` are variances of single examples in tuning runs."""
    if measured is not None:
        return measured, MEASURED
    if not examples:
        return None, ''
    if within:
        # The middle of the better half: runs that learned nothing say little of what will be compared.
        return math.sqrt(2 * sorted(within)[len(within) // 4] / examples), FROM_RUNS
    if task.metric == 'accuracy':
        return math.sqrt(2 * TYPICAL * (1 - TYPICAL) / examples), ASSUMED
    return None, ''


def item_errors(reading: Reading, task: Task) -> list[float]:
    """The standard errors of a task's effects from the items of the test split, as far as records hold them."""
    study = reading.study
    items = {arm: Runs(reading, arm, task).items() for arm in study.arms}
    noise = Noise({}, {arm: scores for arm, scores in items.items() if scores is not None})
    pairs = [noise.item_error({arm: 1.0, study.reference(arm): -1.0}) for arm in study.arms if arm != study.base]
    return [pair.error for pair in pairs if pair is not None]


def small_splits(resolutions: list[Resolution]) -> str:
    """One sentence with the tasks whose test split cannot resolve the margin; '' where there are none."""
    small = [
        f'{one.task} ({one.examples:,} examples find {number(one.finds, one.metric)}, margin {number(one.margin, one.metric)})'
        for one in resolutions
        if one.resolves is False
    ]
    return f'test splits that cannot resolve their margin: {", ".join(small)}; archlab plan says more' if small else ''
