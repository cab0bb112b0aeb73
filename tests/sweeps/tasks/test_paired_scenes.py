"""Paired scenes: every modality tells its scene, pairs stand side by side, and what is scored was never trained on."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_lane import train_one
from scipy import stats

from ablations.tasks import TASKS, bases
from ablations.tasks.paired_tasks import LENGTH, SCENES, VOCABULARY
from sweeps.metrics.hits import Probe, Retrieval
from sweeps.tasks import modalities
from sweeps.tasks.captioned_pictures import BEGIN, FIGURES, NOISE, QUARTERS, VALUES
from sweeps.tasks.contrast import contrast
from sweeps.tasks.modalities import COUNTS, MODALITIES, written
from sweeps.tasks.paired_scenes import PairedScenes
from sweeps.training.preflight import task_of
from sweeps.training.splits import Split, training_order


def test_every_modality_tells_the_same_scene():
    x, scene, chosen = written(True, '', 0.0)
    assert x.shape == (4, COUNTS['test'], LENGTH) and x.max() < VOCABULARY == modalities.VOCABULARY and x.min() >= 0
    assert (np.unique(x[..., 0], axis=1).ravel() == np.arange(21, 25)).all()
    words = np.arange(QUARTERS[0], VALUES + 7)
    for number in range(0, len(scene), 7):
        told = chosen[number].reshape(2, 3)
        both = {tuple(told.ravel()), tuple(told[::-1].ravel())}
        said = [token for token in x[1, number, 1:] if token in words]
        assert tuple(np.array(said) - np.tile([QUARTERS[0], VALUES, VALUES + 3], 2)) in both
        notes = [token for token in x[2, number, 1:] if token != BEGIN]
        assert 6 <= len(notes) <= 18
        values = list(dict.fromkeys(zip(np.cumsum(np.diff(notes, prepend=-1) != 0), notes, strict=True)))
        heard = {int(note) for _, note in values}
        assert heard == set((told + modalities._NOTES + [0, 4, 7]).ravel().tolist())
        for side in (0, 3):
            image = np.zeros((8, 8), int)
            for quarter, colour, figure in told:
                top, left = divmod(quarter, 2)
                image[4 * top : 4 * top + 4, 4 * left : 4 * left + 4] = FIGURES[figure] * (1 + colour)
            assert (x[side, number, 1:] != image.ravel()).mean() < 0.2
    noise = (x[0, :, 1:] != x[3, :, 1:]).mean()
    assert noise == pytest.approx(2 * NOISE * 0.75, rel=0.1), 'views have noise of their own'


@pytest.mark.parametrize('attribute', ['quarter', 'colour', 'figure'])
def test_captions_leave_out_what_they_are_asked_to(attribute: str):
    ranges = {'quarter': range(7, 11), 'colour': range(11, 14), 'figure': range(14, 18)}
    for rate, share in ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0)):
        x, _, _ = written(False, attribute, rate)
        told = {name: np.isin(x[1], list(words)).any(1).mean() for name, words in ranges.items()}
        assert told.pop(attribute) == pytest.approx(share, abs=0.05) and set(told.values()) == {1.0}


def test_sealed_scenes_are_in_no_pool_and_as_many_as_is_said():
    pool, sealed = written(False, '', 0.0)[1], written(True, '', 0.0)[1]
    assert not set(pool) & set(sealed) and len(set(sealed)) == SCENES
    assert np.bincount(pool).max() - np.bincount(pool)[np.unique(pool)].min() <= 1


@pytest.fixture(scope='module')
def task() -> PairedScenes:
    return task_of(TASKS['words_meet_sounds'].data)


def test_pairs_stand_side_by_side_in_the_shares_of_their_weights(task: PairedScenes):
    pool = task.pool()
    train, held = task.split(pool, 3)
    assert not set(pool.group[train]) & set(pool.group[held])
    order = training_order(task, Split(pool, train, None), 1, 50, 24, {'domain_weight_3': 0.0, 'domain_weight_2': 3.0})
    y = pool.y[order].astype(int).reshape(50, 12, 2, -1)
    assert (y[:, :, 0, 0] == y[:, :, 1, 0]).all(), 'partners are of one scene'
    kinds = [tuple(MODALITIES[side] for side in pair) for pair in y[..., 1].reshape(-1, 2)]
    assert set(kinds) == {('picture', 'words'), ('picture', 'sound')}
    assert kinds.count(('picture', 'sound')) / len(kinds) == pytest.approx(0.75, abs=0.03)
    with pytest.raises(ValueError, match='a batch of 23 examples; allowed: an even number'):
        task.example_order(pool, train, 0, 4, 23, {})


def test_sounds_of_other_scenes_are_a_control():
    bound, unbound = (PairedScenes(bound=side).pool() for side in (True, False))
    count = COUNTS['pool']
    sounds = slice(2 * count, 3 * count)
    assert (bound.x[: 2 * count] == unbound.x[: 2 * count]).all() and (bound.y == unbound.y).all()
    assert {row.tobytes() for row in bound.x[sounds]} == {row.tobytes() for row in unbound.x[sounds]}
    assert (bound.x[sounds] == unbound.x[sounds]).all(1).mean() < 0.05
    sealed = PairedScenes(bound=False).test()
    assert (sealed.x == PairedScenes().test().x).all(), 'what is asked is not changed'


@pytest.mark.parametrize('name', ['words_meet_sounds', 'blind_to_quarter'])
def test_what_is_scored_comes_in_pairs_of_scenes(name: str):
    task = task_of(TASKS[name].data)
    pool = task.pool()
    _, held = task.split(pool, 0)
    for arrays in (task.part(pool, held), task.test()):
        pairs = arrays.y.reshape(len(arrays.y) // 2, 2, -1)
        wanted = ['words', 'sound'] if name == 'words_meet_sounds' else ['picture', 'view']
        assert (pairs[:, 0, 0] == pairs[:, 1, 0]).all() and (pairs[:, :, 1] == [MODALITIES.index(one) for one in wanted]).all()
        assert (arrays.group == arrays.y[:, 0]).all()
        if name == 'words_meet_sounds':
            assert len(np.unique(arrays.group)) == len(pairs), 'each scene once in each modality'


def test_the_loss_is_that_of_its_formula():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(10, 4)).astype(np.float32)
    scene = np.repeat([5, 6, 7, 5, 9], 2)
    modality = np.array([0, 1, 0, 1, 0, 2, 0, 1, 0, 2])
    unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    similar = unit @ unit.T / 0.2
    expected = []
    for n in range(10):
        partner = n ^ 1
        rivals = [m for m in range(10) if m % 2 != n % 2 and modality[m] == modality[partner] and scene[m] != scene[n]]
        expected.append(np.log(np.exp(similar[n, [partner, *rivals]]).sum()) - similar[n, partner])
    told = jax.jit(contrast)(jnp.asarray(scores), jnp.asarray(scene), jnp.asarray(modality), 0.2)
    np.testing.assert_allclose(told, expected, rtol=2e-4)
    # A last example without a partner, and one beside another scene, have none.
    scene, modality = jnp.asarray([5, 5, 6, 7, 6]), jnp.asarray([0, 1, 0, 1, 0])
    odd = jax.jit(contrast)(jnp.asarray(scores[:5]), scene, modality, 0.2)
    assert (odd[:2] > 0).all() and odd[2:].tolist() == [0, 0, 0]
    gradient = jax.jit(jax.grad(lambda s: contrast(s, scene, modality, 0.2).sum()))(jnp.zeros((5, 4)))
    assert jnp.isfinite(gradient).all()


def test_the_temperature_is_that_of_the_trial(task: PairedScenes):
    scores, y = jnp.asarray(np.random.default_rng(1).normal(size=(8, 4))), jnp.asarray(task.test().y[:8])
    given = jax.jit(lambda value: task.losses(scores, y, temperature=value)[0])
    reported = jax.jit(lambda: task.losses(scores, y)[0])()
    np.testing.assert_allclose(given(0.1), reported, rtol=1e-6)
    assert np.abs(given(0.3) - reported).max() > 0.01
    assert task.loss_knobs == {'temperature': 0.1}


def test_retrieval_by_hand():
    vectors = np.array([[1, 0.1], [0, 1], [1, 0], [0.1, 1], [1, 1], [-1, -1]])
    scene, modality = np.array([0, 1, 0, 1, 2, 2]), np.array([1, 1, 2, 2, 1, 2])
    statistics = np.column_stack([vectors, scene, modality])
    assert Retrieval().hits(statistics).tolist() == [1, 1, 1, 1, 0, 0]
    made = Retrieval().scored(statistics, scene)
    assert made.score == pytest.approx(4 / 6) and made.items == pytest.approx([1, 1, 1, 1, 0, 0])
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1]])
    assert Retrieval().values(statistics, weights) == pytest.approx([4 / 6, 2 / 4])


def test_a_probe_learns_on_one_half_and_is_asked_on_the_other():
    generator = np.random.default_rng(0)
    value, scene = generator.integers(0, 3, 400), np.arange(400)
    told = np.eye(3)[value] + 0.1 * generator.normal(size=(400, 3))
    mixed = np.column_stack([told @ generator.normal(size=(3, 6)), np.full(400, 7.0)])
    assert Probe().hits(np.column_stack([mixed, value, scene])).mean() > 0.98
    # What is learned by heart of one half says nothing of the other.
    blind = generator.normal(size=(400, 150))
    assert Probe().hits(np.column_stack([blind, value, scene])).mean() == pytest.approx(1 / 3, abs=0.09)


def expected_hits(statistics: np.ndarray, weights: np.ndarray, wide: tuple[float, float]) -> float:
    """How many right answers a probe is expected to give whose learned examples have weights; `wide` smooths."""
    vectors, value, side = statistics[:, :-2], statistics[:, -2].astype(int), statistics[:, -1] % 2
    inputs = np.column_stack([(vectors - vectors.mean(0)) / vectors.std(0), np.ones(len(vectors))])
    total = 0.0
    for one in (0, 1):
        learned, asked = side != one, side == one
        weighted = inputs[learned].T * weights[learned]
        gram = weighted @ inputs[learned] + 1e-3 * learned.sum() * np.eye(inputs.shape[1])
        told = inputs[asked] @ np.linalg.solve(gram, weighted @ np.eye(3)[value[learned]])
        right = np.eye(3, dtype=bool)[value[asked]]
        margins = told[right] - np.where(right, -np.inf, told).max(1)
        total += stats.norm.cdf(margins / wide[one]).sum()
    return total


def test_an_example_counts_by_what_it_teaches_a_probe_too():
    generator = np.random.default_rng(3)
    value, scene = generator.integers(0, 3, 60), np.arange(60)
    statistics = np.column_stack([np.eye(4)[value] + generator.normal(size=(60, 4)), value, scene])
    probe, even = Probe(), np.ones(60)
    items = probe.scored(statistics, scene).items
    assert items.mean() == pytest.approx(probe.hits(statistics).mean())
    taught = items - probe.hits(statistics)
    wide = tuple(np.std(fold.margins()[1]) for fold in probe._folds(statistics))
    for place in (0, 7, 31):
        step = 1e-5 * (scene == place)
        slope = (expected_hits(statistics, even + step, wide) - expected_hits(statistics, even - step, wide)) / 2e-5
        moved = taught[place] - taught[0]
        if place == 0:
            first = slope
        assert moved == pytest.approx(slope - first, abs=1e-4)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'pairs': (('picture', 'smell'),)}, "allowed: one to 8 pairs of two of ['picture', 'words', 'sound', 'view']"),
        ({'pairs': ()}, 'one to 8 pairs'),
        ({'pairs': (('picture', 'picture'),)}, 'one to 8 pairs of two of'),
        ({'pairs': (('picture', 'words', 'sound'),)}, 'one to 8 pairs of two of'),
        ({'pairs': 'picture'}, "pairs='picture'"),
        ({'pairs': (('picture', 'words'),) * 9}, 'one to 8 pairs of two of'),
        ({'scored': ('words', 'smell')}, "scored=('words', 'smell'); allowed: a pair"),
        ({'rate': -0.1}, 'rate=-0.1; allowed: 0 to 1'),
        ({'train': -1}, 'train=-1; allowed: 0 or more'),
        ({'scored': ('words', 'words')}, "scored=('words', 'words'); allowed: a pair"),
        ({'probed': 'size'}, "probed='size'; allowed: '' (none) or one of ['quarter', 'colour', 'figure']"),
        ({'left_out': 'size'}, "left_out='size'"),
        ({'rate': 1.5}, 'rate=1.5; allowed: 0 to 1'),
        ({'held': 0}, 'held=0; allowed: 1 or more'),
    ],
)
def test_what_cannot_be_is_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        PairedScenes(**fields)


SMALL = bases.texts(VOCABULARY, LENGTH, outputs=4, width=8, depth=1, mixer={'kind': 'identity'})


@pytest.mark.parametrize('name', ['words_meet_sounds', pytest.param('blind_to_quarter', marks=pytest.mark.slow)])
def test_a_run_has_a_score_of_all_scenes_together(name: str):
    record = train_one(name, base=SMALL, steps=4, batch=8, evaluations=2)
    assert record['status'] in ('ok', 'diverged') and 0 <= record['score'] <= 1 and record['initial_loss'] > 0
    assert record['n_held'] == {'words_meet_sounds': 2 * SCENES, 'blind_to_quarter': 2 * COUNTS['test']}[name]


def test_a_model_that_gives_no_vector_is_refused(task: PairedScenes):
    with pytest.raises(ValueError, match=r'scores \[8, 65, 44\]; allowed: a vector for each example'):
        task.check_scores((8, 65, 44), (8, 8))
    with pytest.raises(ValueError, match='held=256 and train=5000 of 2048 examples; ask for fewer'):
        PairedScenes(train=5000).split(task.pool(), 0)


def test_bounds_of_pairs_are_allowed_themselves(task: PairedScenes):
    assert len(PairedScenes(pairs=(('picture', 'words'),) * 8, rate=0.0).knobs) == 8
    train, held = PairedScenes(held=COUNTS['pool'] - 100).split(task.pool(), 0)
    assert len(held) == COUNTS['pool'] - 100 and 0 < len(train) <= 4 * 100
    with pytest.raises(ValueError, match=f'held={COUNTS["pool"]} and train=0 of {COUNTS["pool"]} examples; ask for fewer'):
        PairedScenes(held=COUNTS['pool']).split(task.pool(), 0)
