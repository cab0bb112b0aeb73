"""Fronts: the arms on the Pareto front of quality and cost, and how sure that is.

Quality is the confirmed test metric at each arm's own best recipe; a cost is known (params, multiply-adds) or measured.
"""

import dataclasses

import numpy as np

from results.resampling import LEVEL as DOUBT
from results.resampling import drawn_means
from results.rounding import plain
from results.runs import Runs
from results.statistics import mean_interval, within
from results.store.reading import Reading, once

LEVEL = 0.95
KNOWN = {'params': 'parameters', 'macs': 'multiply-adds', 'activation_bytes': 'bytes'}
MEASURED = {'step_seconds': 'seconds per step', 'peak_memory': 'bytes'}
UNITS = {**KNOWN, **MEASURED}
"""Costs by name with their units: counted for every model, or measured in its runs."""
STANDINGS = ('front', 'possible', 'dominated', 'unknown')


def dominated(qualities: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Whether arm j dominates arm i: as good, as cheap, and better in one of the two. `[..., A] x 2 -> [..., A, A]`

    Qualities are higher-better, costs lower-better. Arms with equal quality and cost do not dominate each other.

    >>> dominated([0.9, 0.8, 0.7], [10, 5, 6]).any(-1).tolist()
    [False, False, True]
    """
    qualities, costs = np.asarray(qualities, float), np.asarray(costs, float)
    good, other_good = qualities[..., :, None], qualities[..., None, :]
    cost, other_cost = costs[..., :, None], costs[..., None, :]
    return (other_good >= good) & (other_cost <= cost) & ((other_good > good) | (other_cost < cost))


def front_probabilities(qualities: list[np.ndarray], costs: list) -> tuple[np.ndarray, np.ndarray]:
    """How often each arm is on the front of redrawn replicates, and how often its most frequent dominator dominates it.

    `[[R]], [[R] or number] -> [A], [A]`. A cost with two or more replicates is redrawn like qualities; any other is taken as
    known. Raises ValueError where an arm has fewer than two replicates of quality.

    >>> on_front, beaten = front_probabilities([np.array([0.90, 0.91, 0.92]), np.array([0.70, 0.71, 0.72])], [5, 10])
    >>> on_front.round(2).tolist(), beaten.round(2).tolist()
    ([1.0, 0.0], [0.0, 1.0])
    """
    drawn = drawn_means([*qualities, *(cost for cost in costs if np.size(cost) > 1)])
    measured = iter(drawn.T[len(qualities) :])
    prices = [next(measured) if np.size(cost) > 1 else np.full(len(drawn), float(np.mean(cost))) for cost in costs]
    beaten = dominated(drawn[:, : len(qualities)], np.stack(prices, 1))
    return 1 - beaten.any(-1).mean(0), beaten.mean(0).max(-1)


def standing(probability: float, beaten: float, arms: int) -> str:
    """One of STANDINGS: on the front for sure, dominated by one other arm for sure, or possibly on it.

    Sure means at the two-sided level of 95 %, divided by the number of an arm's comparisons (Bonferroni). Being off the front
    in most draws is not enough to be dominated. Of eight identical arms with three replicates seven mostly are off it, and 84 %
    of studies would call one dominated; by this rule 1 to 3 % do.

    >>> standing(0.999, 0.0, arms=3), standing(0.6, 0.3, arms=3), standing(0.0, 0.999, arms=3)
    ('front', 'possible', 'dominated')
    """
    doubt = DOUBT / max(arms - 1, 1)
    return 'front' if probability >= 1 - doubt else 'dominated' if beaten >= 1 - doubt else 'possible'


@dataclasses.dataclass(frozen=True)
class Point:
    """One arm: quality and cost with 95 % intervals (Student; None for a known cost or with one replicate).

    on_front     whether it is on the front of the means
    probability  of being on the front of redrawn replicates, None with fewer than two of them in some arm
    standing     see `standing`; 'unknown' without a probability
    """

    arm: str
    value: float
    interval: tuple | None
    cost: float
    cost_interval: tuple | None
    on_front: bool
    probability: float | None
    standing: str


@dataclasses.dataclass(frozen=True)
class Front:
    """Quality against one cost on one task: points in the order of the arms, and the arms without one of the numbers."""

    task: str
    metric: str
    direction: str
    cost: str
    unit: str
    points: tuple
    left_out: tuple
    note: str

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


def _tells(record: dict, name: str) -> bool:
    """Whether a record's cost is its own: on CPU the peak of memory covers all models of the process."""
    return name != 'peak_memory' or (record.get('environment') or {}).get('platform', 'cpu') != 'cpu'


def _strategy(record: dict) -> str:
    strategy = (record.get('pack') or {}).get('strategy')
    return 'alone' if strategy is None else strategy


def _measured(runs: Runs, name: str) -> np.ndarray | None:
    """One number for each replicate from its runs with its selected optimizer, None without records."""
    by_replicate = []
    for replicate in runs.replicates:
        selected = runs.selection(replicate)
        trials = [*runs.asked('tune', replicate), *runs.asked('confirm', replicate)]
        trials = [trial for trial in trials if selected is None or trial.program.optimizer == selected.optimizer]
        costs = [record['cost'] for record in runs.records_of(trials) if record.get('cost') and _tells(record, name)]
        if name == 'step_seconds':
            # The median: the first run of a program also waits for its compilation.
            values = [
                cost['seconds'] / cost['steps'] for cost in costs if cost.get('seconds') is not None and cost.get('steps')
            ]
            by_replicate += [float(np.median(values))] if values else []
        else:
            # A process keeps the peak of all it ever ran, so the smallest is the nearest to this arm's own.
            values = [cost['peak_memory'] for cost in costs if cost.get('peak_memory')]
            by_replicate += [float(min(values))] if values else []
    return np.array(by_replicate) if by_replicate else None


def _note(reading: Reading, task: str, name: str) -> str:
    """How a measured cost was measured; '' for a known one."""
    if name not in MEASURED:
        return ''
    trials = [trial for trial in reading.schedule.trials if trial.task == task]
    recorded = [reading.records[trial.id] for trial in trials if trial.id in reading.records]
    places = sorted(
        {
            f'{(record.get("environment") or {}).get("device", "unknown device")}, {_strategy(record)}'
            for record in recorded
            if record.get('cost') and _tells(record, name)
        }
    )
    what = {
        'step_seconds': 'seconds of a run, evaluations included, over its steps: the median of a replicate; where lanes run '
        'together, each has an equal share of the time',
        'peak_memory': 'an upper bound: the smallest peak of a device in a replicate, over all that its process trained before',
    }[name]
    mixed = '; not comparable where these differ' if len(places) > 1 else ''
    return f'{what} ({"; ".join(places) or "place not recorded"}{mixed})'


@once
def front(reading: Reading, task: str, cost: str) -> Front:
    """The front of one task and one cost of `UNITS`. Raises ValueError on another cost."""
    study = reading.study
    if cost not in UNITS:
        raise ValueError(f"cost '{cost}'; allowed: {list(UNITS)}; choose one of them")
    item = study.task(task)
    arms, qualities, costs, left_out = [], [], [], []
    for arm in study.arms:
        runs = Runs(reading, arm, item)
        quality = runs.confirmed()
        quality = None if quality is None else quality[np.isfinite(quality)]
        if cost in KNOWN:
            price = reading.manifest.get('costs', {}).get(arm, {}).get(task, {}).get(cost)
        else:
            price = _measured(runs, cost)
        if quality is None or price is None or not len(quality):
            left_out.append(arm)
            continue
        arms.append(arm)
        qualities.append(quality)
        costs.append(price)
    probabilities, places = [None] * len(arms), ['unknown'] * len(arms)
    if arms and min(map(len, qualities)) >= 2:
        shares, beaten = front_probabilities(qualities, costs)
        probabilities = [float(share) for share in shares]
        places = [standing(p, float(b), len(arms)) for p, b in zip(probabilities, beaten, strict=True)]
    beaten = dominated(np.array([q.mean() for q in qualities]), np.array([np.mean(c) for c in costs])).any(-1)
    points = []
    for i, (arm, quality, price) in enumerate(zip(arms, qualities, costs, strict=True)):
        interval = mean_interval(quality, LEVEL)
        points.append(
            Point(
                arm=arm,
                value=item.sign * float(quality.mean()),
                interval=within(interval and tuple(sorted(item.sign * end for end in interval)), item.metric),
                cost=float(np.mean(price)),
                cost_interval=mean_interval(price, LEVEL) if np.size(price) > 1 else None,
                on_front=not beaten[i],
                probability=probabilities[i],
                standing=places[i],
            )
        )
    note = _note(reading, task, cost)
    return Front(task, item.metric, item.direction, cost, UNITS[cost], tuple(points), tuple(left_out), note)


def fronts(reading: Reading) -> list[Front]:
    """Fronts by task and cost. A cost that no arm has is left out, such as the peak of memory on CPU."""
    with_empty = [front(reading, task.name, cost) for task in reading.study.tasks for cost in UNITS]
    return [one for one in with_empty if one.points]
