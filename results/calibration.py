"""Calibration: how the lab did in simulated worlds of known truth, against what it promises; as a table and a page."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from results.rounding import plain
from results.store import atomic, regular

FILE = 'calibration.json'
PARTS = ('worlds', 'beyond', 'power', 'looks')

ERROR = 0.05
COVER = (0.93, 0.97)
POWER = 0.85
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
    for name, row in facts.get('power', {}).items():
        if row['promised'] and row['found'] < POWER:
            sentences.append(f'power {name}: {row["found"]:.2f}; promised {POWER}')
    for name, row in facts.get('looks', {}).items():
        if row['claimed'] > limit(row['studies']):
            claims = f'{row["claimed"]} of {row["studies"]} studies claim'
            sentences.append(f'looks {name}: {claims}; allowed {limit(row["studies"])}')
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
    if facts.get('power'):
        lines += ['## Power', '', '| study | found | called the wrong way | intervals hold the truth | studies |']
        lines += ['| --- |' + ' ---: |' * 4]
        for name, row in facts['power'].items():
            lines.append(
                f'| {name} | {row["found"]:.1%} | {row["wrong way"]:.1%} | {row["covered"]:.1%} | {row["studies"]:,} |'
            )
        lines.append('')
    if facts.get('looks'):
        lines += ['## Declared looks', '', '| study | claims at any look | studies |', '| --- | ---: | ---: |']
        for name, row in facts['looks'].items():
            lines.append(f'| {name} | {row["claimed"]} ({row["claimed"] / row["studies"]:.1%}) | {row["studies"]:,} |')
        lines.append('')
    short = shortfalls(facts)
    lines += ['## What fell short', '', *([f'- {sentence}.' for sentence in short] or ['Nothing of what is promised.'])]
    return '\n'.join(lines) + '\n'


INTRODUCTION = (
    'Studies of five arms that are worth the same, in simulated worlds whose truth is known, through the real plan, selection '
    'and evidence at the default protocol (16 trials, 5 replicates of 2 seeds; 4 comparisons). *Claims*: studies that call any '
    'arm better or worse; at most 5 % are promised. *Usual protocol*: on the same worlds, one tuning of 16 trials an arm, its '
    "best trial, 5 fresh seeds of that, Welch's t test over the seeds with Holm over the arms, and without a correction. "
    '*Regret*: what the selected point loses against the top of the hill, for the best trial, and as a share of that for the '
    'response surface of the lab, at the same trials.'
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
    for name, row in facts.get('power', {}).items():
        table.add_row(f'power, {name}', f'{row["studies"]:,}', f'{row["found"]:.1%} found')
    for name, row in facts.get('looks', {}).items():
        table.add_row(name, f'{row["studies"]:,}', f'{row["claimed"]} ({row["claimed"] / row["studies"]:.1%})')
    return table
