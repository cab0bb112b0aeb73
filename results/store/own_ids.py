"""Own ids: the id from the content of a record. It shows a record under the id of another trial."""

import dataclasses
from collections.abc import Mapping

from ablations.digest import digest
from ablations.trial import Program, trial_id

PROGRAM = ('study', 'arm', 'task', 'dataset', 'optimizer', 'steps', 'batch', 'data', 'model')
OPTIONAL = ('blocks', 'declared')
"""The entries that say which program was run; the OPTIONAL ones are empty where they are not there."""
_LAST: list[Program] = []
"""The program of the record before: a pack has one, and its digest is what takes time."""


def own_id(record: Mapping) -> str | None:
    """The id of the trial that a record describes; None where it doesn't say enough, as one of a failed run."""
    points = (record.get('curve') or {}).get('step')
    if not points or any(name not in record for name in PROGRAM):
        return None
    fields = {name: record[name] for name in PROGRAM} | {name: record.get(name, '') for name in OPTIONAL}
    fields |= {'evaluations': record.get('evaluations', len(points) - 1)}
    if not _LAST or any(getattr(_LAST[0], name) != value for name, value in fields.items()):
        _LAST[:] = [Program(**fields)]
    about = (record[name] for name in ('replicate', 'knobs', 'seed', 'held'))
    return id_as(record['id'], _LAST[0], *about, record.get('until', 0))


def id_as(
    given: str, program: Program, replicate: int, knobs: Mapping[str, float], seed: int, held: str, until: int = 0
) -> str:
    """The id of a trial of a program: `given`, where this version or an older one gives it, else that of this version."""
    about = replicate, knobs.items(), seed, held, until
    own = trial_id(program.id, *about)
    # Of what this version wrote, the older id is not worked out.
    return own if given == own or given != trial_id(_before(program), *about) else given


def _before(program: Program) -> str:
    """The id that a program had until 28 November 2026, when splits did not follow from the study's name."""
    fields = dataclasses.asdict(program)
    return digest({name: value for name, value in fields.items() if name not in ('study', 'declared')})
