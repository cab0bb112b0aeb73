"""Prospects: what a budget of time can decide, as lines and tables for the terminal."""

import shlex
from collections.abc import Callable, Mapping

from rich.table import Table

from results.tables.words import DASH, number

Clock = Callable[[float], str]
"""Writes seconds."""
STEPS = 'effects at other numbers of steps are not known from these runs'


def lines(facts: Mapping, clock: Clock, asked: str) -> list[str | Table]:
    """The facts of `results.prospect.prospect` in the order in which one asks them; `asked` is how the study was named."""
    if not facts['known']:
        return _unknown(facts, clock)
    measured, own = facts['measured'], facts['declared']
    made = [
        f'{facts["study"]}: variances of {measured["replicates"]} replicates; what is found may be up to '
        f'{measured["within_factor"]:.1f} times as large as said, in one case of ten more',
        f'As declared: {_setting(own)}, {own["runs"]:,} runs in all{_time(own["seconds"], clock)}',
        _tasks(own),
        'finds: the smallest effect with 80 % probability, of a typical arm and of the hardest; lost: what tuning leaves below '
        'the best recipe; equivalence: replicates that would show arms of no effect to lie within the margin',
    ]
    if facts['without']:
        made.append(f'Nothing is known of {", ".join(facts["without"])}: runs failed or diverged, or nothing varies')
    if 'best' not in facts:
        return [*made, 'No run has told how long it takes, so nothing can be said of a budget']
    made += _best(facts, clock, asked)
    made += ['One more hour beside what is declared buys', _levers(facts, clock)]
    made.append(f'or {facts["next_hour"]["steps"]["times"]:.2f} times the steps of every run: {STEPS}')
    if facts['read']:
        made.append(
            'Findings were read already: replicates that are added under this name claim nothing; give the study another name'
        )
    return made


def _unknown(facts: Mapping, clock: Clock) -> list[str]:
    pilot, own = facts['pilot'], facts['declared']
    made = [
        f'{facts["study"]}: no look is recorded whole, so how much its replicates vary is not known. Run the first look as a '
        f'pilot: {pilot["replicates"]} replicates, {pilot["runs"]:,} runs{_time(pilot["seconds"], clock)}. Stop it '
        '(Ctrl-C) once they are recorded and ask again: a run that ends prints its findings, and findings that were read fix '
        'the looks, but variances alone are no look',
        f'As declared: {_setting(own)}, {own["runs"]:,} runs in all{_time(own["seconds"], clock)}',
    ]
    if facts['assumed'] is not None:
        made.append(
            'Assumed, not measured: if confirmation seeds were all that varies, it would find effects of '
            f'{facts["assumed"]:.2g} standard deviations of one run; what tuning and data splits add makes them larger'
        )
    return made


def _best(facts: Mapping, clock: Clock, asked: str) -> list[str | Table]:
    budget, chosen = clock(facts['budget_seconds']), facts['best']
    if chosen is None:
        return [f'{budget} pay for no three replicates: these take {clock(facts["least_seconds"])}; drop arms, tasks or steps']
    made = [
        f'Best for {budget} in all: {_setting(chosen)}, {chosen["runs"]:,} runs{_time(chosen["seconds"], clock)}',
        _tasks(chosen),
    ]
    given = ''.join(f' --set {shlex.quote(one)}' for one in chosen['set'])
    return [*made, f'  archlab run {asked}{given}']


def _setting(row: Mapping) -> str:
    return f'{row["trials"]} trials, {row["seeds"]} seeds, {row["replicates"]} replicates'


def _time(seconds: float | None, clock: Clock) -> str:
    return '' if seconds is None else f', about {clock(seconds)} of training'


def _tasks(row: Mapping) -> Table:
    table = Table(box=None, header_style='bold', padding=(0, 1))
    table.add_column('task', no_wrap=True)
    for name in ('finds', 'margin', 'hardest', 'lost', 'equivalence'):
        table.add_column(name, justify='right', no_wrap=True)
    for name, own in row['tasks'].items():
        told = [number(own[key], own['metric']) for key in ('finds', 'margin', 'hardest_finds', 'lost')]
        needed = own['equivalence_replicates']
        within = 'never' if needed is None else f'{"yes, " * own["equivalence"]}from {needed} replicates'
        table.add_row(name, told[0], told[1], f'{own["hardest"]} {told[2]}', told[3], within)
    return table


def _levers(facts: Mapping, clock: Clock) -> Table:
    table, own = Table(box=None, header_style='bold', padding=(0, 1)), facts['declared']
    for name in ('more', 'then', 'finds', ''):
        table.add_column(name)
    reached = {lever: told['reach'] for lever, told in facts['next_hour'].items() if told.get('reach') is not None}
    first = min(reached, key=reached.get, default=None)
    for lever in ('trials', 'seeds', 'replicates'):
        told = facts['next_hour'][lever]
        one = f'one more takes {clock(told["one_more_seconds"])}'
        if 'unknown' in told:
            table.add_row(lever, DASH, told['unknown'])
        elif told[lever] == own[lever]:
            table.add_row(lever, DASH, one)
        else:
            effects = ', '.join(f'{name} {number(row["finds"], row["metric"])}' for name, row in told['tasks'].items())
            table.add_row(lever, f'{own[lever]} to {told[lever]}', effects, 'best' * (lever == first))
    return table
