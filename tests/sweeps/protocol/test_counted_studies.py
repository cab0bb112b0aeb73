"""Studies of a calibration: which cells are asked for, how many studies of each, under which numbers, in how many processes."""

import contextlib
import dataclasses
import json
import math
import os
import types

import numpy as np
import pytest

from results.calibration import shortfalls
from sweeps.protocol import calibrate, tally
from sweeps.protocol.calibrate import conclusions_of
from sweeps.protocol.cells import PARTS, Cell
from sweeps.protocol.simulate import Hill, World
from sweeps.protocol.world_studies import Conclusion, conclusion_of
from sweeps.protocol.worlds import ARMS, MORE, WORLDS


@pytest.mark.slow
def test_tuned_procedures_are_made_worth_the_same():
    world = World(hills={'second': Hill(height=0.5, curvature=4.0)})
    added = calibrate.levels_of(world, 20)
    assert added['second'] < -0.4 and added.keys() <= {*ARMS, *MORE}
    conclusions = conclusions_of(dataclasses.replace(world, top=added), 20, 1000)
    effects = [seen.effects['second'] for seen in conclusions]
    assert abs(np.mean(effects)) < 5 * np.std(effects) / math.sqrt(20)
    assert calibrate.levels_of(WORLDS['plain'], 20) == {}


def test_studies_are_the_same_in_one_process_and_in_several():
    small = {'trials': 4, 'replicates': 2, 'arms': 2}
    alone = [conclusion_of(number, WORLDS['quiet'], small) for number in range(22)]
    assert conclusions_of(WORLDS['quiet'], 22, fields=small) == alone
    with calibrate._crew() as crew:
        assert conclusions_of(WORLDS['quiet'], 22, fields=small, crew=crew) == alone


def test_studies_are_added_to_those_that_are_known(monkeypatch):
    """In the order of their numbers, whatever the number of calls."""
    monkeypatch.setattr(calibrate, 'cores', lambda: 1)
    monkeypatch.setitem(PARTS, 'forms', {'small': Cell('quiet', WORLDS['quiet'], {'trials': 4, 'replicates': 2, 'arms': 2})})
    *_, whole = calibrate.calibrate(5, ['small'])
    *_, few = calibrate.calibrate(2, ['small'])
    *_, facts = calibrate.calibrate(5, ['small'], json.loads(json.dumps(few)))
    assert facts == whole and facts['cells']['forms']['small']['studies'] == 5
    monkeypatch.setattr(calibrate, 'conclusions_of', None)
    assert all(again == whole for again in calibrate.calibrate(5, ['small'], facts))


