"""Report sections: facts of the records beside the findings, each as one table with headings, rows and notes.

A grid is {caption, columns, rows, notes}, made by results/pages; rows hold text.
"""

import json
from collections import Counter
from collections.abc import Mapping

from ablations.schedules import value_text
from results.expected_best import ALL_OPTIMIZERS, curves, settled_orders
from results.factorial import factorials
from results.fronts import fronts
from results.good_window import windows
from results.ledger import PHASES, ledger
from results.pages import grid
from results.recipe import recipe
from results.regret import regrets
from results.sensitivity import sensitivities
from results.stops import stops_in_words
from results.store.reading import Reading
from results.store.records import STATUSES, STOPPED
from results.tables import DASH, MINUS, count, number, probability, span

MOST = 8
"""How many values of one entry of the environment are shown."""
COSTS = {
    'params': 'parameters',
    'macs': 'multiply-adds',
    'activation_bytes': 'activations',
    'step_seconds': 'step time',
    'peak_memory': 'peak memory',
}


def _times(seconds: float) -> str:
    return f'{seconds:.1f}' if seconds < 100 else f'{seconds:,.0f}'


def ledger_grid(reading: Reading) -> list[dict]:
    """The budget of every arm by phase, planned and spent; whether budgets are equal; test reads by dataset."""
    account = ledger(reading)
    statuses = [name for name in STATUSES if name != STOPPED or reading.study.halvings]
    rows = []
    for line in account.lines:
        if line.planned.trials:
            ends = ' / '.join(f'{getattr(line, name):,}' for name in statuses)
            whole = [f'{value:,}' for value in (line.planned.trials, line.spent.trials, line.reused, line.spent.steps)]
            more = [f'{line.spent.examples:,}', count(line.spent.flops), _times(line.seconds)]
            rows.append([line.arm, line.task, line.phase, *whole, *more, ends])
    for phase in (*PHASES, 'all'):
        total = account.totals[phase]
        if total['planned'].trials:
            ends = ' / '.join(f'{total[name]:,}' for name in statuses)
            reused = DASH
            whole = [f'{total["planned"].trials:,}', f'{total["spent"].trials:,}', reused, f'{total["spent"].steps:,}']
            more = [f'{total["spent"].examples:,}', count(total['spent'].flops), _times(total['seconds'])]
            rows.append(['all arms', 'all tasks', 'all phases' if phase == 'all' else phase, *whole, *more, ends])
    notes = [
        'Reused: trials that an earlier phase had asked for, which ran once. Diverged and failed runs are charged in full.'
    ]
    if reading.study.halvings:
        notes.append(
            f'{stops_in_words(reading.study, reading.schedule)}. They are charged the steps that they were trained for.'
        )
    if account.unplanned['trials']:
        notes.append(
            f'{account.unplanned["trials"]:,} recorded runs ({_times(account.unplanned["seconds"])} s) are no longer planned '
            'and count nowhere.'
        )
    columns = 'arm:word, task:word, phase:word, planned, recorded, reused, steps, examples, FLOPs, seconds, ' + ' / '.join(
        statuses
    )
    marks = {True: 'equal', False: 'unequal', None: 'not known'}
    asked = {(line.task, line.phase) for line in account.lines if line.planned.trials}
    equal = [[e.task, e.phase, marks[e.equal], e.why] for e in account.equality if (e.task, e.phase) in asked]
    reads = [
        [name, f'{counts["recorded"]:,}', DASH if counts['counted'] is None else f'{counts["counted"]:,}']
        for name, counts in account.test_reads.items()
    ]
    return [
        grid('What every arm was given and used, by task and phase', columns, rows, notes),
        grid('Whether every replicate of every arm was given the same', 'task:word, phase:word, answer:mark, why:long', equal),
        grid(
            'Reads of the sealed test splits',
            'dataset:word, by these records, counted in all',
            reads,
            ['Counted in all: every read that was ever made, runs that were repeated and compared with them.'],
        ),
    ]


