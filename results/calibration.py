"""Calibration: how the lab did in simulated worlds of known truth, against what it promises; as a table and a page."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from results.rounding import plain
from results.store import atomic, regular

FILE = 'calibration.json'
PARTS = ('worlds', 'beyond', 'rough', 'found')

ERROR = 0.05
COVER = (0.93, 0.97)
FOUND = {'equal noise': 0.78, 'beside an arm ten times as noisy': 0.70, 'splits of three deviations': 0.75}
"""How often a loss of three deviations must be found."""
REGRET = 2 / 3
NO_WORSE = 1.1
COLUMNS = (
    'world',
    'studies',
    'claims',
    'usual protocol',
    'usual, uncorrected',
    'intervals hold the truth',
    'regret of best trial',
    'of the lab',
    'at twice the trials',
    'censored',
)

SHORT = {
    'world': 'world',
    'studies': 'studies',
    'claims': 'claims',
    'usually': 'usual protocol',
    'coverage': 'intervals hold the truth',
    'regret': 'of the lab',
    'at twice': 'at twice the trials',
}
"""The terminal's headings, and the columns below each."""


def limit(studies: int) -> int:
    """How many of these studies may make a false claim: 5 %, and 1.34 standard deviations of chance (113 of 2,000).

    >>> limit(2000)
    113
    """
    return math.floor(ERROR * studies + 1.34 * math.sqrt(studies * ERROR * (1 - ERROR)))


def shortfalls(facts: Mapping) -> list[str]:
    """A sentence for each promise that did not hold; worlds beyond the promise are not judged."""
    sentences = []
    for name, row in facts['worlds'].items():
        if row['claimed'] > limit(row['studies']):
            sentences.append(f"'{name}': {row['claimed']} of {row['studies']} studies claim; allowed {limit(row['studies'])}")
        # Coverage is judged with the room that chance needs: comparisons of a study are not independent.
        room = 2 * math.sqrt(COVER[0] * (1 - COVER[0]) / row['studies'])
        if not COVER[0] - room <= row['covered'] <= COVER[1] + room:
            sentences.append(
                f"'{name}': {row['covered']:.1%} of intervals hold the truth; promised {COVER[0]:.0%} to {COVER[1]:.0%}"
            )
        for trials, regret in row['regrets'].items():
            allowed = REGRET if row['curved'] else NO_WORSE
            if regret['lab'] > allowed * regret['best trial']:
                share = regret['lab'] / regret['best trial']
                regret = f'regret at {trials} trials is {share:.2f}'
                sentences.append(f"'{name}': {regret} of the best trial's; promised {allowed:.2f}")
    for name, row in facts.get('rough', {}).items():
        if row['promised'] and row['false'] > limit(row['studies']):
            sentences.append(
                f"'{name}': {row['false']} of {row['studies']} studies say a false word; allowed {limit(row['studies'])}"
            )
        low = min(row['covered'].values(), default=1.0)
        room = 2 * math.sqrt(COVER[0] * (1 - COVER[0]) / row['studies'])
        if row['promised'] and low < COVER[0] - room:
            arm = min(row['covered'], key=row['covered'].get)
            sentences.append(f"'{name}': {low:.1%} of the intervals of {arm} hold the truth; promised {COVER[0]:.0%}")
    for name, least in FOUND.items():
        row = facts.get('found', {}).get(name)
        if row and row['found'] < least:
            sentences.append(f'{name}: a loss of three deviations is found in {row["found"]:.1%}; promised {least:.0%}')
    return sentences


def _row(name: str, row: Mapping) -> list[str]:
    regrets = list(row['regrets'].values())
    ratios = [f'{r["lab"] / r["best trial"]:.2f}' if r['best trial'] else '–' for r in regrets]
    return [
        name,
        f'{row["studies"]:,}',
        f'{row["claimed"]} ({row["claimed"] / row["studies"]:.1%})',
        f'{row["usual"] / row["studies"]:.1%}',
        f'{row["usual, not corrected"] / row["studies"]:.1%}',
        f'{row["covered"]:.1%}',
        f'{regrets[0]["best trial"]:.4f}' if regrets else '–',
        f'{TIMES}{ratios[0]}' if ratios else '–',
        f'{TIMES}{ratios[1]}' if len(ratios) > 1 else '–',
        str(row['censored']),
    ]


TIMES = '\u00d7'
ROUGH = (
    'studies of',
    'studies',
    'a false word',
    'of a difference',
    'of equivalence',
    'of divergence',
    'over datasets',
    'found',
    'intervals hold the truth, by arm',
    'runs',
    'replicates',
)