def test_too_many_false_words_are_counted_again(monkeypatch):
    monkeypatch.setattr(calibrate, 'cores', lambda: 1)
    loud = Cell('lost', World(top={'second': 9.0}), {'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1})
    monkeypatch.setitem(PARTS, 'forms', {'unlike': loud})
    *_, facts = calibrate.calibrate(2, ['unlike'])
    told = facts['cells']['forms']['unlike']
    assert told['false'] == 2 and (told['again']['studies'], told['again']['false']) == (8, 8)
    assert '8 of 8 studies' in shortfalls(facts)[0]


def test_an_unknown_world_is_said_with_the_likely_one():
    with pytest.raises(ValueError, match=r"unknown world 'plian'.*Did you mean 'plain'"):
        list(calibrate.calibrate(20, ['plian']))


@pytest.mark.parametrize(
    ('hills', 'own', 'added'),
    [
        ({}, {'second': 9.0}, {}),
        ({'second': Hill()}, {'second': 0.5, 'third': 0.25}, {'second': -0.5, 'third': -0.25}),
        ({'base': Hill()}, {'base': 0.5}, dict.fromkeys((*ARMS[1:], *MORE), 0.5)),
    ],
)
def test_tops_are_raised_until_tuned_arms_are_worth_the_same(monkeypatch, hills: dict, own: dict, added: dict):
    """Further arms are raised as an arm without a hill of its own is."""
    asked = []

    def seen(world: World, studies: int, first: int, crew: object) -> list:
        asked.append((studies, first))
        values = {arm: [own.get(arm, 0.0) + world.top.get(arm, 0.0)] * 2 for arm in ARMS}
        return [types.SimpleNamespace(values=values)] * 2

    monkeypatch.setattr(calibrate, 'conclusions_of', seen)
    assert calibrate.levels_of(World(hills=hills), 7) == pytest.approx(added)
    assert asked == ([(7, 10_000_000), (7, 20_000_000)] if hills else [])


def test_cells_are_asked_for_by_their_name_or_by_that_of_their_world():
    everything = calibrate.wanted(None)
    assert {part for part, _ in everything} == {'cover', 'forms', 'found', 'published'}, 'not those that are halved'
    assert calibrate.wanted(['six tasks']) == [('forms', 'six tasks')]
    edge = calibrate.wanted(['edge'])
    assert edge and all(PARTS[part][name].name == 'edge' for part, name in edge)
    assert {part for part, _ in calibrate.wanted(['curves'])} == {'halved'}
    assert set(calibrate.wanted(['edge', 'six tasks'])) == {*edge, ('forms', 'six tasks')}


def test_studies_of_another_protocol_are_not_added_to():
    for known, said in (({}, '1 or 2'), ({calibrate.ENTRY: 3 if calibrate.NOW != 3 else 4}, r'\d')):
        if not known:
            known = {'levels': {}}
        with pytest.raises(ValueError, match=rf'counted under protocol {said}, this is protocol {calibrate.NOW}; give another'):
            next(calibrate.calibrate(1, ['six tasks'], known))


@pytest.mark.parametrize(
    ('part', 'wrong', 'promised', 'more'),
    [
        ('forms', 0, True, []),
        ('cover', 0, True, [(25, 30_000_000)]),
        ('forms', 250, True, [(100, 90_000_000 + 100 * n) for n in range(10)]),
        ('forms', 250, False, []),
    ],
)
def test_studies_are_counted_a_hundred_at_a_time_and_others_have_numbers_of_their_own(monkeypatch, part, wrong, promised, more):
    """A tenth as many with a planted loss, and four times as many again where too many said a false word."""
    asked = []
    monkeypatch.setattr(
        calibrate, 'conclusions_of', lambda world, studies, first, *_: asked.append((studies, first)) or [None] * studies
    )
    counted = {'false': wrong}
    monkeypatch.setattr(
        tally, 'add', lambda told, cell, study, seen: told.update(studies=told['studies'] + len(seen), **counted)
    )
    cell = Cell('quiet', WORLDS['quiet'], {'trials': 4, 'replicates': 2, 'arms': 2}, promised=promised)
    monkeypatch.setitem(PARTS, part, {'small': cell})
    facts = {'levels': {'quiet': {}}, 'cells': {}}
    *_, told = calibrate.Calibration(250, facts).run(part, 'small')
    assert asked == [(100, 70_000_000), (100, 70_000_100), (50, 70_000_200), *more]
    own = told['cells'][part]['small']
    assert own['studies'] == 250
    assert {name: own[name]['studies'] for name in ('power', 'again') if name in own} == (
        {'power': 25} if part == 'cover' else {'again': 1000} if more else {}
    )


@pytest.mark.parametrize('cores', [1, 2])
def test_a_crew_has_a_thread_for_each_core_and_leaves_the_environment_as_it_was(monkeypatch, cores: int):
    monkeypatch.setattr(calibrate, 'cores', lambda: cores)
    monkeypatch.setattr(
        calibrate.concurrent.futures, 'ProcessPoolExecutor', lambda count, _: contextlib.nullcontext(f'{count} processes')
    )
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    monkeypatch.delenv('MKL_NUM_THREADS', raising=False)
    with calibrate._crew() as crew:
        assert crew == (None if cores == 1 else '2 processes')
        assert os.environ['OMP_NUM_THREADS'] == ('7' if cores == 1 else '1')
    assert os.environ['OMP_NUM_THREADS'] == '7' and 'MKL_NUM_THREADS' not in os.environ


@pytest.mark.parametrize(
    ('planted', 'verdicts', 'hits'),
    [
        ({}, ('equivalent', 'undecided', 'better'), [1, 3]),
        ({'second': 3.0}, ('better', 'worse', 'undecided'), [1, 3]),
        ({'second': -3.0}, ('worse', 'worse', 'better'), [2, 3]),
    ],
)
def test_what_studies_said_is_added_up(planted: dict, verdicts: tuple, hits: list):
    """A planted effect is found where it is claimed in its direction; where nothing is planted, equivalence is the truth."""
    cell = Cell('quiet', WORLDS['quiet'], {'arms': 2}, planted=planted)
    study = calibrate.study_of(0, cell.world, **cell.fields)
    (arm,), name = study.arms.keys() - {study.base}, study.tasks[0].name
    truth = cell.effects(study)[arm, name]
    about = {'claims': {}, 'overall': {}, 'effects': {arm: truth}, 'values': {}, 'factorial': (), 'bare': (arm,)}

    def one(verdict: str, number: int) -> Conclusion:
        return Conclusion(
            words={(arm, name): (verdict, False)},
            intervals={arm: (truth - 1, truth + 1) if number else (truth + 1, truth + 2)},
            regrets=[(0.5, 1.0), (0.25, 2.0)],
            censored=number == 0,
            extended=number > 0,
            trials=10.5 + number,
            replicates=3.0,
            usual=(arm,) if number == 2 else (),
            **about,
        )

    told, seen = tally.new(cell), [one(verdict, number) for number, verdict in enumerate(verdicts)]
    tally.add(told, cell, study, seen[:1])
    tally.add(told, cell, study, seen[1:])
    assert told['found'] == hits and told['regret'] == [2.25, 9.0, 6] and list(told['sources'].values()) == [3]
    counts = ('studies', 'usual', 'uncorrected', 'censored', 'extended', 'runs', 'replicates')
    assert [told[count] for count in counts] == [3, 1, 3, 1, 2, 34.5, 9.0]
    assert told['held'] == {arm: [2, 3]}