def recipes_grid(reading: Reading) -> dict:
    """The selected recipe of each arm, task and replicate."""
    study = reading.study
    rows = []
    for arm in study.arms:
        for task, fact in recipe(reading, arm).items():
            item = study.task(task)
            for point in fact['replicates']:
                knobs = ', '.join(f'{name} {value_text(name, value, 3)}' for name, value in point['knobs'].items())
                chosen = reading.schedule.selections[arm, task, point['replicate']]
                error = None if chosen is None or chosen.error != chosen.error else chosen.error
                score = number(point['score'], item.metric) + ('' if error is None else f' ± {number(error, item.metric)}')
                steps = f'{fact["steps"]:,} of {fact["batch"]:,}'
                names = [point['optimizer'] or 'none', knobs or 'every tuning run diverged or failed']
                rows.append([arm, task, str(point['replicate']), *names, score, point['how'], steps])
    columns = 'arm:word, task:word, replicate, optimizer:word, values:word, expected score, selected by:word, steps and batch'
    return grid('Selected recipes, with the score that the fitted surface expects there and its standard error', columns, rows)


UNMEASURED = 'Not measured where a tuning stops runs: what all of its runs say together needs the ends of all.'


def _unmeasured(reading: Reading) -> list[str]:
    return [UNMEASURED] if reading.study.halvings else []


def regret_grid(reading: Reading) -> dict:
    """The regret of the selected points, and of the best trials."""
    rows = []
    for one in regrets(reading):
        lost = [number(value, one.metric) for value in (one.selected, one.best_trial)]
        rows.append(
            [one.task, *lost, f'{number(one.gain, one.metric, True)} {span(one.interval, one.metric, True)}', str(one.cases)]
        )
    note = (
        'Judged by a surface through the tuning trials of the other replicates, which the selection did not see; arms and '
        'replicates in which the best trial has another optimizer are left out.'
    )
    columns = 'task:word, selected point, best trial, gain, cases'
    return grid(
        'Regret: how far below the best point lie the selected point and the best trial',
        columns,
        rows,
        [note, *_unmeasured(reading)],
    )


def expected_grid(reading: Reading) -> dict:
    """The best score of a tuning of fewer trials, and the number of trials from which on the order of the arms is final."""
    study = reading.study
    all_curves = curves(reading)
    shown = [curve for curve in all_curves if len(study.tune) == 1 or curve.optimizer == ALL_OPTIMIZERS]
    rows, axis = [], max((curve.trials for curve in shown), key=len, default=())
    points = [k for k in range(1, len(axis) + 1) if k == len(axis) or k & (k - 1) == 0]
    for curve in shown:
        cells = []
        for k in points:
            if k > len(curve.mean):
                cells.append(DASH)
                continue
            ends = None if curve.low is None else (curve.low[k - 1], curve.high[k - 1])
            cells.append(f'{number(curve.mean[k - 1], curve.metric)} {span(ends, curve.metric)}'.strip())
        rows.append([curve.arm, curve.task, *cells])
    notes = _unmeasured(reading)
    for task, one in settled_orders(all_curves).items():
        sure = '' if one.share is None else f'; it stays first in {100 * one.share:.0f}% of redrawn replicates'
        noise = ', so the first place cannot be told from noise' if one.noise else ''
        notes.append(
            f'On {task} the order of the arms is final from {one.trials} of {one.of} trials on, {one.order[0]} first'
            f'{sure}{noise}.'
        )
    trials = [f'{axis[k - 1]} trials' for k in points]
    caption = 'Expected best tuning score by number of trials in each replicate, mean [95% interval] over replicates'
    return grid(caption, ', '.join(['arm:word', 'task:word', *trials]), rows, notes)


