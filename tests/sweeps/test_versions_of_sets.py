"""Versions of prepared sets: what is recorded is of one, and a set that was prepared again meanwhile is not mixed in."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_up_launcher import MadeUp, Silent

from ablations.study import Study, task
from ablations.tasks import Task
from archlab.surroundings import surroundings
from results.store.reading import Reading
from results.store.recorded import read_folder
from sweeps import manifest as manifests
from sweeps import worker as workers
from sweeps.commands import train_command
from sweeps.datasets import prepared
from sweeps.merge import merge
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World
from sweeps.run import Run
from sweeps.training.saving import Saving
from sweeps.training.trainer import Trainer


def make(data: Path, seed: int, **facts: object) -> str:
    """Prepare the set 'rows' of random numbers; gives its digest."""
    generator = np.random.default_rng(seed)
    parts = [
        prepared.Part(generator.normal(size=(n, 4)).astype(np.float32), np.arange(n, dtype=np.int32) % 2, np.arange(n))
        for n in (40, 8)
    ]
    about = {'kind': 'tables', 'classes': ['a', 'b'], **facts}
    return prepared.write(data / 'prepared' / 'rows', about, *parts).about['digest']


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))
    make(tmp_path / 'data', 0)
    return tmp_path / 'data'


def study(**fields: object) -> Study:
    rows: Task = task(
        'digits',
        name='rows',
        dataset='rows',
        chance=-1.0,
        data={'kind': 'supervised', 'dataset': 'rows', 'held': 8, 'train': 32},
    )
    given = {'name': 'versions', 'question': '?', 'arms': {'base': (), 'deep': ()}, 'tasks': (rows, 'recall')}
    return Study(**{**given, 'trials': 2, 'extension': 0, 'replicates': 1, 'seeds': 1, 'looks': (1,), **fields})


class Told(MadeUp):
    """Says which version of the set the first worker found."""

    def __init__(self, asked: Study, digest: str):
        super().__init__(asked, World())
        self.digest = digest

    def preflight(self, question: dict) -> dict:
        return {**super().preflight(question), 'sets': {'rows': self.digest}}


def run(asked: Study, folder: Path, digest: str) -> Told:
    launcher = Told(asked, digest)
    Run(asked, folder, launcher, Silent())()
    return launcher


def test_records_of_one_version_are_not_added_to_those_of_another(tmp_path: Path):
    run(study(), tmp_path / 'runs', 'first')
    assert manifests.load(tmp_path / 'runs')['sets'] == {'rows': 'first'}
    assert run(study(replicates=2, looks=(1, 2)), tmp_path / 'runs', 'first').submissions
    with pytest.raises(ValueError, match=r"runs of this study are recorded with another version of the prepared set 'rows'"):
        run(study(replicates=3, looks=(1, 2, 3)), tmp_path / 'runs', 'second')
    assert manifests.load(tmp_path / 'runs')['sets'] == {'rows': 'first'}


def test_a_set_that_no_record_which_counts_is_of_may_be_another(tmp_path: Path):
    """As after a change of what a task declares, which gives its trials other ids."""
    run(study(), tmp_path / 'runs', 'first')
    other = study().tasks[0]
    fields = {**other.__dict__, 'data': {**other.data, 'held': 4}}
    assert run(study(tasks=(Task(**fields), 'recall')), tmp_path / 'runs', 'second').submissions
    assert manifests.load(tmp_path / 'runs')['sets'] == {'rows': 'second'}


def test_a_pack_knows_the_version_that_its_run_began_with(tmp_path: Path):
    asked = study()
    manifest = {'costs': {}, 'strategy': 'loop', 'sets': {'rows': 'first', 'others': 'x'}}
    for item in pack(asked, schedule(asked, {}, {}).trials, {}):
        command = train_command(asked, manifest, tmp_path, item, item.id, [], Saving())
        assert command['sets'] == ({'rows': 'first'} if item.program.task == 'rows' else {})


@pytest.mark.parametrize('when', ['before', 'meanwhile'])
def test_a_worker_refuses_a_set_that_was_prepared_again(tmp_path: Path, data: Path, monkeypatch, when: str):
    asked, trained = study(), []
    digest = make(data, 0)
    item = next(item for item in pack(asked, schedule(asked, {}, {}).trials, {}) if item.program.task == 'rows')
    command = train_command(
        asked, {'costs': {}, 'strategy': 'loop', 'sets': {'rows': digest}}, tmp_path, item, 'one', [], Saving()
    )

    def train(*_: object) -> list[dict]:
        trained.append(item.id)
        make(data, 1)
        return []

    monkeypatch.setattr(Trainer, 'train', train)
    if when == 'before':
        make(data, 1)
    with pytest.raises(ValueError, match=r"the set 'rows' was prepared again while the study runs"):
        workers._train(json.loads(json.dumps(command)), Trainer('loop', None), workers.Compiling())
    assert trained == ([] if when == 'before' else [item.id])
    assert not list(tmp_path.glob('records/*'))


def test_the_first_worker_tells_the_versions_that_are_here(data: Path, monkeypatch):
    programs = [dataclasses.asdict(study().program('base', name, 'adamw')) for name in ('rows', 'recall')]
    told = []

    class Known:
        def absent(self) -> list[str]:
            return []

        def test_size(self) -> None:
            return None

    monkeypatch.setattr(workers, 'preflight', lambda *given: told.append(given) or {})
    monkeypatch.setattr(workers, 'task_of', lambda _: Known())
    answer = workers._preflight({'preflight': programs, 'knobs': {}, 'metrics': {}, 'blocks': None})
    assert told and answer['sets'] == {'rows': make(data, 0)} and 'giveaways' not in answer
    make(data, 0, giveaways=['brightness tells it'])
    answer = workers._preflight({'preflight': programs, 'knobs': {}, 'metrics': {}, 'blocks': None})
    assert answer['giveaways'] == {'rows': ['brightness tells it']}


def test_what_gives_answers_away_is_noted_until_it_is_gone(tmp_path: Path):
    class Telling(Told):
        def preflight(self, question: dict) -> dict:
            return {**super().preflight(question), 'giveaways': {'rows': ['it is told']}}

    Run(study(), tmp_path / 'runs', Telling(study(), 'first'), Silent())()
    assert manifests.load(tmp_path / 'runs')['giveaways'] == {'rows': ['it is told']}
    run(study(replicates=2, looks=(1, 2)), tmp_path / 'runs', 'first')
    assert manifests.load(tmp_path / 'runs')['giveaways'] == {}


def test_merging_keeps_to_one_version(tmp_path: Path):
    for name in ('first', 'second'):
        run(study(), tmp_path / name / 'versions', name)
    with pytest.raises(ValueError, match=r"ran with another version of the prepared set 'rows' \(second\)"):
        merge(tmp_path / 'second' / 'versions', tmp_path / 'first' / 'versions')


def test_the_checklist_names_a_set_that_is_another_than_ran(tmp_path: Path, data: Path):
    asked, folder, digest = study(), tmp_path / 'runs', make(data, 0)

    def check() -> object:
        told, (records, _) = manifests.load(folder), read_folder(folder, asked.name)
        reading = Reading(asked, schedule(asked, records, told), records, told, folder)
        return next(one for one in surroundings(reading) if one.rule == 'the prepared data are whole')

    run(asked, folder, digest)
    assert check().holds
    make(data, 1)
    assert not check().holds and "the set 'rows' is another" in check().why
