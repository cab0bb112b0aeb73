"""Words: a comparison of searchers as sentences and as tables for the terminal."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from ablations.tasks import Task
from ablations.tasks.metrics import is_share
from results.gains.gain import Gain
from results.tables.words import DASH, number, span

ABOUT = (
    'Claimed: the gain over the start by the runs of the search itself. Confirmed: by fresh seeds on the sealed test split, in '
    'the same data splits for all. Mean over replicates and 95 % interval; intervals are not corrected for their number.'
)


def unit_of(task: Task) -> str:
    """The unit in which gains on a task are printed."""
    return 'points' if is_share(task.metric) else task.unit


def confirmed_share(gain: Gain) -> str:
    """How much of a claimed gain was confirmed, as a percentage; a dash where none was claimed."""
    return DASH if gain.share is None else f'{gain.share:.0%}'


def arms_of(gain: Gain) -> str:
    """The arms that searches ended with, the most frequent first."""
    ranked = sorted(gain.arms.items(), key=lambda pair: -pair[1])
    return ', '.join(f'{arm} {count}' for arm, count in ranked)


def sentence(gain: Gain, task: Task) -> str:
    """What became of a searcher's gain."""
    claimed, confirmed = (number(part[0], task.metric, signed=True) for part in (gain.claimed, gain.confirmed))
    said = f'{gain.searcher} claims {claimed} {unit_of(task)}, and fresh seeds confirm {confirmed}'
    interval = span(gain.confirmed[1], task.metric, signed=True)
    share = '' if gain.share is None else f', {gain.share:.0%} of it'
    ended = f'; {gain.diverged} of the runs that confirm it diverged' if gain.diverged else ''
    return ' '.join(filter(None, [said, interval])) + share + ended + '.'


def tables(gains: Sequence[Gain], tasks: Mapping[str, Task]) -> list[Table]:
    """A table for each task, of at most 80 columns."""
    made = []
    for name, task in tasks.items():
        table = Table(title=f'{name}: {task.metric}, gains in {unit_of(task)}', title_justify='left', box=None, pad_edge=False)
        for heading in ('searcher', 'runs', 'claimed', 'confirmed', 'kept', 'beside the lab'):
            table.add_column(heading, justify='left' if heading == 'searcher' else 'right', no_wrap=True)
        for gain in gains:
            if gain.task == name:
                table.add_row(*_cells(gain, task.metric))
        made.append(table)
    return made


def with_interval(part: tuple | None, metric: str) -> str:
    """A mean gain with its interval; a dash where there is none."""
    if part is None:
        return DASH
    return ' '.join(filter(None, [number(part[0], metric, signed=True), span(part[1], metric, signed=True)]))


def _cells(gain: Gain, metric: str) -> list[str]:
    claimed = number(gain.claimed[0], metric, signed=True)
    both = with_interval(gain.confirmed, metric), confirmed_share(gain)
    return [gain.searcher, str(gain.runs), claimed, *both, with_interval(gain.beside, metric)]
