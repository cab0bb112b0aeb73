"""Prospect: the smallest effects that a study would find at other settings, their cost, and the best setting for a budget.

A study finds an effect if its test, at the level of one comparison among all of the study, claims it with 80 % probability
(`detectable` in results/statistics.py). What tuning loses is counted against it, because an arm may lose so much more to its
tuning than its reference does: the squares of both add up, like errors that have nothing to do with each other. Settings are
compared by its geometric mean over all comparisons, so every task counts alike in any unit.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from scipy.special import chdtri

from ablations.study import Study, default_looks
from results.components import Components, Setting, components_of
from results.evidence import claim_level
from results.looks import ENTRY
from results.rounding import plain
from results.statistics import Difference, detectable, replicates_to_decide
from results.store.reading import Reading

TRIALS = (8, 10, 12, 16, 20, 24, 32, 48, 64)
"""Numbers of trials that are compared; with fewer than 8 a few diverged runs leave no surface to select from."""
SEEDS = range(2, 17)
FEWEST, MOST = 3, 200
"""The numbers of replicates that are compared."""
HOUR = 3600.0
LEVERS = ('trials', 'seeds', 'replicates')


@dataclasses.dataclass(frozen=True)
class Price:
    """What runs take: seconds of one run by task, in tuning and in confirmation, on so many cores at once."""

    tuning: Mapping[str, float]
    confirmation: Mapping[str, float]
    cores: int = 1


def runs_of(study: Study, setting: Setting) -> dict[str, tuple[int, int]]:
    """{task: tuning and confirmation runs} of the whole study at a setting, if no look ends it early.

    >>> from ablations.studies import STUDIES
    >>> runs_of(STUDIES['null'], Setting(trials=16, seeds=2, replicates=5))['digits']
    (320, 70)
    """
    others = len(study.arms) - 1
    replicates = setting.replicates * (others + study.base_factor)
    tuned = setting.replicates * study.base_factor if study.recipe == 'same' else replicates
    each = study.tuning_runs + (setting.trials - study.trials) * (
        1 if study.screening else len(study.optimizers_of(study.base))
    )
    alike = sum(study.is_shared(arm) for arm in study.arms if arm != study.base)
    shared = setting.replicates * alike if study.recipe == 'own' else 0
    return {task.name: (tuned * each, (replicates + shared) * setting.seeds) for task in study.tasks}


def seconds(study: Study, setting: Setting, price: Price) -> float:
    """How long the whole study takes at a setting, whatever of it is recorded already."""
    runs = runs_of(study, setting)
    return sum(t * price.tuning[task] + c * price.confirmation[task] for task, (t, c) in runs.items()) / price.cores


def finds(one: Components, setting: Setting, level: float) -> float | None:
    """The smallest effect that a comparison finds at a setting; None where no test could."""
    return detectable(one.at(setting), level)


def reach(components: Sequence[Components], setting: Setting, level: float) -> float:
    """The number by which settings are compared, the smaller the better: see the module's words."""
    logs = []
    for one in components:
        smallest = finds(one, setting, level)
        if smallest is None:
            return math.inf
        logs.append(math.log(math.hypot(smallest, one.lost_at(setting))))
    return math.exp(sum(logs) / len(logs))


def candidates(study: Study, price: Price, budget: float, seeds: Sequence[int] = SEEDS) -> Iterator[Setting]:
    """The settings that fill a budget of seconds: for each number of trials and seeds as many replicates as it pays for."""
    trials = sorted({t for t in (*TRIALS, study.trials) if t > study.screening})
    for setting in itertools.starmap(lambda t, n: Setting(t, n, 1), itertools.product(trials, sorted({*seeds, study.seeds}))):
        count = min(int(budget / seconds(study, setting, price) + 1e-9), MOST)
        if count >= FEWEST:
            yield dataclasses.replace(setting, replicates=count)


def best(study: Study, components: Sequence[Components], price: Price, budget: float, level: float) -> Setting | None:
    """The setting with the smallest `reach` that a budget of seconds pays for; None where it pays for no three replicates."""
    known = all(one.seeds is not None for one in components)
    settings = candidates(study, price, budget, SEEDS if known else ())
    return min(settings, key=lambda setting: reach(components, setting, level), default=None)


def with_more(study: Study, price: Price, lever: str, extra: float = HOUR) -> tuple[Setting, float]:
    """The study with as much more of one of LEVERS as `extra` seconds pay for, and what one more of it takes."""
    own = Setting.of(study)
    one_more = dataclasses.replace(own, **{lever: getattr(own, lever) + 1})
    each = seconds(study, one_more, price) - seconds(study, own, price)
    count = int(extra / each + 1e-9)
    return dataclasses.replace(own, **{lever: getattr(own, lever) + count}), each


def replicates_for_equivalence(one: Components, setting: Setting, level: float) -> int | None:
    """How many replicates of a setting show an effect of 0 to lie within the margin; None where no number does."""
    difference = dataclasses.replace(one.at(setting), effect=0.0)
    return replicates_to_decide(difference, setting.replicates, one.task.margin, level)


