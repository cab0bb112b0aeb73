"""Progress: what a run shows on a terminal and elsewhere."""

import dataclasses
import io

import pytest
from rich.console import Console

from ablations.studies import STUDIES
from sweeps.progress import Watch, clock, expected_trials
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record
from sweeps.training.record import describe

STUDY = STUDIES['quickstart']


def shown(terminal: bool) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=100)
    with Watch(STUDY, console) as watch:
        watch.said -= 100  # as if nothing had been said for long
        watch.note('checking every model of the study')
        found = schedule(STUDY, {}, {})
        watch.scheduled(found, {}, {})
        item = pack(STUDY, found.trials, {})[0]
        watch.started(item)
        watch.said -= 100
        watch.finished(item, [{**describe(t), **simulated_record(STUDY, World(), t, 0)} for t in item.trials])
        watch.started(item)
        watch.tick()
    return screen.getvalue()


def test_both_show_trials_packs_lanes_time_and_the_best():
    said = ('checking every model', 'trials', '1 packs done', '1 running (10 lanes)', 'left', 'best tuning score so far')
    for terminal in (True, False):
        text = ' '.join(shown(terminal).split())
        for words in said:
            assert words in text, (terminal, words)


def test_what_is_foreseen_is_never_less_than_what_is_scheduled():
    assert expected_trials(STUDY, schedule(STUDY, {}, {})) > len(schedule(STUDY, {}, {}).trials)
    found, _ = simulate(STUDY, World(), 0)
    assert expected_trials(STUDY, found) == len(found.trials)


@pytest.mark.parametrize(
    'fields',
    [
        {},
        {'base_factor': 2},
        {'base_factor': 2, 'replicates': 3, 'looks': (1, 3)},
        {'recipe': 'same'},
        {'search': 'tpe', 'trials': 12},
        {'search': 'tpe', 'trials': 12, 'looks': (1, 2)},
    ],
    ids=str,
)
@pytest.mark.parametrize('cliff', [2.0, -9.0], ids=['fine', 'lost'])
def test_what_is_foreseen_at_the_start_is_what_comes_where_nothing_is_extended(fields, cliff):
    """Confirmations of what always diverges are foreseen and never come."""
    study = dataclasses.replace(STUDY, **{'trials': 8, 'replicates': 2, 'extension': 0, 'looks': (), **fields})
    found, records = simulate(study, World(cliff=cliff), 0)
    foreseen, total = expected_trials(study, schedule(study, {}, {})), expected_trials(study, found)
    assert total == len(found.trials)
    assert foreseen == total if cliff > 0 else foreseen > total
    half = dict(list(records.items())[: len(records) // 2])
    assert total <= expected_trials(study, schedule(study, half, {})) <= foreseen


def test_extensions_that_are_decided_are_foreseen_for_later_looks():
    study = dataclasses.replace(STUDY, trials=8, replicates=4, looks=(2, 4))
    world = World(optimum=(1.3, 0.4), cliff=9.0, noise=0.01)
    found, records = simulate(study, world, 0)
    assert all(found.extended.values())
    early = {t.id: records[t.id] for t in found.trials if t.replicate < 2}
    assert expected_trials(study, schedule(study, early, {})) == len(found.trials)


def test_clock():
    assert [clock(7), clock(75), clock(3700)] == ['0 min 07 s', '1 min 15 s', '1 h 01 min']
