"""Looks are frozen when somebody reads test scores for the first time, by whatever command."""

import json

import pytest

from ablations.settings import override, until_decided
from ablations.study_files import load_study
from archlab.study_runs import open_study
from results.exports import TRACKERS
from results.exports.tracker import Tracker
from results.store.records import commit, prepare
from sweeps import manifest
from sweeps.protocol.simulate import World, simulate

FEW = ['trials=4', 'replicates=3', 'looks=(2, 3)', 'share=False', 'tasks=("digits",)']


@pytest.fixture
def runs(tmp_path):
    """A folder with the records of a small quickstart, whose first look is complete."""
    study = override(load_study('quickstart'), FEW)
    schedule, records = simulate(study, World(cliff=2.0), 0)
    folder = tmp_path / study.name
    first = [trial for trial in schedule.trials if trial.replicate < 2]
    made = [
        {**records[t.id], 'study': study.name, 'arm': t.arm, 'task': t.task, 'dataset': t.task}
        | {'optimizer': t.program.optimizer, 'replicate': t.replicate, 'seed': t.seed, 'knobs': dict(t.knobs)}
        | {'phase': t.phase, 'pack': {'id': 'pack', 'records': len(first)}}
        for t in first
    ]
    prepare(folder)
    commit(folder, 'pack', made)
    manifest.save(folder, {**manifest.EMPTY, 'study': study.name, 'settings': FEW, 'test_reads': {'digits': 20}})
    return tmp_path


def _design(runs) -> dict | None:
    return json.loads((runs / 'quickstart' / 'manifest.json').read_text()).get('design')


class Nowhere(Tracker):
    """A tracker that takes runs and keeps none."""

    def __init__(self, folder, study):
        self.study = study

    def known(self):
        return {}

    def write(self, run):
        assert run.id

    def conclude(self, study):
        assert study.name == self.study


READING = {
    'table': ('table', 'quickstart'),
    'report': ('report', 'quickstart', '--out', '{place}/page.html'),
    'figure': ('figure', 'quickstart', '--out', '{place}'),
    'export-runs': ('export-runs', 'quickstart', '--to', 'nowhere', '--out', '{place}/exports'),
    'claims': ('claims', '--all'),
    'query': ('query', 'select count(*) from trials'),
}


@pytest.mark.parametrize('command', READING)
def test_the_first_read_freezes_the_looks(runs, called, command, tmp_path_factory, monkeypatch):
    for module in ('results.report.inline_figures', 'results.figures'):
        monkeypatch.setattr(f'{module}.FIGURES', {})
    monkeypatch.setitem(TRACKERS, 'nowhere', Nowhere)
    assert _design(runs) is None
    place = tmp_path_factory.mktemp('made')
    said = called(*(word.format(place=place) for word in READING[command]), '--runs', runs)
    assert said.returncode == 0, said.stderr
    assert _design(runs)['looks'] == [2, 3]


def test_looks_are_frozen_once_and_where_a_test_score_was_read(runs, monkeypatch):
    folder = runs / 'quickstart'
    known = manifest.load(folder)
    manifest.save(folder, {**known, 'test_reads': {'digits': 0}})
    open_study('quickstart', runs).freeze()
    assert _design(runs) is None
    manifest.save(folder, {**known, 'test_reads': {'digits': 0, 'recall': 1}})
    open_study('quickstart', runs).freeze()
    assert _design(runs)['looks'] == [2, 3]
    monkeypatch.setattr(manifest, 'update', lambda *given, **more: pytest.fail('noted again'))
    open_study('quickstart', runs).freeze()


def test_what_shows_no_finding_freezes_nothing(runs, called):
    for command in (('recipe', 'quickstart/rms_norm'), *((name, 'quickstart') for name in ('status', 'plan', 'verify'))):
        assert called(*command, '--runs', runs).stdout
    assert _design(runs) is None


def test_what_is_declared_after_the_first_read_is_named_and_claims_nothing(runs):
    assert open_study('quickstart', runs).look.schedule.look == 2
    later = open_study('quickstart', runs, [*FEW, 'replicates=4', 'looks=(2, 4)'])
    warnings = later.conclusions.facts.warnings()
    assert any(said.startswith('Looks at 4 replicates were declared after findings had been read') for said in warnings)


def test_going_on_until_decided_keeps_to_what_was_frozen(runs, called):
    assert open_study('quickstart', runs).look.schedule.look == 2
    said = called('run', 'quickstart', '--runs', runs, '--until', 'decided', '--at-most', '9')
    assert said.returncode == 2
    assert 'were read' in said.stderr and 'looks at 2, 3 replicates' in said.stderr
    for wrong in (('--until', 'decided'), ('--at-most', '9'), ('--until', 'never', '--at-most', '9')):
        assert called('run', 'quickstart', '--runs', runs, *wrong).returncode == 2
    with pytest.raises(ValueError, match='--at-most 2; allowed: from 3'):
        until_decided(2)


def test_a_study_that_goes_on_until_it_is_decided_looks_after_every_replicate():
    study = override(load_study('quickstart'), until_decided(8))
    assert (study.replicates, study.looks) == (8, (3, 4, 5, 6, 7, 8))
