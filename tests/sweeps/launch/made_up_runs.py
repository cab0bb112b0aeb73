"""Runs of a made-up study by made-up launchers, and where each of them has to end."""

import json
from pathlib import Path

from made_up_launcher import Silent

from ablations.study import Study, task
from sweeps.launch.launcher import Launcher
from sweeps.protocol.simulate import World, simulate
from sweeps.run import Outcome, Run

STUDY = Study(
    name='made_up',
    question='Do all launchers end alike?',
    arms={'base': (), 'second': ()},
    tasks=(task('digits', chance=-1.0), task('recall', chance=-1.0)),
    trials=4,
    extension=2,
    replicates=2,
    looks=(1, 2),
    seeds=2,
    share=True,
)
WORLD = World(optimum=(1.25, 0.4), noise=0.01)
"""The best learning rate lies past the range, so that extensions are asked for too."""
SCHEDULE, RECORDS = simulate(STUDY, WORLD, 0)


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for path in folder.glob('records/*.jsonl') for line in path.read_text().splitlines()]


def run(folder: Path, launcher: Launcher, retry: bool = False) -> Outcome:
    return Run(STUDY, folder, launcher, Silent(), retry=retry)()


def check(folder: Path, outcome: Outcome) -> None:
    """The run ended where a simulation without any launcher does, and recorded each trial once."""
    assert outcome.schedule.complete
    assert not outcome.failures
    assert outcome.schedule.selections == SCHEDULE.selections
    assert {key: record['score'] for key, record in outcome.records.items()} == {
        key: record['score'] for key, record in RECORDS.items()
    }
    ids = [record['id'] for record in lines_of(folder)]
    assert len(ids) == len(set(ids)) == len(RECORDS)