def _rough_row(name: str, row: Mapping) -> list[str]:
    low, high = min(row['covered'].values(), default=1.0), max(row['covered'].values(), default=1.0)
    return [
        name if row['promised'] else f'{name} (not promised)',
        f'{row["studies"]:,}',
        f'{row["false"]} ({row["false"] / row["studies"]:.1%})',
        *(str(row[kind]) for kind in ('difference', 'equivalence', 'unstable', 'overall')),
        '\u2013' if row['found'] is None else f'{row["found"]:.1%}',
        f'{low:.1%} to {high:.1%}',
        f'{row["trials"]:,.0f}',
        f'{row["replicates"]:.1f}',
    ]


def rows(facts: Mapping) -> dict[str, list[list[str]]]:
    """Rows of text by part: the declared worlds, and the worlds beyond the promise."""
    parts = {'worlds': facts['worlds'], 'beyond the promise': facts.get('beyond', {})}
    return {part: [_row(name, row) for name, row in part_facts.items()] for part, part_facts in parts.items() if part_facts}


def markdown(facts: Mapping) -> str:
    """The calibration as a Markdown page: tables, power, looks, and promises that did not hold."""
    lines = ['# Calibration', '', INTRODUCTION, '']
    for part, part_rows in rows(facts).items():
        lines += [f'## {part.capitalize()}', '', '| ' + ' | '.join(COLUMNS) + ' |']
        lines += ['| --- |' + ' ---: |' * (len(COLUMNS) - 1), *('| ' + ' | '.join(row) + ' |' for row in part_rows), '']
        source = facts['worlds' if part == 'worlds' else 'beyond']
        lines += [*(f'- **{name}**: {row["about"]}.' for name, row in source.items()), '']
    for part, heading in (('rough', 'Rough worlds'), ('found', 'Planted effects')):
        if facts.get(part):
            lines += [f'## {heading}', '', '| ' + ' | '.join(ROUGH) + ' |', '| --- |' + ' ---: |' * (len(ROUGH) - 1)]
            lines += ['| ' + ' | '.join(_rough_row(name, row)) + ' |' for name, row in facts[part].items()]
            lines += ['', *(f'- **{name}**: {row["about"]}.' for name, row in facts[part].items() if part == 'rough'), '']
    short = shortfalls(facts)
    lines += ['## What fell short', '', *([f'- {sentence}.' for sentence in short] or ['Nothing of what is promised.'])]
    return '\n'.join(lines) + '\n'


INTRODUCTION = (
    'Studies in simulated worlds whose truth is known, through the real plan, selection and evidence at the default '
    'protocol (10 trials, a look at 3 replicates and one at 5, 4 seeds each, five arms, one task, unless a name says '
    'otherwise). *Claims*: studies of arms that are worth the same that call any arm better or worse; at most 5 % are '
    'promised. *A false word*: a difference that is not there or goes the other way, equivalence or a negligible '
    'difference beyond the margin, unequal divergence of arms that diverge alike, a false verdict over datasets. *Found*:'
    ' planted effects that are claimed in their direction. *Usual protocol*: on the same worlds, one tuning of as many '
    "trials an arm, its best trial, 5 fresh seeds of that, Welch's t test over the seeds with Holm over the arms, and "
    'without a correction. *Regret*: what the selected point loses against the top of the hill, for the best trial, and '
    'as a share of that for the response surface of the lab, at the same trials.'
)


def to_dict(facts: Mapping) -> dict:
    """Plain data, with the allowed numbers and the promises that did not hold."""
    return plain({**facts, 'limit': limit(facts['studies']), 'shortfalls': shortfalls(facts)})


def load(folder: Path | None) -> dict | None:
    """The facts saved in a folder, None where there are none; raises ValueError where the file is damaged."""
    path = None if folder is None else folder / FILE
    if path is None or not path.exists():
        return None
    try:
        return json.loads(regular.read(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); move it away: it is made anew') from None


def save(folder: Path | None, facts: Mapping) -> None:
    """Write the facts and the page, whole, into a folder."""
    if folder is None:
        return
    for name, content in ((FILE, json.dumps(to_dict(facts), indent=1) + '\n'), ('calibration.md', markdown(facts))):
        atomic.replace(folder / name, content)


def table_of(facts: Mapping) -> Table:
    """The calibration for the terminal."""
    table = Table(box=None, header_style='bold')
    for place, name in enumerate(SHORT):
        table.add_column(name, justify='left' if place == 0 else 'right')
    for part_rows in rows(facts).values():
        for row in part_rows:
            table.add_row(*(cell for name, cell in zip(COLUMNS, row, strict=True) if name in SHORT.values()))
        table.add_section()
    for name, row in {**facts.get('rough', {}), **facts.get('found', {})}.items():
        found = '' if row['found'] is None else f', {row["found"]:.1%} found'
        table.add_row(name, f'{row["studies"]:,}', f'{row["false"]} false ({row["false"] / row["studies"]:.1%}){found}')
    return table
