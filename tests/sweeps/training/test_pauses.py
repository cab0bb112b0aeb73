"""Pauses: runs that stop at a share of their steps, and go on as if nothing had been."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_checkpoints import Stopped, Stopping
from tiny_population import STEPS, TASK, TinyPopulation, same_bits

from ablations.trial import TUNING, Program, Trial
from sweeps.tasks.arrays import Arrays
from sweeps.training.checkpoints import Checkpoints, Snapshot
from sweeps.training.pauses import Pauses
from sweeps.training.record import finished
from sweeps.training.saving import PAUSES, tidy_pauses

PROGRAM = Program('s', 'base', 'digits', 'digits', 'adamw', STEPS, 8, 2, {}, {})
STRIDE = STEPS // 2


def trials(count: int, until: int) -> list[Trial]:
    return [Trial(PROGRAM, 0, (('lr', 0.1),), seed, TUNING, 'tune', until) for seed in range(count)]


@pytest.mark.parametrize('strategy', ['loop', 'vmap', pytest.param('map', marks=pytest.mark.slow)])
def test_a_run_that_stops_and_goes_on_is_the_undisturbed_one(tiny: TinyPopulation, strategy: str, tmp_path: Path):
    norm = 'batch_norm' if strategy == 'loop' else 'layer_norm'
    population, lanes = tiny.population(strategy, norm=norm), [tiny.lane(1, 1e-2), tiny.lane(2, 1e38), tiny.lane(3, 3e-3)]

    def run(numbers: list[int], until: int, about: str = 'here', checkpoints: Checkpoints | None = None) -> list[dict]:
        asked = trials(3, until)
        pauses = Pauses(tmp_path, [asked[number] for number in numbers], about)
        chosen = [lanes[number] for number in numbers]
        ended = population.run(chosen, tiny.pool, tiny.held, checkpoints, None, None, pauses, until)
        return [result for result, _ in ended]

    # Of one lane the loop alone has a program.
    third = [2] if strategy == 'loop' else [2, 2]
    whole, began = tiny.run(strategy, lanes, population=population), []
    first = run([0, 1, 2], 4)
    for short, long in zip(first, whole, strict=True):
        assert [len(values) for values in short['curve'].values()] == [2] * 4, 'scored at first and at the stop'
        assert np.isnan(short['items']).all() and short['left_at'] == (long['left_at'] if long['left_at'] < 4 else -1)
        assert short['curve']['loss'][0] == long['curve']['loss'][0]
    curve = first[2]['curve']
    assert curve['train_loss'][1] == pytest.approx(curve['loss'][0], rel=0.1), 'the mean of the four steps so far'
    # Other lanes than before run together, after one of them stopped a second time, past a point of the curve.
    middle = run(third, STRIDE + 2)
    assert [len(values) for values in middle[0]['curve'].values()] == [3] * 4
    assert same_bits(middle[0]['curve']['loss'][:2], whole[2]['curve']['loss'][:2])
    after = Pauses(tmp_path, trials(3, 0), 'here')
    assert [after.load([number])[0].step for number in (0, 2)] == [4, STRIDE + 2]
    assert after.load([0, 2]) is None, 'those that run together go on from one step'
    stopping = Stopping(tmp_path, 'pack', 'here', steps=2)
    stopping.left = 2
    if strategy == 'loop':
        with pytest.raises(Stopped):
            run([2], 0, checkpoints=stopping)
    advance = population.programs().advance
    population.programs().advance = lambda *given: began.append(given[-2]) or advance(*given)
    try:
        assert same_bits(run([1, 0], 0), [whole[1], whole[0]]) and began[0] == 4
        if strategy != 'loop':
            return
        again = Checkpoints(tmp_path, 'pack', 'here', steps=2)
        assert same_bits(run([2], 0, checkpoints=again), [whole[2]])
        again.clear()
        began.clear()
        assert same_bits(run([0], 0, about='elsewhere'), [whole[0]]) and began[0] == 0
        # A damaged pause is not used.
        (place,) = (tmp_path / PAUSES).glob(f'{trials(1, 0)[0].id}-*')
        for file in (file for file in place.rglob('*') if file.is_file() and file.stat().st_size > 200):
            file.write_bytes(file.read_bytes()[:100])
        began.clear()
        assert same_bits(run([0], 0), [whole[0]]) and began[0] == 0
    finally:
        population.programs().advance = advance
    after.clear()
    assert list((tmp_path / PAUSES).iterdir()) == []


def test_the_record_of_a_run_that_stops_has_no_score(tiny: TinyPopulation):
    result = {
        'curve': {
            'loss': np.array([2.3, 2.2]),
            'score': np.array([0.1, 0.3]),
            'score_se': np.array([0.01, 0.02]),
            'train_loss': np.array([2.3, 2.4]),
        },
        'items': np.full(1, np.nan),
        'left_at': -1,
    }
    held = Arrays(tiny.held['x'], tiny.held['y'], np.arange(len(tiny.held['y'])))
    (trial,) = trials(1, 4)
    made = finished(trial, result, held, {}, {}, ('a', 'b'), (('a', 0, 4), ('b', 4, 12)))
    assert (made['status'], made['score'], made['score_se'], made['score_until']) == ('stopped', None, None, 0.3)
    assert (made['until'], made['steps'], made['evaluations'], made['curve']['step']) == (4, STEPS, 2, [0, 4])
    assert 'parts' not in made and 'turns' not in made and made['final_loss'] == 2.2
    lost = finished(trial, {**result, 'left_at': 3}, held, {}, {})
    assert (lost['status'], lost['diverged_at'], lost['score_until']) == ('diverged', 3, None)
    assert TASK.NAME == 'digits' and trial.id != trial.whole().id == trials(1, 0)[0].id


@pytest.mark.parametrize(('until', 'goes_on'), [(3, False), (4, False), (5, True), (0, True)])
def test_a_run_goes_on_from_a_pause_before_its_own_stop_alone(tmp_path: Path, until: int, goes_on: bool):
    Pauses(tmp_path, trials(1, 4), 'here').save(0, Snapshot([], [np.zeros(2)], [], 4, 1, 0.5))
    asked = Pauses(tmp_path, trials(2, until), 'here')
    assert (asked.load([0]) is not None) == goes_on
    assert asked.load([0, 1]) is None, 'the other has none'
    asked.clear()
    assert len(list((tmp_path / PAUSES).iterdir())) == (0 if until == 0 else 1), 'a run to its end needs it no more'


@pytest.mark.parametrize(
    ('steps', 'processes', 'goes_on'),
    [
        ({0: 4, 1: 4}, 1, True),
        ({0: STEPS - 1, 1: STEPS - 1}, 1, True),
        ({0: STEPS, 1: STEPS}, 1, False),
        ({0: 4, 1: 5}, 1, False),
        ({0: 4}, 1, False),
        ({0: 4, 1: 4}, 2, False),
        ({0: 4, 1: None}, 1, False),
        ({}, 1, False),
    ],
)
def test_lanes_go_on_from_pauses_of_one_step_before_their_end(
    tmp_path: Path, monkeypatch, steps, processes: int, goes_on: bool
):
    pauses = Pauses(tmp_path, trials(2, 0), 'here')
    for lane, step in steps.items():
        pauses._place(lane).mkdir(parents=True)
        if step is not None:
            tree = Snapshot([], [np.arange(2.0)], [], step, 1, 0.5).to_tree()
            (pauses._place(lane) / 'step').write_bytes(pickle.dumps(tree))

    def read_tree(folder: Path) -> dict:
        if not (folder.parent / 'step').exists():
            raise ValueError('no sound checkpoint')
        return pickle.loads((folder.parent / 'step').read_bytes())

    monkeypatch.setattr('sweeps.training.pauses.read_tree', read_tree)
    monkeypatch.setattr('sweeps.training.pauses.jax.process_count', lambda: processes)
    loaded = pauses.load([0, 1])
    assert (loaded is not None) is goes_on
    if goes_on:
        assert [(one.step, one.spent) for one in loaded] == [(steps[0], 0.5)] * 2


def test_pauses_of_runs_that_stop_again_stay(tmp_path: Path):
    whole, stopping = trials(2, 0)[0], trials(2, 4)[1]
    pauses = Pauses(tmp_path, [whole, stopping], 'here')
    for lane in range(2):
        pauses._place(lane).mkdir(parents=True)
    pauses.clear()
    assert [pauses._place(lane).exists() for lane in range(2)] == [False, True]
    other = Pauses(tmp_path, [whole, stopping], 'elsewhere')
    assert other._place(0) != pauses._place(0) and other._place(0).name.startswith(f'{whole.id}-')
    assert Pauses(tmp_path, trials(2, 4), 'here')._place(0) == pauses._place(0), 'a run has one pause, whatever its stop'


def test_pauses_from_which_nothing_goes_on_are_removed(tmp_path: Path):
    def trial(name: str, task: str, until: int) -> SimpleNamespace:
        return SimpleNamespace(id=name, arm='base', task=task, replicate=0, until=until, whole=lambda: SimpleNamespace(id=name))

    planned = [trial('a', 'digits', 4), trial('b', 'digits', 4), trial('c', 'recall', 4), trial('d', 'digits', 0)]
    asked = {('confirm', 'base', 'recall', 0): (), ('tune', 'base', 'digits', 0): ()}
    schedule = SimpleNamespace(trials=planned, asked=asked)
    tidy_pauses(tmp_path, schedule, {'b'})
    for name in ('a-here', 'b-here', 'c-here', 'd-here', 'e-here', '.a-being_written'):
        (tmp_path / PAUSES / name).mkdir(parents=True)
    tidy_pauses(tmp_path, schedule, {'b'})
    assert sorted(path.name for path in (tmp_path / PAUSES).iterdir()) == ['.a-being_written', 'a-here']
    (tmp_path / PAUSES / '.a-being_written').rmdir()
    tidy_pauses(tmp_path, schedule, {'a', 'b'})
    assert not (tmp_path / PAUSES).exists()
