"""Rules of an honest comparison of two published rows: each is broken, holds, or the table does not say."""

import dataclasses
import functools
from collections.abc import Mapping

from results.audit.input import Row
from results.protocol import FEW_REPLICATES
from results.verify import SIZE_WARNING

HOLDS, BROKEN, UNKNOWN = 'holds', 'broken', 'not said'
LONG_PATH = 3
"""With this many comparisons in a row, a table is a path of choices."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule on one comparison: `state` is 'holds', 'broken' or 'not said', `short` names the breach in a word or two."""

    name: str
    state: str
    why: str
    short: str = ''


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Which row each row is compared with, by (task, arm); None for a row that is compared with nothing."""

    rows: Mapping[tuple[str, str], Row]
    bases: Mapping[tuple[str, str], Row | None]

    def steps(self, row: Row) -> int:
        """The length of the chain of comparisons around this row: from the first base to the last row that builds on it."""
        return self._above[row.task, row.arm] + self._below[row.task, row.arm]

    @functools.cached_property
    def _above(self) -> dict[tuple[str, str], int]:
        """How many comparisons lead to each row, one after the other."""
        above: dict[tuple[str, str], int] = {}
        for key in self.bases:
            way = []
            while key not in above and (base := self.bases[key]) is not None:
                way.append(key)
                key = base.task, base.arm
            above.setdefault(key, 0)
            for steps, passed in enumerate(reversed(way), above[key] + 1):
                above[passed] = steps
        return above

    @functools.cached_property
    def _below(self) -> dict[tuple[str, str], int]:
        """How many comparisons build on each row, one after the other."""
        below = dict.fromkeys(self.bases, 0)
        for key in sorted(self.bases, key=self._above.get, reverse=True):
            if (base := self.bases[key]) is not None:
                below[base.task, base.arm] = max(below[base.task, base.arm], below[key] + 1)
        return below

    def tasks(self, row: Row) -> list[Row]:
        """The rows of this arm, one for each task on which it is compared with a row of the same name as here."""
        return self._tasks[row.arm, self.bases[row.task, row.arm].arm]

    @functools.cached_property
    def _tasks(self) -> dict[tuple[str, str], list[Row]]:
        tasks: dict[tuple[str, str], list[Row]] = {}
        for key, base in self.bases.items():
            if base is not None:
                tasks.setdefault((key[1], base.arm), []).append(self.rows[key])
        return tasks


def rules(row: Row, base: Row, pairs: Pairs) -> list[Rule]:
    """Every rule on one comparison, in a fixed order.

    >>> one, other = Row('base', 'digits', 2, value=96.0, trials=8), Row('mine', 'digits', 3, value=96.8, trials=32)
    >>> bases = {('digits', 'base'): None, ('digits', 'mine'): one}
    >>> pairs = Pairs({('digits', 'base'): one, ('digits', 'mine'): other}, bases)
    >>> [rule.why for rule in rules(other, one, pairs) if rule.state == 'broken']
    ['no sd and no n on either side', '32 tuning trials against 8', 'compared on one task only: digits']
    """
    return [
        _noise(row, base),
        _runs(row, base),
        _recipe(row, base),
        _tuning(row, base),
        _size(row, base),
        _datasets(row, pairs),
        _split(row, base),
        _path(row, base, pairs),
    ]


def missing(row: Row, base: Row) -> str:
    """The empty cells that a test needs, with their rows; '' where none is empty."""
    lacking, gaps = [], [[name for name in ('value', 'sd', 'n') if getattr(one, name) is None] for one in (row, base)]
    if gaps[0] and gaps[0] == gaps[1] and 1 not in (row.n, base.n):
        return f'no {" and no ".join(gaps[0])} on either side'
    for one, names in zip((row, base), gaps, strict=True):
        if one.n == 1:
            names = [name for name in names if name != 'sd']
            lacking.append(f'{one.arm} has one run, and so no deviation')
        if names:
            lacking.append(f'{one.arm} has no {" and no ".join(names)}')
    return '; '.join(lacking)


def _noise(row: Row, base: Row) -> Rule:
    gaps = missing(row, base)
    return Rule(
        'noise is given', BROKEN if gaps else HOLDS, gaps or 'value, deviation and count on both sides', 'noise unknown'
    )


def _runs(row: Row, base: Row) -> Rule:
    name, counts = 'enough runs', [one.n for one in (row, base)]
    known = [n for n in counts if n is not None]
    if known and min(known) < FEW_REPLICATES:
        why = f'{min(known)} run{"s" * (min(known) > 1)} on a side; {FEW_REPLICATES} are the least'
        return Rule(name, BROKEN, why, f'n < {FEW_REPLICATES}')
    if len(known) < 2:
        return Rule(name, UNKNOWN, 'the number of runs (column n)')
    return Rule(name, HOLDS, f'{counts[0]} and {counts[1]} runs')


def _recipe(row: Row, base: Row) -> Rule:
    name = 'same recipe'
    if row.recipe and base.recipe:
        if row.recipe != base.recipe:
            return Rule(name, BROKEN, f"trained by recipe '{row.recipe}', the other by '{base.recipe}'", 'recipe')
        return Rule(name, HOLDS, f"both by recipe '{row.recipe}'")
    if 'recipe' in row.arm.lower():
        return Rule(name, BROKEN, f"the name says that the recipe changed: '{base.arm}' to '{row.arm}'", 'recipe')
    return Rule(name, UNKNOWN, 'whether both were trained by the same recipe (column recipe)')


def _tuning(row: Row, base: Row) -> Rule:
    name = 'each at its own best recipe'
    untuned = [one.arm for one in (row, base) if one.tuned is False or one.trials == 0]
    if untuned:
        return Rule(name, BROKEN, f'not tuned: {" and ".join(untuned)}', 'untuned')
    if row.trials and base.trials and row.trials != base.trials:
        return Rule(name, BROKEN, f'{row.trials} tuning trials against {base.trials}', 'unequal tuning')
    if all(one.tuned or one.trials for one in (row, base)):
        return Rule(name, HOLDS, 'both were tuned')
    return Rule(name, UNKNOWN, 'whether each was tuned, and by how many trials (columns tuned, trials)')


def size_ratios(row: Row, base: Row) -> list[tuple[float, str]]:
    """The ratio of the two rows' sizes, by each size that both give: (ratio, unit)."""
    ratios = []
    for column, unit in (('gflops', 'GFLOPs'), ('params', 'parameters')):
        ours, theirs = getattr(row, column), getattr(base, column)
        if ours is not None and theirs is not None:
            ratios.append((ours / theirs, unit))
    return ratios


