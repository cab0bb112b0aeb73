"""Curves: the held-out metric of confirmed runs over their steps."""

import numpy as np
from matplotlib.figure import Figure

from ablations.tasks import Task
from results.figures.panels import arm_handles, axis_label, draw_bands, explain_empty, grid, metric_ticks, missing, note
from results.figures.style import house, palette, rounded
from results.finding import Finding
from results.runs import Runs
from results.statistics import mean_interval, within
from results.store.reading import Reading

LEVEL = 0.95


def run_curve(record: dict, task: Task) -> tuple[list[int], np.ndarray] | None:
    """Steps and held-out metric of a run; from the step of divergence on the metric is chance, also at the last step.

    None where the record holds no curve.
    """
    curve = record.get('curve')
    if not curve or not curve.get('step') or 'score' not in curve:
        return None
    left = record.get('diverged_at')
    values = [
        task.chance if score is None or (left is not None and step >= left) else score
        for step, score in zip(curve['step'], curve['score'], strict=True)
    ]
    if record['status'] != 'ok':
        values[-1] = task.chance
    return list(curve['step']), np.array(values, float)


def arm_curve(runs: Runs) -> tuple | None:
    """Steps, mean over replicates and the ends of its 95 % band (Student; None with one replicate) of an arm. `[n]` each.

    A replicate is the mean of its confirmation runs. It counts once all of them are recorded. None without replicates.
    """
    means, steps = [], None
    for replicate in runs.replicates:
        trials = runs.asked('confirm', replicate)
        run_curves = [run_curve(record, runs.task) for record in runs.whole_records_of(trials)]
        if not trials or len(run_curves) < len(trials) or any(one is None for one in run_curves):
            continue
        steps = run_curves[0][0]
        means.append(np.mean([values for _, values in run_curves], axis=0))
    if not means:
        return None
    means = np.array(means)
    ends = [within(mean_interval(column, LEVEL), runs.task.metric) for column in means.T]
    low, high = (None, None) if len(means) < 2 else zip(*ends, strict=True)
    return rounded(steps), means.mean(0), low, high


def _diverged(reading: Reading, task: Task) -> list[str]:
    """A sentence on how many confirmed runs of each arm diverged, or none."""
    shares = []
    for arm in reading.study.arms:
        runs = Runs(reading, arm, task)
        own = [record for r in runs.replicates for record in runs.records_of(runs.asked('confirm', r))]
        lost = sum(record['status'] == 'diverged' for record in own)
        if lost:
            shares.append(f'{arm}\u00a0{lost}/{len(own)}')
    return [f'diverged: {", ".join(shares)} runs'] if shares else []


def _nothing(reading: Reading, arm: str, task: Task) -> bool:
    """Whether an arm has nothing to confirm, because every tuning run diverged or failed."""
    runs = Runs(reading, arm, task)
    return all(reading.schedule.selections.get((arm, task.name, replicate), '') is None for replicate in runs.replicates)


def curves_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """Learning curves of the confirmed runs by task: the mean over replicates of the test metric, with 95% bands. Diverged
    runs count as chance from where they diverged.

    A line may enter its panel from outside; an arm that ends outside is named at the edge.
    """
    study = reading.study
    styles = palette(list(study.arms))
    with house():
        figure, panels = grid(len(study.tasks), arm_handles(styles), 2.7)
        for axes, item in zip(panels, study.tasks, strict=True):
            axes.set_title(item.name)
            axes.set_ylabel(axis_label(item, 'test'))
            lines = {arm: arm_curve(Runs(reading, arm, item)) for arm in study.arms}
            lines = {arm: line for arm, line in lines.items() if line is not None}
            lost = _diverged(reading, item)
            if not lines:
                explain_empty(axes, 'no confirmed run with a curve is recorded yet')
                continue
            outside = draw_bands(axes, item, lines, styles, 1)
            metric_ticks(axes, 'x')
            nothing = [arm for arm in study.arms if _nothing(reading, arm, item)]
            failed = any(Runs(reading, arm, item).failed('tune') for arm in nothing)
            how = 'diverged or failed' if failed else 'diverged'
            lost += [f'every tuning run {how}: {", ".join(nothing)}'] if nothing else []
            note(axes, 'steps', [*lost, *outside, *missing(study, [*lines, *nothing])])
    return figure
