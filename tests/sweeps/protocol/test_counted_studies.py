"""Studies of a calibration: which cells are asked for, how many studies of each, under which numbers, in how many processes."""

import contextlib
import dataclasses
import json
import math
import os
import types

import numpy as np
import pytest

from results.calibration import limit, shortfalls
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
    with pytest.raises(ValueError, match=r"unknown world 'plian'.*Did you mean 'plain'") as told:
        list(calibrate.calibrate(20, ['plian']))
    worlds = sorted({cell.name for cells in PARTS.values() for cell in cells.values()})
    assert f"'plian'; allowed: {worlds}, or one of their cells." in str(told.value)


def test_no_studies_have_no_conclusions():
    assert conclusions_of(WORLDS['quiet'], 0) == [] == conclusions_of(WORLDS['quiet'], 0, 5, {'arms': 2}, (3,))


@pytest.mark.parametrize(('studies', 'power'), [(5, 1), (10, 1), (20, 2)])
def test_a_calibration_tells_how_far_it_is_and_keeps_the_order_of_its_cells(monkeypatch, studies: int, power: int):
    """Whatever cell was asked for first; at least one study has a planted loss."""
    monkeypatch.setattr(calibrate, 'cores', lambda: 1)
    monkeypatch.setattr(calibrate, 'conclusions_of', lambda world, count, *_: [None] * count)
    shapes = []
    monkeypatch.setattr(
        tally,
        'add',
        lambda told, cell, study, seen: shapes.append(len(study.arms)) or told.update(studies=told['studies'] + len(seen)),
    )
    small = {'trials': 4, 'replicates': 2, 'arms': 2}
    cells = {name: Cell('quiet', WORLDS['quiet'], small) for name in ('one', 'two', 'three')}
    monkeypatch.setitem(PARTS, 'cover', cells)
    told, known = [], {calibrate.ENTRY: calibrate.NOW, 'levels': {'plain': {'second': 0.5}}}
    *_, facts = calibrate.calibrate(studies, ['three'], known, lambda name, count: told.append((name, count)))
    assert told == [('quiet: what arms are worth', 0), ('three', studies), ('three, a planted loss', power)]
    *_, facts = calibrate.calibrate(studies, ['one'], facts, lambda name, count: told.append((name, count)))
    assert told[3:] == [('one', studies), ('one, a planted loss', power)], 'what arms are worth is known'
    assert facts['levels'] == {'plain': {'second': 0.5}, 'quiet': {}} and list(facts['cells']['cover']) == ['one', 'three']
    assert known['levels'] == {'plain': {'second': 0.5}}, 'what was given stays as it was'
    assert set(shapes) == {2}, 'the example is one of the studies'


def test_as_many_false_words_as_are_allowed_are_not_counted_again(monkeypatch):
    monkeypatch.setattr(calibrate, 'conclusions_of', lambda world, studies, *_: [None] * studies)
    for more in (0, 1):

        def add(told: dict, cell: Cell, study: object, seen: list, false: int = limit(100) + more) -> None:
            told.update(studies=told['studies'] + len(seen), false=false)

        monkeypatch.setattr(tally, 'add', add)
        monkeypatch.setitem(
            PARTS, 'forms', {'small': Cell('quiet', WORLDS['quiet'], {'trials': 4, 'replicates': 2, 'arms': 2})}
        )
        *_, told = calibrate.Calibration(100, {'levels': {'quiet': {}}, 'cells': {}}).run('forms', 'small')
        assert ('again' in told['cells']['forms']['small']) == bool(more)


def test_the_tally_of_no_studies_says_what_is_counted():
    cell = Cell('quiet', World(about='calm'), promised=False, curved=False)
    counts = (
        'studies false difference equivalence unstable overall factorial usual uncorrected censored extended runs replicates'
    )
    assert tally.new(cell) == {
        **{'world': 'quiet', 'about': 'calm', 'promised': False, 'curved': False},
        **dict.fromkeys(counts.split(), 0),
        **{'held': {}, 'found': [0, 0], 'regret': [0.0, 0.0, 0], 'sources': {}},
    }


@pytest.mark.parametrize(
    ('hills', 'own', 'added'),
    [
        ({}, {'second': 9.0}, {}),
        ({'second': Hill()}, {'second': 0.5, 'third': 0.25}, {'second': -0.5, 'third': -0.25}),
        ({'base': Hill()}, {'base': 0.5}, dict.fromkeys((*ARMS[1:], *MORE), 0.5)),
        (dict.fromkeys(ARMS, Hill()), {'second': 1 / 3}, {'second': -0.333333}),
    ],
)
def test_tops_are_raised_until_tuned_arms_are_worth_the_same(monkeypatch, hills: dict, own: dict, added: dict):
    """Further arms are raised as an arm without a hill of its own is."""
    asked, tops = [], []

    def seen(world: World, studies: int, first: int, crew: object) -> list:
        asked.append((studies, first))
        tops.append(dict(world.top))
        values = {arm: [own.get(arm, 0.0) + world.top.get(arm, 0.0)] * 2 for arm in ARMS}
        return [types.SimpleNamespace(values=values)] * 2

    monkeypatch.setattr(calibrate, 'conclusions_of', seen)
    assert calibrate.levels_of(World(hills=hills, top={'fifth': 0.0}), 7) == pytest.approx(added, abs=1e-12)
    # At first all arms as they are, then with what they lacked.
    assert tops[:1] == ([dict.fromkeys(ARMS, 0.0)] if hills else []) and all(set(top) == set(ARMS) for top in tops)
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
    heard = []
    *_, told = calibrate.Calibration(250, facts, told=lambda *said: heard.append(said)).run(part, 'small')
    assert asked == [(100, 70_000_000), (100, 70_000_100), (50, 70_000_200), *more]
    other = 'small, a planted loss' if part == 'cover' else 'small, again'
    counts = [sum(studies for studies, _ in more[: place + 1]) for place in range(len(more))]
    assert heard == [('small', 100), ('small', 200), ('small', 250), *((other, count) for count in counts)]
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


def test_what_arms_are_worth_is_measured_by_the_crew_too(monkeypatch: pytest.MonkeyPatch):
    crews = []
    monkeypatch.setattr(calibrate, 'levels_of', lambda world, crew: crews.append(crew) or {'second': 0.5})
    monkeypatch.setattr(
        calibrate, 'conclusions_of', lambda world, studies, first, fields, after, crew: crews.append(crew) or []
    )
    monkeypatch.setattr(tally, 'add', lambda told, *_: told.update(studies=5))
    monkeypatch.setitem(PARTS, 'forms', {'small': Cell('quiet', WORLDS['quiet'], {'arms': 2})})
    *_, facts = calibrate.Calibration(5, {'levels': {}, 'cells': {}}, 'all of us').run('forms', 'small')
    assert crews == ['all of us'] * 2 and facts['levels'] == {'quiet': {'second': 0.5}}