def _size(row: Row, base: Row) -> Rule:
    name, ratios = 'similar size', size_ratios(row, base)
    if not ratios:
        return Rule(name, UNKNOWN, 'the sizes of both (columns gflops, params)')
    # Exactly 5 % is within; the quotient may be off in its last bit.
    far = [(ratio, unit) for ratio, unit in ratios if abs(ratio - 1) > SIZE_WARNING + 1e-9]
    if far:
        why = ' and '.join(f'{ratio:.2f}× the {unit}' for ratio, unit in far)
        return Rule(name, BROKEN, why, f'size {far[0][0]:.2f}×')
    return Rule(name, HOLDS, ' and '.join(f'{ratio:.2f}× the {unit}' for ratio, unit in ratios))


def _datasets(row: Row, pairs: Pairs) -> Rule:
    name, same_arm = 'more than one dataset', pairs.tasks(row)
    datasets = list(dict.fromkeys(one.dataset for one in same_arm))
    if len(same_arm) == 1:
        where = datasets[0] or row.task
        return Rule(name, BROKEN, f'compared on one task only{": " * bool(where)}{where}', 'one dataset')
    if '' in datasets:
        return Rule(name, UNKNOWN, 'of which dataset each task is (column dataset)')
    if len(datasets) == 1:
        return Rule(name, BROKEN, f'{len(same_arm)} tasks, all of {datasets[0]}', 'one dataset')
    return Rule(name, HOLDS, ', '.join(datasets))


def _apart(row: Row, base: Row) -> bool | None:
    """Whether both were chosen on another split than the one reported; None where the table does not say."""
    if not all(one.selected_on and one.reported_on for one in (row, base)):
        return None
    return all(one.selected_on != one.reported_on for one in (row, base))


def _split(row: Row, base: Row) -> Rule:
    name = 'selected on other data'
    same = [one.arm for one in (row, base) if one.selected_on and one.selected_on == one.reported_on]
    if same:
        split = (row if same[0] == row.arm else base).reported_on
        return Rule(name, BROKEN, f'{" and ".join(same)} selected and reported on the same split: {split}', 'same split')
    if _apart(row, base):
        return Rule(name, HOLDS, f'selected on {row.selected_on}, reported on {row.reported_on}')
    return Rule(name, UNKNOWN, 'on which split models, epochs and settings were chosen (columns selected_on, reported_on)')


def _path(row: Row, base: Row, pairs: Pairs) -> Rule:
    name, steps = 'not a path of choices', pairs.steps(row)
    if steps < LONG_PATH:
        return Rule(name, HOLDS, f'{steps} step{"s" * (steps > 1)} in a row')
    if _apart(row, base):
        return Rule(name, HOLDS, f'{steps} steps in a row, chosen on {row.selected_on}')
    why = 'steps build on one another, each on the row kept before: what is kept for these numbers looks better than it is'
    return Rule(name, BROKEN, why, 'path')