def rates_grid(reading: Reading) -> dict:
    """The width of the window of good learning rates, and the loss over the whole range."""
    lost = {(one.task, one.optimizer, one.arm): one for one in sensitivities(reading)}
    by_rule: dict[tuple, dict] = {}
    for one in windows(reading):
        by_rule.setdefault((one.task, one.optimizer, one.arm), {})[one.rule] = one

    def window(one) -> list[str]:
        if one is None or one.decades is None:
            return [DASH if one is None or not one.reason else one.reason, DASH]
        least = 'at least ' * bool(one.censored)
        interval = '' if one.interval is None else f' [{one.interval[0]:.2f}, {one.interval[1]:.2f}]'
        return [f'{least}{one.decades:.2f}{interval}', f'{one.low:.2g} to {one.high:.2g}']

    rows = []
    for task, optimizer, arm in {**by_rule, **lost}:
        own, loss = by_rule.get((task, optimizer, arm), {}), lost.get((task, optimizer, arm))
        shown = [DASH, DASH]
        if loss is not None:
            interval = '' if loss.interval is None else f' [{loss.interval[0]:.3f}, {loss.interval[1]:.3f}]'
            shown = [f'{loss.value:.3f}{interval}'.replace('-', MINUS), f'{loss.selected} of {len(loss.replicates)}']
        rows.append([arm, task, optimizer, *window(own.get('margin')), window(own.get('tenth'))[0], *shown])
    columns = (
        'arm:word, task:word, optimizer:word, decades within the margin, these rates, '
        'decades within a tenth, LR sensitivity in nats, replicates that chose it'
    )
    notes = [
        'A window reaches as far as the score stays within the margin of its best, or within a tenth of the gap from the best '
        'to chance. "At least": it reaches the end of the searched range or of the fit.',
        *_unmeasured(reading),
    ]
    return grid('Windows of good learning rates, and what is lost over the whole range', columns, rows, notes)


def pareto_grid(reading: Reading) -> dict:
    """Which arms are on the Pareto front of each cost."""
    rows, notes = [], []
    for front in fronts(reading):
        cost = COSTS.get(front.cost, front.cost)
        for point in front.points:
            value = f'{number(point.value, front.metric)} {span(point.interval, front.metric)}'.strip()
            small = front.cost == 'step_seconds'
            price = f'{1000 * point.cost:.3g} ms' if small else count(point.cost)
            if point.cost_interval is not None:
                ends = (f'{1000 * end:.3g}' if small else count(end) for end in point.cost_interval)
                price += f' [{", ".join(ends)}]'.replace('-', MINUS)
            chance = DASH if point.probability is None else probability(point.probability)
            rows.append([point.arm, front.task, cost, price, value, 'yes' if point.on_front else 'no', chance, point.standing])
        if front.left_out:
            notes.append(f'{cost} on {front.task}: nothing is known of {", ".join(front.left_out)}.')
        if front.note:
            notes.append(f'{cost.capitalize()} on {front.task}: {front.note}.')
    columns = 'arm:word, task:word, cost in:word, cost, value, on the front:word, probability, standing:word'
    return grid(
        'Quality against cost: the front, and how often an arm is on it where replicates are drawn anew', columns, rows, notes
    )


def cells_grid(reading: Reading) -> dict:
    """The cells of a factorial study."""
    study = reading.study
    rows = []
    for one in factorials(reading, study.levels):
        for cell in one.cells:
            value = f'{number(cell.value, one.metric)} {span(cell.interval, one.metric)}'.strip()
            rows.append([cell.arm, one.task, *(str(cell.levels[name]) for name in one.factors), value])
    names = list(next(iter(study.levels.values()), {}))
    columns = ', '.join(['arm:word', 'task:word', *(f'{name}:word' for name in names), 'value'])
    return grid('The combinations of levels, mean [95% interval] over replicates', columns, rows)


def environment_grid(records: Mapping[str, dict]) -> dict:
    """Distinct values of each entry of the records' environments, the most frequent first."""
    seen: dict[str, Counter] = {}
    for record in records.values():
        for name, value in (record.get('environment') or {}).items():
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            seen.setdefault(name, Counter())[text] += 1
    rows = []
    for name, counts in sorted(seen.items()):
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        rows += [[name, value, f'{times:,}'] for value, times in ordered[:MOST]]
        if len(ordered) > MOST:
            rows.append([name, f'and {len(ordered) - MOST} more values', ''])
    return grid('What the records say of where they were made', 'entry:word, value:long, records', rows)
