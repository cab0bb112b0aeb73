"""What a run writes into its folder beside records, and what it says meanwhile, word for word."""

import json
import os
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_up_launcher import MadeUp

from ablations.study import Study, task
from results.protocol import ENTRY, NOW
from sweeps import journal, manifest, presence
from sweeps.pace import Pace
from sweeps.protocol.pack import LANES
from sweeps.protocol.packing import SECONDS
from sweeps.protocol.simulate import World
from sweeps.run import Outcome, Run

STUDY = Study(
    name='told',
    question='What is told?',
    arms={'base': (), 'second': ()},
    tasks=(task('digits', chance=-1.0), task('recall', chance=-1.0)),
    trials=2,
    extension=0,
    replicates=1,
    looks=(1,),
    seeds=1,
)
COSTS = {arm: {name: {'flops': 10, 'params': 10, 'macs': 10} for name in ('digits', 'recall')} for arm in STUDY.arms}
SETS, GIVEAWAYS = {'mine': 'abc'}, {'mine': ['x tells y', 'z tells y']}


@pytest.fixture(autouse=True)
def _a_machine_that_has_run_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


class Telling(MadeUp):
    """A first worker that says more of the study."""

    platform, more = 'abacus', {'test_sizes': {'digits': 360}, 'sets': SETS, 'giveaways': GIVEAWAYS}

    def preflight(self, question: dict) -> dict:
        return {**super().preflight(question), 'platform': self.platform, 'strategy': 'map', **self.more}


class Heard:
    """A watch that writes down what it is told, without the calls of a clock."""

    def __init__(self):
        self.calls: list[tuple] = []

    def __getattr__(self, name: str):
        return lambda *given: name != 'tick' and self.calls.append((name, *given))

    def of(self, name: str) -> list[tuple]:
        return [given for called, *given in self.calls if called == name]


def run(folder: Path, launcher: MadeUp, watch: object = None, **given: object) -> Outcome:
    return Run(STUDY, folder, launcher, watch or Heard(), **given)()


def told(**changes: object) -> dict:
    """The manifest of a run of the study."""
    return {
        **{'study': 'told', 'digest': STUDY.digest, 'settings': ['a=1'], 'costs': COSTS, 'test_sizes': {'digits': 360}},
        **{'platform': 'abacus', 'strategy': 'map', 'lanes': LANES['map'], ENTRY: NOW, 'pack_seconds': MadeUp.pack_seconds},
        **{'sets': SETS, 'giveaways': GIVEAWAYS, 'looks': [], 'test_reads': {'digits': 2, 'recall': 2}},
        **changes,
    }


def test_the_manifest_of_a_run_is_what_its_first_worker_told_and_what_was_asked(tmp_path: Path):
    ended = run(tmp_path, Telling(STUDY, World()), settings=['a=1'])
    assert ended.manifest == manifest.load(tmp_path) == told() and ended.failures == {} and ended.schedule.complete
    assert len(ended.records) == len(ended.schedule.trials) == 12


def test_how_packs_run_stays_as_it_was_and_all_else_is_told_anew(tmp_path: Path):
    run(tmp_path, Telling(STUDY, World()), settings=['a=1'])
    sorted((tmp_path / 'records').iterdir())[0].unlink()
    manifest.update(tmp_path, digest='another', looks=[1])
    later = Telling(STUDY, World())
    later.platform, later.more, later.pack_seconds = 'quipu', {}, SECONDS + 1
    ended = run(tmp_path, later)
    changed = {'settings': [], 'test_sizes': {}, 'giveaways': {}, 'pack_seconds': SECONDS + 1, 'looks': [1]}
    reads = ended.manifest['test_reads']
    assert ended.manifest == manifest.load(tmp_path) == told(**changed, test_reads=reads)
    assert sum(reads.values()) in (4, 5), 'a test run that is trained again is one more read'


