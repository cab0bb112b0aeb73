"""Tasks about episodes: the same ones in both forms, honest bits, controls, and what is refused."""

import dataclasses
import functools
import itertools
import types

import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS, Task
from ablations.tasks.decoders import sizes
from ablations.tasks.simulated_tasks import coming
from sweeps.tasks.probes.protein_families import ProteinFamilies
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints
from sweeps.tasks.simulators.episodes import Episodes
from sweeps.tasks.simulators.hidden_variable import HiddenVariable
from sweeps.tasks.simulators.next_observation import NextObservation
from sweeps.training.preflight import task_of

FEW = {'train': 200, 'held': 50}
SMALL = {
    'balls': {'kind': 'balls', 'size': 3, 'balls': 2, 'screen': 1, 'kick': 0.3},
    'doors': {'kind': 'doors', 'rows': 2, 'columns': 2, 'steady': 0.3, 'flip': 0.1},
}


@pytest.mark.parametrize('kind', SMALL)
@pytest.mark.parametrize('horizon', [1, 3])
def test_both_forms_have_the_same_episodes(kind: str, horizon: int):
    asked = {'simulator': SMALL[kind], 'events': 7, 'horizon': horizon, 'asked': 'last' if horizon > 1 else 'every', **FEW}
    pixels, symbols = (NextObservation(form=form, **asked) for form in ('pixels', 'symbols'))
    all_seen = np.array(list(itertools.product(np.unique(pixels.made.chain.seen), repeat=pixels.made.parts)))
    sentences = {tuple(row): number for number, row in enumerate(pixels.made.written(all_seen, 'symbols').tolist())}
    pictures = pixels.made.written(all_seen, 'pixels')
    for part in ('pool', 'test'):
        drawn, told = getattr(pixels, part)(), getattr(symbols, part)()
        np.testing.assert_array_equal(drawn.group, told.group)
        # The last token of all is asked and not given.
        sentence = np.concatenate([told.x, told.y[:, -1:]], 1).reshape(len(told.x) * 7, -1)
        picture = np.concatenate([drawn.x, drawn.y[:, -1:]], 1).reshape(len(drawn.x) * 7, -1)
        np.testing.assert_array_equal(pictures[[sentences[tuple(row)] for row in sentence.tolist()]], picture)
        for one, other in zip(pixels.split(drawn, 3), symbols.split(told, 3), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_hidden_variable_is_asked_of_the_same_episodes():
    asked = {'simulator': SMALL['doors'], 'events': 7, **FEW}
    hidden, coming = HiddenVariable(variable='mode', **asked).pool(), NextObservation(**asked).pool()
    np.testing.assert_array_equal(hidden.x[:, :-1], coming.x)
    np.testing.assert_array_equal(hidden.group, coming.group)
    assert (hidden.y.reshape(-1, 7, 4)[..., :3] == -1).all() and set(np.unique(hidden.y[:, 3::4])) == {0, 1}


def oracle(task: NextObservation, seen: np.ndarray) -> np.ndarray:
    """The scores that the exact filter gives to each token of episodes."""
    made = task.made
    all_seen = np.array(list(itertools.product(np.unique(made.chain.seen), repeat=made.parts)))
    spelled = made.written(all_seen, task.form)
    told = made.written(seen, task.form)
    scores = np.full((*told.shape, made.vocabulary[task.form]), 1 / made.vocabulary[task.form])
    belief = [np.where(made.chain.seen == seen[:, 0, part][:, None], made.chain.start, 0) for part in range(made.parts)]
    for event in range(1, task.events):
        steps = task.horizon if event == task.events - 1 else 1
        likely = np.ones((len(seen), len(all_seen)))
        for part in range(made.parts):
            moved = belief[part] @ np.linalg.matrix_power(made.chain.moves, steps)
            moved /= moved.sum(1, keepdims=True)
            share = np.stack([moved[:, made.chain.seen == value].sum(1) for value in range(made.chain.seen.max() + 1)], 1)
            likely *= share[:, all_seen[:, part]]
            belief[part] = np.where(made.chain.seen == seen[:, event, part][:, None], moved, 0)
        for place in range(spelled.shape[1]):
            for token in range(scores.shape[-1]):
                scores[:, event, place, token] = likely @ (spelled[:, place] == token)
            likely = likely * (spelled[:, place] == told[:, event, place, None])
    return np.log(np.maximum(scores.reshape(len(seen), -1, scores.shape[-1])[:, 1:], 1e-30))


@pytest.mark.parametrize('form', ['pixels', 'symbols'])
@pytest.mark.parametrize(('kind', 'horizon'), [('balls', 2), ('doors', 1)])
def test_who_knows_the_rules_scores_the_floor_in_either_form(kind: str, form: str, horizon: int):
    """The exact filter as a model of tokens: its bits add up to the floor, in pixels and in symbols."""
    asked = 'last' if horizon > 1 else 'every'
    task = NextObservation(SMALL[kind], form, events=6, horizon=horizon, asked=asked, **FEW)
    assert task.episodes.horizon == horizon
    seen = task.episodes.apart(task.episodes.test().x)
    scores, y = oracle(task, seen[:24]), task.test().y[:24]
    loss, metric = task.losses(jnp.asarray(scores, jnp.float32), jnp.asarray(y))
    floor = task.made.bits(seen, horizon)[:, -task.scored :].mean(1)
    np.testing.assert_allclose(metric * task.SCALE, floor[:24], atol=1e-3)
    np.testing.assert_array_equal(loss, metric)
    assert task.least_bits() == pytest.approx(floor.mean()) and floor.mean() < task.marginal_bits() - 0.3


def test_a_guess_among_all_observations_is_chance():
    for name in ('balls_symbols', 'doors_pixels'):
        task = task_of(TASKS[name].data)
        assert TASKS[name].chance == pytest.approx(np.log2(task.made.observations))
        assert task.least_bits() + 2 < task.marginal_bits() < TASKS[name].chance
    for name in ('balls_direction', 'doors_mode', 'doors_key'):
        assert TASKS[name].chance == pytest.approx(task_of(TASKS[name].data).chance(), abs=1e-9)


def test_a_later_horizon_is_harder_and_never_shows_the_events_between():
    floors = []
    for horizon in (1, 2, 4):
        task = NextObservation(events=6, horizon=horizon, asked='last', train=400, held=100)
        floors.append(task.least_bits(sealed=False))
        pool = task.pool()
        assert pool.x.shape == (500 + Episodes.SPARE, 6 * 4 - 1)
        assert (pool.y[:, : 5 * 4 - 1] == -1).all() and (pool.y[:, 5 * 4 - 1 :] >= 0).all()
    assert floors[0] + 0.5 < floors[1] and floors[1] + 1 < floors[2] < 8


def test_the_floor_of_the_sealed_episodes_is_that_of_the_pool():
    task = NextObservation(train=400, held=100)
    assert task.least_bits() == pytest.approx(task.least_bits(sealed=False), abs=0.2)


def test_where_nothing_is_linked_nothing_tells_of_anything():
    task = NextObservation(linked=False, **FEW)
    assert task.least_bits() == task.marginal_bits() == pytest.approx(8.36, abs=0.1)
    hidden = HiddenVariable(linked=False, **FEW)
    assert hidden.best_share() == pytest.approx(0.25, abs=0.03) and HiddenVariable(**FEW).best_share() > 0.85
    pool = hidden.pool()
    moved = np.diff(pool.x.reshape(-1, 8, 4)[:, :, 0], axis=1)
    assert (np.abs(moved) > 1).mean() > 0.3
    key = HiddenVariable({'kind': 'doors'}, variable='key', linked=False, **FEW).pool()
    lies = key.x.reshape(-1, 8, 4)[..., 2] < 5
    # Who sees the key lie would know that it is not held.
    assert 0.3 < key.y.reshape(-1, 8, 4)[..., 3][lies].mean() < 0.7


@pytest.mark.parametrize('name', ['balls_pixels', 'balls_symbols', 'doors_pixels', 'doors_symbols', 'doors_key'])
def test_declared_sizes_are_those_of_the_tokens(name: str):
    data = TASKS[name].data
    task, asked = task_of({**data, **FEW}), sizes(data)
    pool = task.pool()
    assert task.token_count() == asked.vocabulary == pool.x.max() + 1 and pool.x.shape[1] == asked.length
    assert pool.y.max() + 1 == asked.outputs


@pytest.mark.parametrize('form', ['pixels', 'symbols'])
@pytest.mark.parametrize('simulator', [{'kind': 'balls', 'size': 4, 'screen': 0}, {'kind': 'doors', 'columns': 3}])
def test_tasks_of_other_sizes_are_whole(simulator: dict, form: str):
    other = Task(name='other', **coming(simulator, form, events=7, steps=100, horizon=3, asked='last'))
    kind = task_of({**other.data, **FEW})
    assert other.chance == pytest.approx(np.log2(kind.made.observations)) and kind.horizon == 3
    x = kind.pool().x
    assert other.base['position']['length'] == x.shape[1] and other.base['stem']['vocabulary'] == x.max() + 1


def test_a_task_of_no_simulator_is_refused():
    with pytest.raises(ValueError, match=r"simulator {'kind': 'ball'}; allowed: .*\['balls', 'doors'\]"):
        coming({'kind': 'ball'}, 'pixels', events=7, steps=100)


BAD = [
    (NextObservation, {'form': 'words'}, r"form='words'; allowed: \['pixels', 'symbols'\]"),
    (NextObservation, {'events': 1}, r'events=1; allowed: 2 \(a past and what comes\) to 1000'),
    (NextObservation, {'events': 1001}, 'events=1001; allowed'),
    (NextObservation, {'horizon': 1001, 'asked': 'last'}, r'horizon=1001; allowed: 1 \(the next event\) to 1000'),
    (NextObservation, {'horizon': 0, 'asked': 'last'}, 'horizon=0'),
    (NextObservation, {'horizon': 2}, "horizon=2 with asked='every'.*allowed: asked='last'"),
    (NextObservation, {'asked': 'first'}, r"asked='first'; allowed: \['every', 'last'\]"),
    (NextObservation, {'train': 0}, 'train=0'),
    (NextObservation, {'simulator': {'kind': 'ball'}}, "simulator: unknown kind 'ball'.*Did you mean 'balls'"),
    (NextObservation, {'simulator': {'kind': 'balls', 'sise': 4}}, "unknown field 'sise'.*Did you mean 'size'"),
    (NextObservation, {'simulator': {'kind': 'doors', 'rows': 2.5}}, 'rows=2.5 is a float'),
    (HiddenVariable, {'simulator': {'kind': 'doors'}, 'variable': 'door'}, r"variable='door' .*; allowed: \['key', 'mode'\]"),
    (HiddenVariable, {'variable': 'mode'}, r"variable='mode' of simulator 'balls'; allowed: \['direction'\]"),
]


@pytest.mark.parametrize(
    ('kind', 'fields', 'message'), BAD, ids=[f'{next(iter(bad))}_{i}' for i, (_, bad, _) in enumerate(BAD)]
)
def test_bad_fields_are_refused(kind: type, fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        kind(**fields)


def test_a_rule_with_too_few_episodes_is_refused():
    still = {'kind': 'balls', 'size': 2, 'balls': 1, 'screen': 0, 'kick': 0.0}
    with pytest.raises(ValueError, match=r'different episodes of Balls\(size=2.*give more events, more chance'):
        NextObservation(still).pool()


@pytest.mark.parametrize(('kind', 'variable', 'count'), [('balls', 'direction', 4), ('doors', 'mode', 2), ('doors', 'key', 2)])
def test_labels_are_as_many_as_the_variable_has_values(kind: str, variable: str, count: int):
    assert HiddenVariable(simulator={'kind': kind}, variable=variable).labels() == count


def crowd(count: int, sealed: bool) -> np.ndarray:
    """So many different rows of two numbers that are of one split by their hash: `[count, 2]`."""
    rows = np.stack(np.divmod(np.arange(40_000), 200), 1)
    return rows[(fingerprints(rows) % SEALED_SHARE == 0) == sealed][:count]


@pytest.mark.parametrize('sealed', [False, True])
@pytest.mark.parametrize(
    ('different', 'often', 'fine'),
    [(256, 2, True), (255, 2, False), (449, 64, True), (448, 65, False), (512, 1, True), (511, 1, False)],
)
@pytest.mark.parametrize('kind', ['episodes', 'protein_families'])
def test_half_of_the_examples_differ_and_none_comes_too_often(kind: str, different: int, often: int, fine: bool, sealed: bool):
    """Of 512, with one that comes often."""
    rows = crowd(different, sealed)
    shown = np.resize(rows, (512, 2)) if often == 2 else np.concatenate([rows, np.repeat(rows[:1], often - 1, 0)])

    class Shown(Episodes):
        def make(self, generator: np.random.Generator, count: int) -> tuple:
            return shown, shown

    if kind == 'episodes':
        task = dataclasses.dataclass(frozen=True)(Shown)(train=400, held=48)
        told = task.test if sealed else task.pool
    else:
        task = ProteinFamilies(train=400, held=48, length=2)
        task.__dict__['source'] = types.SimpleNamespace(walk=lambda *_: shown)
        told = functools.partial(task.residues, sealed)
    if fine:
        told()
        return
    most = 1 if different == 511 else often if often > 2 else 3
    with pytest.raises(
        ValueError, match=f'{different} different .* one of them {most} times, for a (test split|pool) of 512;'
    ) as said:
        told()
    assert ('a test split of' in str(said.value)) is sealed
