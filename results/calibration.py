"""Calibration: how the lab did in simulated worlds of known truth, against what it promises; as a table and a page."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.table import Table

from results.protocol import ENTRY, NOW
from results.rounding import plain
from results.store import atomic, regular

FILE = 'calibration.json'
ERROR = 0.05
ROOM = 1.34
"""A cell passes within so many standard deviations of chance above 5 % (113 of 2,000)."""
ROOM_AGAIN = 2.36
"""A cell that did not is run again with four times the fresh studies, and passes within so many (446 of 8,000)."""
COVER = (0.93, 0.97)
LEAST_POWER = {'equal noise': 0.78, 'equal noise, a gain': 0.78}
LEAST_POWER |= {'beside an arm ten times as noisy': 0.70, 'splits of three deviations': 0.75}
"""How often a loss of three deviations must be found."""
REGRET, NO_WORSE = 2 / 3, 1.1
"""The largest regret of the lab's selection, as a share of the best trial's: where tuning matters, and where it does not."""
KINDS = ('difference', 'equivalence', 'unstable', 'overall', 'factorial')
HEADINGS = {
    'cover': 'Promised worlds, crossed with replicates and arms',
    'forms': 'Studies of other forms',
    'found': 'Planted effects',
    'published': 'Beyond the promise',
    'halved': 'Tunings that stop the worse half of their runs',
}
COLUMNS = (
    'studies of',
    'studies',
    'a false word',
    'of difference / equivalence / divergence / datasets / factors',
    'usual protocol',
    'uncorrected',
    'found',
    'intervals hold the truth, by arm',
    "regret, of the best trial's",
    'runs',
    'replicates',
)


def limit(studies: int, room: float = ROOM) -> int:
    """How many of these studies may say a false word: 5 %, and room for chance.

    >>> limit(2000), limit(8000, ROOM_AGAIN)
    (113, 446)
    """
    return math.floor(ERROR * studies + room * math.sqrt(studies * ERROR * (1 - ERROR)))


def _share(pair: list[int] | None) -> float | None:
    return pair[0] / pair[1] if pair and pair[1] else None


def _shown(share: float | None) -> str:
    return '\u2013' if share is None else f'{share:.1%}'


def _cells(facts: Mapping) -> Iterator[tuple[str, str, Mapping]]:
    """Part, name and tally of each cell with studies."""
    for part, cells in facts['cells'].items():
        for name, tally in cells.items():
            if tally['studies']:
                yield part, name, tally


def shortfalls(facts: Mapping) -> list[str]:
    """A sentence for each promise that did not hold; what is beyond the promise is not judged."""
    return [sentence for part, name, tally in _cells(facts) if tally['promised'] for sentence in _short(part, name, tally)]


def _short(part: str, name: str, tally: Mapping) -> Iterator[str]:
    again = tally.get('again') or {}
    judged, room = (again, ROOM_AGAIN) if again.get('studies') else (tally, ROOM)
    if judged['false'] > (allowed := limit(judged['studies'], room)):
        yield f"'{name}': {judged['false']} of {judged['studies']:,} studies say a false word; allowed {allowed}"
    for arm, (inside, count) in tally['held'].items():
        share, room = inside / count, 2 * math.sqrt(COVER[0] * (1 - COVER[0]) / count)
        if not COVER[0] - room <= share <= COVER[1] + room:
            promised = f'promised {COVER[0]:.0%} to {COVER[1]:.0%}'
            yield f"'{name}': {share:.1%} of the intervals of {arm} hold the truth; {promised}"
    if part == 'found' and (share := _share(tally['found'])) is not None and share < LEAST_POWER.get(name, 0.0):
        yield f'{name}: a loss of three deviations is found in {share:.1%}; promised {LEAST_POWER[name]:.0%}'
    lab, best, _ = tally['regret']
    if part == 'cover' and lab > (allowed := REGRET if tally['curved'] else NO_WORSE) * best:
        yield f"'{name}': regret is {lab / best:.2f} of the best trial's; promised {allowed:.2f}"


def _row(name: str, tally: Mapping) -> list[str]:
    studies, again = tally['studies'], tally.get('again') or {}
    shares = [inside / count for inside, count in tally['held'].values()]
    told = f'{tally["false"]} ({tally["false"] / studies:.1%})'
    if again.get('studies'):
        told += f'; again {again["false"]} of {again["studies"]:,} ({again["false"] / again["studies"]:.1%})'
    lab, best, _ = tally['regret']
    return [
        name,
        f'{studies:,}',
        told,
        ' / '.join(str(tally[kind]) for kind in KINDS),
        _shown(tally['usual'] / studies),
        _shown(tally['uncorrected'] / studies),
        _shown(_share((tally.get('power') or tally)['found'])),
        f'{min(shares):.1%} to {max(shares):.1%}' if shares else '\u2013',
        f'{lab / best:.2f}' if best else '\u2013',
        f'{tally["runs"] / studies:,.0f}',
        f'{tally["replicates"] / studies:.1f}',
    ]


def _origin(facts: Mapping) -> str:
    """The protocol, and how many studies each version of the code counted."""
    counted: dict[str, int] = {}
    for _, _, tally in _cells(facts):
        for part in (tally, tally.get('power') or {}, tally.get('again') or {}):
            for source, studies in part.get('sources', {}).items():
                counted[source] = counted.get(source, 0) + studies
    told = ', '.join(f'{studies:,} studies by the code {source}' for source, studies in counted.items())
    return f'Protocol {facts.get(ENTRY, NOW)}: {told or "no studies"}.'


SIZES = (
    'replicates',
    'arms',
    'worlds',
    'a false word, of 2,000 studies',
    'a loss of three deviations is found',
    'intervals hold the truth, by arm',
)


def by_size(facts: Mapping) -> list[str]:
    """A table of the promised worlds by the size of the study, as lines of Markdown: from the least to the most over worlds."""
    cells: dict[tuple[int, int], list[Mapping]] = {}
    for part, name, tally in _cells(facts):
        if part == 'cover' and (size := re.search(r'(\d+) replicates, (\d+) arms$', name)):
            cells.setdefault((int(size[1]), int(size[2])), []).append(tally)
    lines = ['| ' + ' | '.join(SIZES) + ' |', '| ---: |' + ' ---: |' * (len(SIZES) - 1)]
    for (replicates, arms), tallies in sorted(cells.items()):
        false = [round(2000 * tally['false'] / tally['studies']) for tally in tallies]
        power = [share for tally in tallies if (share := _share((tally.get('power') or {}).get('found'))) is not None]
        held = [inside / count for tally in tallies for inside, count in tally['held'].values()]
        ranges = [f'{min(false)} to {max(false)}', *(_range(shares) for shares in (power, held))]
        lines.append(f'| {replicates} | {arms} | {len(tallies)} | {" | ".join(ranges)} |')
    return lines


def _range(shares: list[float]) -> str:
    return f'{_shown(min(shares))} to {_shown(max(shares))}' if shares else _shown(None)


def markdown(facts: Mapping) -> str:
    """The calibration as a Markdown page: a table for each part, and the promises that did not hold."""
    lines = ['# Calibration', '', INTRODUCTION, '', _origin(facts), '']
    if len(sizes := by_size(facts)) > 2:
        lines += ['## By the size of the study', '', 'Promised worlds, from the least to the most over them.', '', *sizes, '']
    for part, heading in HEADINGS.items():
        rows = [_row(name, tally) for own, name, tally in _cells(facts) if own == part]
        if rows:
            lines += [f'## {heading}', '', '| ' + ' | '.join(COLUMNS) + ' |', '| --- |' + ' ---: |' * (len(COLUMNS) - 1)]
            lines += [*('| ' + ' | '.join(row) + ' |' for row in rows), '']
    worlds = {tally['world']: tally['about'] for _, _, tally in _cells(facts)}
    lines += ['## The worlds', '', *(f'- **{name}**: {about}.' for name, about in worlds.items()), ''] if worlds else []
    short = shortfalls(facts)
    lines += ['## What fell short', '', *([f'- {sentence}.' for sentence in short] or ['Nothing of what is promised.'])]
    return '\n'.join(lines) + '\n'


INTRODUCTION = (
    'Studies in simulated worlds whose truth is known, through the real plan, selection and evidence at the default '
    'protocol (10 trials, a look at 3 replicates and one at 5, 4 seeds each, five arms, one task, unless a name says '
    'otherwise). *A false word*: a difference that is not there or goes the other way, equivalence or a negligible '
    'difference beyond the margin, unequal divergence of arms that diverge alike, a false verdict over datasets, a '
    'factorial effect that is not there; in at most 5 % of studies is promised. *Usual protocol*: on the same worlds, one '
    "tuning of as many trials an arm, its best trial, 5 fresh seeds of that, Welch's t test over the seeds with Holm over "
    'the arms, and *uncorrected*; where effects are planted, its claims are not all false. *Found*: planted effects that '
    'are claimed in their direction, in promised worlds a loss of three deviations (a deviation is .035) in a tenth as many '
    'further studies; where nothing is planted, comparisons called equivalent. *Regret*: what the selected point loses '
    "against the top of the hill, as a share of what the best trial's loses."
)


def to_dict(facts: Mapping) -> dict:
    """Plain data, with the promises that did not hold."""
    return plain({**facts, 'shortfalls': shortfalls(facts)})


def load(folder: Path | None) -> dict | None:
    """The facts saved in a folder, None where there are none; raises ValueError where the file is damaged."""
    path = None if folder is None else folder / FILE
    if path is None or not path.exists():
        return None
    try:
        facts = json.loads(regular.read(path))
        if not isinstance(facts, dict) or not isinstance(facts.get('cells'), dict):
            raise ValueError('no cells')
        return facts
    except OSError as error:
        raise ValueError(regular.unread(path, error)) from None
    except (ValueError, RecursionError) as error:
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
    for place, name in enumerate(('studies of', 'studies', 'false', 'usual', 'found', 'coverage', 'runs')):
        table.add_column(name, justify='left' if place == 0 else 'right')
    shown = [COLUMNS.index(name) for name in ('studies of', 'studies', 'a false word', 'usual protocol', 'found')]
    shown += [COLUMNS.index('intervals hold the truth, by arm'), COLUMNS.index('runs')]
    for _, name, tally in _cells(facts):
        row = _row(name, tally)
        table.add_row(*(row[place] for place in shown))
    return table