def test_packs_of_launchers_that_take_long_to_start_a_worker_have_as_many_lanes_as_run_together(tmp_path: Path):
    slow = Telling(STUDY, World())
    slow.pack_seconds, slow.more = SECONDS + 1, {}
    assert run(tmp_path / 'slow', slow, settings=['a=1']).manifest == {
        name: value
        for name, value in told(lanes=LANES['vmap'], pack_seconds=SECONDS + 1, test_sizes={}).items()
        if name not in ('sets', 'giveaways')
    }
    even = Telling(STUDY, World())
    even.pack_seconds = SECONDS
    assert run(tmp_path / 'even', even).manifest['lanes'] == LANES['map'] != LANES['vmap']


def test_a_folder_of_older_rules_keeps_them(tmp_path: Path):
    run(tmp_path, Telling(STUDY, World()))
    old = {name: value for name, value in manifest.load(tmp_path).items() if name != ENTRY}
    sorted((tmp_path / 'records').iterdir())[0].unlink()
    manifest.save(tmp_path, {**old, 'digest': 'another'})
    assert ENTRY not in run(tmp_path, Telling(STUDY, World())).manifest


def test_what_a_run_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('sweeps.run.small_splits', lambda resolved: 'test splits are small')
    watch, launcher = Heard(), Telling(STUDY, World())
    monkeypatch.setattr(launcher, 'idle', lambda: 0.5)
    ended = run(tmp_path, launcher, watch)
    assert watch.calls[0] == ('note', 'checking every model of the study')
    assert watch.of('tell') == [
        ['test splits are small'],
        ["set 'mine': x tells y; z tells y"],
        ['workers had nothing to do for 50.0% of their time'],
    ]
    first, last = watch.of('scheduled')[0], watch.of('scheduled')[-1]
    assert not [trial for trial in first[0].trials if trial.phase == 'confirm'] and last[0].complete
    assert last[1] == ended.records and last[2] == ended.manifest
    packs = [item.id for (item,) in watch.of('started')]
    assert len(packs) == len(set(packs)) == len(launcher.submissions) and packs == launcher.submissions
    fresh = [record['id'] for _, records in watch.of('finished') for record in records]
    assert sorted(fresh) == sorted(ended.records) and {item.id for item, _ in watch.of('finished')} == set(packs)


def test_the_steps_of_a_run_stand_in_its_journal(tmp_path: Path):
    launcher = Telling(STUDY, World())
    run(tmp_path, launcher)
    lines = [json.loads(line) for line in (tmp_path / journal.FILE).read_text().splitlines()]
    assert [line['event'] for line in (lines[0], lines[-1])] == ['began', 'ended'] and lines[-1]['why'] == ''
    assert (lines[0]['launcher'], lines[0]['queue']) == ('telling', False)
    assert {line['event'] for line in lines[1:-1]} == {'submitted'} and all(line['packs'] for line in lines[1:-1])
    assert [name for line in lines[1:-1] for name in line['packs']] == launcher.submissions


def test_what_a_run_took_is_known_to_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    saved = []
    monkeypatch.setattr(Pace, 'save', lambda self: saved.append(self.platform))
    run(tmp_path, Telling(STUDY, World()))
    assert saved == ['abacus']
    monkeypatch.setattr(Telling, 'alive', lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / 'other', Telling(STUDY, World()))
    assert saved == ['abacus', 'abacus'], 'also where it ends by an error'


def test_sets_of_which_records_have_another_version_are_named_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ['one', 'two', 'three', 'four', 'five']
    monkeypatch.setattr('sweeps.run.sets_of', lambda data: names)
    first = Telling(STUDY, World())
    first.more = {'sets': {**dict.fromkeys(names, 'old'), 'same': 'old'}}
    run(tmp_path, first)
    sorted((tmp_path / 'records').iterdir())[0].unlink()
    manifest.update(tmp_path, digest='another')
    later = Telling(STUDY, World())
    later.more = {'sets': {**dict.fromkeys(names, 'new'), 'same': 'old', 'more': 'new'}}
    told = ', '.join(f"'{name}' (its digest is new, and was old)" for name in sorted(names))
    with pytest.raises(ValueError, match=re.escape(f'recorded with another version of the prepared set {told}; prepare that')):
        run(tmp_path, later)


