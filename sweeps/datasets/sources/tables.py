"""Tables: CSV, JSON lines and Parquet with columns that a user names: inputs, targets, the split and the group of each row."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ablations.config import closest
from ablations.option_words import option
from sweeps.datasets.formats.columns import Value, read_table
from sweeps.datasets.material import ROWS, Block, Material, Options, by_split
from sweeps.datasets.sources.column_inputs import Inputs, inputs_of
from sweeps.datasets.sources.column_numbers import numbers_of, odd_numbers
from sweeps.datasets.sources.column_targets import Targets, targets_of
from sweeps.datasets.sources.division import by_column, divided
from sweeps.datasets.sources.locate import PACKED, with_endings
from sweeps.datasets.sources.telling_columns import telling_columns
from sweeps.datasets.writing import example_hash

COLUMN = 'column:'
ENDINGS = {
    'csv': tuple(f'{form}{packed}' for form in ('.csv', '.tsv') for packed in PACKED),
    'json_lines': tuple(f'{form}{packed}' for form in ('.jsonl', '.json') for packed in PACKED),
    'parquet': ('.parquet',),
}
"""The files of each format."""
SHARE = 0.1


def tables(source: Path, options: Options, format: str) -> Material:
    """The rows of one or more files of a format, held in memory; the options say which columns are what.

    Raises ValueError for an absent column, for inputs or targets of unknown form, and for rows without an input or a target
    unless these may be left out, counted.
    """
    paths = with_endings(source, ENDINGS[format])
    by_column_of = options.split[len(COLUMN) :] if (options.split or '').startswith(COLUMN) else None
    if (options.size or options.grey) and options.form != 'images':
        raise ValueError(
            f'size and grey are of images; give {option("form", "images")} where a column holds their paths, or leave them out'
        )
    split = by_split(paths, source, 'hash' if by_column_of else options.split)
    aside = {name for name in (by_column_of, options.group) if name}
    wanted = None if options.inputs is None else {*options.inputs, *(options.target or ()), *aside}
    columns, others, of_test = _rows(split.pool, split.test, options.target or (), wanted)
    rows = len(of_test)
    _check_columns(columns, others, [*(options.inputs or ()), *(options.target or ()), *aside])
    shown = _inputs(columns, options, aside)
    inputs = inputs_of(shown, options, source if source.is_dir() else source.parent)
    asked = {name: _without_withheld(columns[name], of_test) for name in options.target or ()}
    targets = targets_of(asked, options.predict, rows)
    held = of_test if split.test else by_column(columns[by_column_of], by_column_of) if by_column_of else None
    notes = [targets.said] * bool(targets.said)
    if unused := others:
        named = [name or "'' (without a name)" for name in unused[:12]]
        notes.append(f'columns that are not used: {", ".join(named)}{" ..." * (len(unused) > 12)}')
    used, held = _usable(source, inputs, targets, held, options, notes, skipped := [])
    digests = [example_hash(inputs.xs[row]) for row in used]
    keys = None
    if options.group:
        if empty := sum(columns[options.group][row] is None for row in used):
            raise ValueError(f"group column '{options.group}' is empty in {empty:,} rows; fill it in, or leave these rows out")
        keys = [repr(columns[options.group][row]).encode() for row in used]
    given = None if held is None else held[used]
    # Rows of equal features are often a coincidence; molecules and texts of equal content are the same.
    division = divided(digests, keys, given, options.share or SHARE, options.group or '', inputs.kind != 'tables')
    test, own = division.test, division.own
    pool = np.setdiff1d(np.flatnonzero(~test), division.known)
    if len(division.known):
        notes.append(f'{len(division.known):,} examples of the pool are identical to a test example and were left out')
    if keys is not None and targets.form == 'class':
        notes.append(_classes_of_groups(keys, targets.y[used], options.group))
    xs = inputs.filled(used[pool])
    if inputs.features:
        notes += filter(None, (odd_numbers(name, values) for name, values in shown.items()))
        notes.append(
            f'{len(inputs.features)} features: {", ".join(inputs.features[:12])}{" ..." * (len(inputs.features) > 12)}'
        )

    facts = {'features': inputs.features} if inputs.features else {}
    if inputs.kind == 'tables' and (told := telling_columns(shown, targets, used[pool])):
        facts['giveaways'] = told

    def stream(chosen: np.ndarray) -> Iterator[Block]:
        for start in range(0, len(chosen), ROWS):
            places = chosen[start : start + ROWS].tolist()
            numbers = used[places]
            y = None if targets.y is None else targets.y[numbers]
            yield [xs[number] for number in numbers], y, [own[place] for place in places]

    said = '' if held is None else split.said or f"by the column '{by_column_of}'"
    shared = f"by the values of the column '{options.group}'" if options.group else ''
    by_hash = (
        f'{options.share or SHARE:g} of the {"groups" if shared else "rows"}, by hash of {"the group" if shared else "content"}'
    )
    return Material(
        inputs.kind,
        stream(pool),
        stream(np.flatnonzero(test)),
        [*split.pool, *split.test],
        targets.names if targets.form == 'class' else None,
        inputs.rate,
        counts={'pool': len(pool), 'test': int(test.sum())},
        notes=notes,
        skipped=skipped,
        split=said or by_hash,
        target=targets.form or 'class',
        targets=targets.names if targets.form in ('values', 'labels') else None,
        grouped=shared,
        facts=facts,
        lists=inputs.files,
        by_hash=held is None,
    )


def _classes_of_groups(keys: Sequence[bytes], y: np.ndarray, column: str) -> str:
    """How many groups have an example of every class: answers of several models to one prompt should."""
    classes: dict[bytes, set[int]] = {}
    for key, one in zip(keys, y.tolist(), strict=True):
        classes.setdefault(key, set()).add(one)
    most, all_classes = max(map(len, classes.values())), len(np.unique(y))
    if most == 1:
        return f"each value of the column '{column}' has examples of one class only"
    whole = sum(len(one) == all_classes for one in classes.values())
    return f"{whole:,} of {len(classes):,} values of the column '{column}' have examples of all {all_classes} classes"


def _rows(
    pool: list[Path], test: list[Path], targets: Sequence[str], wanted: set[str] | None
) -> tuple[dict[str, list[Value]], list[str], np.ndarray]:
    """The wanted columns of all files, the names of others, and whether each row is of a test file.

    A test file may lack its targets, and nothing else.
    """
    columns: dict[str, list[Value]] = {}
    others: list[str] = []
    of_test: list[bool] = []
    for path in [*pool, *test]:
        table, left = read_table(path, wanted)
        count = len(next(iter(table.values()))) if table else 0
        others += [name for name in left if name not in others]
        if not of_test:
            columns = {name: [] for name in table}
        lacking = [name for name in columns if name not in table and not (path in test and name in targets)]
        more = [name for name in table if name not in columns]
        if lacking or more:
            raise ValueError(
                f'{path}: its columns are not those of {pool[0].name} (without {lacking[:5]}, with {more[:5]} beside them); '
                'give files of the same columns'
            )
        for name, column in columns.items():
            column += table.get(name, [None] * count)
        of_test += [path in test] * count
    return columns, others, np.array(of_test, bool)


def _without_withheld(values: list[Value], of_test: np.ndarray) -> list[Value]:
    """Targets without the -1 that stands in the place of every one of the test files, and in no other: it is none."""
    test = {str(value) for value, held in zip(values, of_test, strict=True) if held}
    pool = {str(value) for value, held in zip(values, of_test, strict=True) if not held}
    if not test or test & pool or not test <= {'-1', '-1.0'}:
        return values
    return [None if held else value for value, held in zip(values, of_test, strict=True)]


def _check_columns(columns: dict[str, list[Value]], others: list[str], named: list[str]) -> None:
    for name in named:
        if name not in columns:
            there = [*columns, *others]
            headless = [one for one in there if isinstance(one, str) and one and numbers_of([one]) is not None]
            hint = f' ({headless[0]!r} is a number: is a line of names missing on top?)' if headless else ''
            raise ValueError(f"no column '{name}'; there: {there[:30]}{hint}; name one of these.{closest(name, there)}")


def _inputs(columns: dict[str, list[Value]], options: Options, aside: set[str]) -> dict[str, list[Value]]:
    """The columns of the input: the named ones, or all without another role."""
    taken = {*(options.target or ()), *aside}
    both = [name for name in options.inputs or () if name in taken]
    if both:
        raise ValueError(
            f"column '{both[0]}' is an input and also target, group or split: an answer in the question; leave one"
        )
    names = options.inputs or [name for name in columns if name not in taken]
    if not names:
        raise ValueError(f'no column is left for the inputs; name them: {option("inputs")}')
    return {name: columns[name] for name in names}


def _usable(
    source: Path,
    inputs: Inputs,
    targets: Targets,
    held: np.ndarray | None,
    options: Options,
    notes: list[str],
    skipped: list[str],
) -> tuple[np.ndarray, np.ndarray | None]:
    """The numbers of the rows that can be used, and the split. A test split without any target is left aside, with a note."""
    there = targets.there.copy()
    if held is not None and held.any() and not there[held].any():
        notes.append(f'{int(held.sum()):,} rows for testing have no target: they are left aside')
        use, held = ~held, None
    else:
        use = np.ones(len(there), bool)
    damaged = dict(inputs.damaged)
    for row in np.flatnonzero(~there & use).tolist():
        damaged.setdefault(row, f'row {row + 1}: no target')
    damaged = {row: why for row, why in sorted(damaged.items()) if use[row]}
    if damaged and not options.skip_damaged:
        first = next(iter(damaged.values()))
        raise ValueError(
            f'{source}: {first}{f", and {len(damaged) - 1:,} more such rows" if len(damaged) > 1 else ""}; mend them, or leave '
            f'them out, counted: {option("skip_damaged")}'
        )
    skipped += [f'{source}: {why}' for why in damaged.values()]
    use[list(damaged)] = False
    return np.flatnonzero(use), held
