"""Facts: every number of the paper, read from published bundles and the calibration beside them."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ablations.flagships import FLAGSHIPS, flagship
from results.bundle import read
from results.claims.bundles import TABLE, bundles_in, read_bundle
from results.claims.collection import Collection, collect
from results.claims.sentence import sentence_of
from sweeps.protocol.cells import DEFAULT

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / 'results' / 'published'


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A published study: how many arms, tasks and runs it has, its comparisons, and the first line of its question."""

    name: str
    question: str
    arms: int
    tasks: int
    replicates: int
    runs: int
    rows: tuple[Mapping, ...]

    @property
    def verdicts(self) -> str:
        """Its verdicts by how many there are, such as '3 worse, 5 undecided'."""
        return ', '.join(f'{count} {verdict}' for verdict, count in Counter(row['verdict'] for row in self.rows).most_common())


@dataclasses.dataclass(frozen=True)
class Shared:
    """Comparisons that were also made at the base's recipe, and those whose verdict is another there."""

    rows: tuple[Mapping, ...]

    @property
    def changed(self) -> tuple[Mapping, ...]:
        return tuple(row for row in self.rows if row['shared_verdict'] != row['verdict'])

    @property
    def claims(self) -> int:
        """How many say better or worse at the arms' own recipes."""
        return sum(row['verdict'] in ('better', 'worse') for row in self.rows)

    @property
    def claims_changed(self) -> int:
        return sum(row['verdict'] in ('better', 'worse') for row in self.changed)


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """What the calibration says: cells run and in all, false words of studies over promised cells.

    `again` are (false words, studies) of the cells that were run again because chance allows less than they had at first,
    `rough` the false words in each world for which nothing is promised.
    """

    cells: int
    of: int
    studies: int
    worst: int
    least: int
    usual: tuple[float, float]
    again: tuple[tuple[int, int], ...]
    rough: tuple[int, ...]


def bundle_of(folder: Path) -> Bundle:
    about = read(folder)
    study, rows = about['definition'], json.loads((folder / TABLE).read_bytes())
    rows = tuple({**row, 'study': about['study']} for row in rows if row['row'] == 'comparison')
    return Bundle(
        name=about['study'],
        question=study['question'].strip().partition('\n')[0],
        arms=len(study['arms']),
        tasks=len(study['tasks']),
        replicates=study['replicates'],
        runs=about['records']['lines'],
        rows=rows,
    )


def shared(bundles: list[Bundle]) -> Shared:
    """The comparisons that were also made at one recipe; where an arm is the base again there is nothing to compare."""
    return Shared(tuple(row for bundle in bundles for row in bundle.rows if row.get('shared_verdict')))


def calibrated(file: Path = PUBLISHED / 'calibration' / 'calibration.json') -> Calibrated:
    cells = [cell for part in json.loads(file.read_bytes())['cells'].values() for cell in part.values()]
    promised = [cell for cell in cells if cell['promised']]
    usual = sorted(cell['usual'] / cell['studies'] for cell in promised if cell.get('usual') is not None)
    return Calibrated(
        cells=len(cells),
        of=sum(len(part) for part in DEFAULT.values()),
        studies=promised[0]['studies'],
        worst=max(cell['false'] for cell in promised),
        least=min(cell['false'] for cell in promised),
        usual=(usual[0], usual[-1]),
        again=tuple((cell['again']['false'], cell['again']['studies']) for cell in promised if cell.get('again')),
        rough=tuple(sorted(cell['false'] for cell in cells if not cell['promised'])),
    )


def claims() -> Collection:
    """What the bundles conclude."""
    return collect((folder.name, lambda folder=folder: read_bundle(folder)) for folder in bundles_in(PUBLISHED)).saying()


def facts() -> dict:
    """Everything that the paper's text names."""
    bundles = [bundle_of(folder) for folder in bundles_in(PUBLISHED)]
    there, told = {bundle.name for bundle in bundles}, claims()
    return {
        'bundles': bundles,
        'runs': sum(bundle.runs for bundle in bundles),
        'comparisons': sum(len(bundle.rows) for bundle in bundles),
        'claims': [claim for claim in told.claims if claim.scope == 'dataset'],
        'sentences': [str(sentence_of(claim)) for claim in told.claims if claim.scope == 'dataset'],
        'contradictions': len(told.contradictions),
        'shared': shared(bundles),
        'calibrated': calibrated(),
        'flagships': [(flagship(name), [rung for rung in FLAGSHIPS[name] if f'{name}_{rung}' in there]) for name in FLAGSHIPS],
    }