def test_packs_of_the_task_that_takes_longest_come_first_and_of_these_the_longest(monkeypatch: pytest.MonkeyPatch):
    def item(name: str, task: str, count: int, program: str) -> SimpleNamespace:
        return SimpleNamespace(id=name, program=SimpleNamespace(id=program, task=task), trials=[name] * count)

    packs = [
        *(item('a', 'digits', 2, 'slow'), item('b', 'digits', 9, 'fast'), item('c', 'recall', 3, 'middle')),
        *(item('d', 'recall', 4, 'middle'), item('e', 'digits', 1, 'slow'), item('f', 'digits', 9, 'slow')),
    ]
    took = {'slow': 0.5, 'fast': 0.1, 'middle': 0.3}
    monkeypatch.setattr('sweeps.run.pack', lambda *given: packs)
    told = SimpleNamespace(
        **{'study': STUDY, 'manifest': {}, 'submitted': {'f': packs[-1]}, 'cancelled': [], '_flops': lambda item: None},
        committed=SimpleNamespace(lacks=lambda item: True),
        pace=SimpleNamespace(trial_seconds=lambda program, flops: took[program.id]),
    )
    planned = SimpleNamespace(trials=[])
    assert [one.id for one in Run._wanted(told, planned)] == ['a', 'b', 'e', 'd', 'c']
    took['middle'] = 0.6
    assert [one.id for one in Run._wanted(told, planned)] == ['d', 'c', 'a', 'b', 'e']
    told.cancelled, took['middle'] = [packs[3]], 0.5
    assert [one.id for one in Run._wanted(told, planned)] == ['a', 'b', 'e', 'c'], 'in the order of the study'


def test_who_is_gone_is_tidied_away_when_a_run_begins_and_when_it_ends(tmp_path: Path):
    def silent(name: str) -> Path:
        path = tmp_path / presence.FOLDER / f'{name}@node-1.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({'name': name, 'host': 'node', 'pid': 1, 'since': 1.0}))
        os.utime(path, (1.0, 1.0))
        return path

    before = silent('before')
    with Run._told(SimpleNamespace(launcher=MadeUp(STUDY, World()), folder=tmp_path)):
        assert not before.exists()
        meanwhile = silent('meanwhile')
    assert not meanwhile.exists()


def test_packs_that_were_taken_out_of_the_queue_are_told_together(tmp_path: Path):
    watch, lost = Heard(), []
    packs = {name: SimpleNamespace(id=name) for name in 'abc'}
    told = SimpleNamespace(
        **{
            'submitted': dict(packs),
            'cancelled': [],
            'folder': tmp_path,
            'watch': watch,
            '_to_look_at': lambda alive: list('abc'),
        },
        launcher=SimpleNamespace(alive=lambda: set(), cancelled=lambda name: name != 'b'),
        committed=SimpleNamespace(has=lambda name: False),
        _lost=lambda name, item: lost.append((name, item)),
    )
    Run._collect(told)
    said = '2 packs were taken out of the queue by hand; they are not submitted again in this run'
    assert watch.calls == [('tell', said)] and told.cancelled == [packs['a'], packs['c']] and told.submitted == {}
    assert lost == [('b', packs['b'])] and journal.account(tmp_path).cancelled == {'a', 'c'}


def test_what_a_lost_pack_took_is_told_to_a_tenth_of_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(presence, 'forget', lambda run, name: 12.3456)
    told = SimpleNamespace(folder=tmp_path, reached={}, losses=Counter(), waiting=['another'])
    item = SimpleNamespace(id='p')
    Run._lost(told, 'p-2', item)
    assert told.waiting == [item, 'another'] and told.losses == {'p': 1}, 'it comes first'
    (line,) = map(json.loads, (tmp_path / journal.FILE).read_text().splitlines())
    assert (line['event'], line['pack'], line['seconds']) == ('lost', 'p-2', 12.3)