def settings_of(study: Study, setting: Setting, applied: Sequence[str] = ()) -> list[str]:
    """A setting as `--set` arguments, beside those that are `applied` already; looks go with replicates.

    >>> from ablations.studies import STUDIES
    >>> settings_of(STUDIES['null'], Setting(trials=12, seeds=6, replicates=8))
    ['trials=12', 'seeds=6', 'replicates=8', 'looks=(3, 8)']
    """
    wanted = {name: value for name, value in dataclasses.asdict(setting).items() if value != getattr(study, name)}
    if 'replicates' in wanted:
        wanted['looks'] = default_looks(setting.replicates)
        wanted |= {'shares': ()} if study.shares and len(study.shares) != len(wanted['looks']) else {}
    others = [one for one in applied if one.partition('=')[0].strip() not in wanted]
    return [*others, *(f'{name}={value}' for name, value in wanted.items())]


def prospect(reading: Reading, price: Price | None, budget: float, applied: Sequence[str] = ()) -> dict:
    """What a budget of seconds can decide, as plain data; `price` is None where no run has told its time yet.

    `budget` is for the whole study, and what is recorded counts towards it. `applied` are the study's settings. Where no look
    is recorded, variances are not known: `assumed` is then what seeds alone would make of it, and `pilot` is the first look.
    """
    study = reading.study
    level = claim_level(study, reading.manifest) / max((len(study.arms) - 1) * len(study.tasks), 1)
    components, own = components_of(reading), Setting.of(study)
    facts = {'study': study.name, 'budget_seconds': budget, 'level': level, 'read': ENTRY in reading.manifest}
    facts |= {'declared': _counted(study, own, price)}
    if not components:
        first = dataclasses.replace(own, replicates=study.looks[0])
        alone = Difference(0.0, math.sqrt(2 / own.seeds / own.replicates), own.replicates - 1)
        assumed = detectable(alone, level) if own.replicates > 1 else None
        return plain({**facts, 'known': False, 'pilot': _counted(study, first, price), 'assumed': assumed})
    facts |= {'known': True, 'measured': _measured(components), 'without': _without(study, components)}
    facts['declared'] |= _foretold(components, own, level)
    if price is None:
        return plain(facts)
    chosen = best(study, components, price, budget, level)
    if chosen is None:
        facts['best'] = None
        facts['least_seconds'] = seconds(study, dataclasses.replace(own, replicates=FEWEST), price)
    else:
        facts['best'] = {**_counted(study, chosen, price), **_foretold(components, chosen, level)}
        facts['best']['set'] = settings_of(study, chosen, applied)
    facts['next_hour'] = {}
    for lever in LEVERS:
        setting, each = with_more(study, price, lever)
        told = {**_counted(study, setting, price), **_foretold(components, setting, level), 'one_more_seconds': each}
        if lever == 'seeds' and any(one.seeds is None for one in components):
            told = {'one_more_seconds': each, 'unknown': 'with one seed a replicate nobody knows what seeds do'}
        facts['next_hour'][lever] = told
    facts['next_hour']['steps'] = {'times': 1 + HOUR / seconds(study, own, price)}
    return plain(facts)


def _counted(study: Study, setting: Setting, price: Price | None) -> dict:
    """A setting with its runs, and its seconds if known."""
    runs = runs_of(study, setting)
    time = seconds(study, setting, price) if price else None
    return {**dataclasses.asdict(setting), 'runs': sum(map(sum, runs.values())), 'seconds': time}


def _foretold(components: Sequence[Components], setting: Setting, level: float) -> dict:
    """What a setting finds: `reach`, and for each task the typical and the hardest comparison, and equivalence."""
    tasks = {}
    for task in {one.task.name: one.task for one in components}.values():
        own = [one for one in components if one.task.name == task.name]
        by_arm = {one.arm: finds(one, setting, level) for one in own}
        needed = [replicates_for_equivalence(one, setting, level) for one in own]
        hardest = max(by_arm, key=lambda arm: math.inf if by_arm[arm] is None else by_arm[arm])
        known = None not in by_arm.values()
        tasks[task.name] = {
            'metric': task.metric,
            'unit': task.unit,
            'margin': task.margin,
            'finds': math.exp(sum(map(math.log, by_arm.values())) / len(by_arm)) if known else None,
            'hardest': hardest,
            'hardest_finds': by_arm[hardest],
            'lost': None if own[0].lost is None else own[0].lost_at(setting),
            'equivalence_replicates': None if None in needed else max(needed),
            'equivalence': None not in needed and max(needed) <= setting.replicates,
        }
    return {'reach': reach(components, setting, level), 'tasks': tasks}


def _measured(components: Sequence[Components]) -> dict:
    """The number of replicates behind the variances, and the factor for the smallest effects in one case of ten."""
    freedom = min((one.difference.alone or one.difference).freedom for one in components)
    factor = math.sqrt(freedom / float(chdtri(freedom, 0.9)))
    return {'replicates': min(one.measured.replicates for one in components), 'within_factor': factor}


def _without(study: Study, components: Sequence[Components]) -> list[str]:
    """The comparisons of which nothing is known: a run failed, all diverged, or nothing varies."""
    known = {(one.arm, one.task.name) for one in components}
    rows = [(arm, task.name) for task in study.tasks for arm in study.arms if arm != study.base]
    return [f'{arm} on {task}' for arm, task in rows if (arm, task) not in known]
