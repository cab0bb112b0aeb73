"""Standings: all that is told of the work on a study, from records, a journal and files of who is present, made by hand."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.study import Study
from sweeps import journal, presence
from sweeps import standing as standings
from sweeps.forecast import Left
from sweeps.standing import COMPLETE, QUEUED, RUNNING, STOPPED, standing

NOW = 2_000_000.0
STUDY = Study(name='stood', question='How does it stand?', arms={'base': ()}, tasks=('digits',))
RECORDS = {
    'a': {'cost': {'seconds': 1800.0}, 'task': 'digits', 'held': 'tuning', 'status': 'ok', 'score': 0.5},
    'b': {'cost': None, 'task': 'digits', 'held': 'tuning', 'status': 'failed', 'score': None},
}


def item(name: str, *trials: str) -> SimpleNamespace:
    """A pack of trials of 100 seconds each, as far as is known."""
    return SimpleNamespace(
        id=name, program=SimpleNamespace(task='digits'), trials=[SimpleNamespace(id=trial) for trial in trials]
    )


def at_work(folder: Path, name: str, since: float, heard: float, **about: object) -> None:
    path = folder / presence.FOLDER / f'{name}@node-7.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({'name': name, 'host': 'node', 'pid': 7, 'since': NOW - since, **about}))
    os.utime(path, (NOW - heard, NOW - heard))


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is told of a study of which so much is left."""
    monkeypatch.setattr(standings, 'cores', lambda: 4)

    def tell(*packs: SimpleNamespace, seconds: float = 0.0, complete: bool = False, records: dict = RECORDS) -> dict:
        left = Left(list(packs), len(packs), 12, seconds, 0.0, {'digits': 100.0}, 'from recorded runs')
        monkeypatch.setattr(standings, 'work_left', lambda reading, costs: left)
        schedule = SimpleNamespace(complete=complete)
        return standing(SimpleNamespace(study=STUDY, schedule=schedule, records=records, manifest={}, folder=tmp_path), NOW)

    return tell


NOBODY = {
    **{'state': STOPPED, 'over': True, 'run': None, 'why': '', 'running': [], 'waiting': 0, 'submitted': 0, 'lost': 0},
    **{'retried': 0, 'cancelled': 0, 'best': {'digits': 0.5}, 'expected': 12, 'seconds_left': None},
    **{'from': 'from recorded runs', 'device_hours': 0.5, 'device_hours_foreseen': 0.5},
}


def test_of_a_complete_study_nothing_is_to_come_whatever_was_foreseen(told):
    done = {**NOBODY, 'state': COMPLETE, 'seconds_left': 0.0}
    assert told(complete=True) == told(complete=True, seconds=7200.0) == done
    assert told(item('p', 'c'), complete=True, seconds=3600.0) == {**NOBODY, 'waiting': 1, 'device_hours_foreseen': 1.5}
    assert told(seconds=3600.0) == {**NOBODY, 'device_hours_foreseen': 1.5}, 'the plan goes on'
    assert told(complete=True, records={})['device_hours'] == 0


def test_workers_are_told_from_the_first_and_what_they_have_done_is_not_to_come(told, tmp_path: Path):
    at_work(tmp_path, 'q-2', 50, 1, arm='base', lanes=2)
    at_work(tmp_path, 'p', 900, 1, arm='base', device='abacus')
    at_work(tmp_path, 'gone', 50, 1)
    at_work(tmp_path, 'r', 50, 90)
    journal.note(tmp_path, 'began', queue=False)
    journal.note(tmp_path, 'submitted', packs=['p', 'q-2', 'r', 's'])
    # Of 900 seconds 200 were needed for what is left of one pack, and of the other one 50 have passed.
    packs = item('p', 'a', 'c', 'd'), item('q', 'e'), item('r', 'f'), item('s', 'g')
    running = [
        {'arm': 'base', 'device': 'abacus', 'host': 'node', 'pid': 7, 'since': NOW - 900, 'seconds': 900.0},
        {'arm': 'base', 'lanes': 2, 'host': 'node', 'pid': 7, 'since': NOW - 50, 'seconds': 50.0},
    ]
    hours, to_come = (1800 + 950) / 3600, 1000.0 - 200 - 50
    assert told(*packs, seconds=1000.0) == {
        **NOBODY,
        **{'state': RUNNING, 'over': False, 'running': running, 'waiting': 2, 'submitted': 2, 'seconds_left': to_come / 2},
        **{'device_hours': round(hours, 4), 'device_hours_foreseen': round(hours + to_come / 3600, 4)},
    }
    assert told(*packs, seconds=100.0)['seconds_left'] == 0, 'more has been done than was left'


def test_a_run_without_workers_has_the_cores_of_this_machine(told, tmp_path: Path):
    at_work(tmp_path, presence.RUN, 30, 1, launcher='local')
    run = {'host': 'node', 'pid': 7, 'since': NOW - 30, 'launcher': 'local'}
    journal.note(tmp_path, 'ended', why='of the run before')
    told_of = {**NOBODY, 'state': RUNNING, 'over': False, 'run': run, 'waiting': 1, 'seconds_left': 225.0}
    assert told(item('p', 'c'), seconds=900.0) == {**told_of, 'device_hours_foreseen': 0.75}


@pytest.mark.parametrize(
    ('queue', 'packs', 'cancelled', 'state', 'submitted'),
    [
        (True, ['p', 'p-2'], [], QUEUED, 1),
        (True, ['p', 'q'], ['q'], QUEUED, 1),
        (True, ['p'], ['p'], STOPPED, 0),
        (True, ['elsewhere'], [], STOPPED, 0),
        (False, ['p'], [], STOPPED, 1),
    ],
)
def test_what_was_submitted_waits_where_there_is_a_queue(told, tmp_path: Path, queue, packs, cancelled, state, submitted):
    journal.note(tmp_path, 'began', queue=queue)
    journal.note(tmp_path, 'submitted', packs=packs)
    journal.note(tmp_path, 'lost', pack='p', seconds=360.0)
    for name in cancelled:
        journal.note(tmp_path, 'cancelled', pack=name)
    one = told(item('p', 'c'), item('q', 'd'))
    lost = {'lost': 1, 'retried': 0, 'cancelled': len(cancelled), 'device_hours': 0.6, 'device_hours_foreseen': 0.6}
    assert one == {**NOBODY, **lost, 'state': state, 'over': False, 'waiting': 2, 'submitted': submitted}
    journal.note(tmp_path, 'ended', why='it was stopped')
    assert told(item('p', 'c'), item('q', 'd')) == {**one, 'over': state == STOPPED, 'why': 'it was stopped'}
