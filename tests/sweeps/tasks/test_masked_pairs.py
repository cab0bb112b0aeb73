"""Masked lessons: tokens that are hidden are told, what is to meet is as before, and the unmasked example is what is scored."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from one_lane import train_one

from ablations.tasks import TASKS, bases
from ablations.tasks.paired_tasks import LENGTH, MASKED_VOCABULARY, VECTOR
from arch.model import build
from sweeps.tasks.contrast import contrast
from sweeps.tasks.masking import SHARE, SHOWN, hide
from sweeps.tasks.modalities import COUNTS, MASK, MODALITIES, SOURCES
from sweeps.tasks.paired_scenes import MODALITY, TOLD, PairedScenes
from sweeps.training.preflight import task_of
from sweeps.training.splits import Split, training_order

MASKED = (('picture', 'view'),)
VOCABULARY = MASKED_VOCABULARY['blocks']


@pytest.fixture(scope='module')
def task() -> PairedScenes:
    return task_of(TASKS['blind_to_quarter_masked'].data)


@pytest.mark.parametrize(('share', 'count'), [(0.0, 0), (0.25, 10), (SHARE, 20), (1.0, 40)])
def test_a_share_of_the_tokens_behind_the_mark_is_hidden(share: float, count: int):
    x = jnp.asarray(np.random.default_rng(0).integers(0, 40, (300, 41)), jnp.int32)
    hidden, told = (np.asarray(made) for made in jax.jit(lambda own: hide(jax.random.key(3), x, own, 44))(share))
    gone = told != SHOWN
    assert (gone.sum(1) == count).all() and not gone[:, 0].any()
    assert (hidden[gone] == 44).all() and (told[gone] == np.asarray(x)[gone]).all()
    assert (hidden[~gone] == np.asarray(x)[~gone]).all()
    assert np.abs(gone[:, 1:].mean(0) - share).max() <= 4 * np.sqrt(0.25 / 300), 'each place as often as another'
    assert len({row.tobytes() for row in gone}) > 290 or share in (0.0, 1.0), 'each sequence for itself'


def batch_of(task: PairedScenes) -> tuple[np.ndarray, np.ndarray]:
    """Two examples of captions, two of views, and four to be masked."""
    pool, count = task.pool(), COUNTS['pool']
    rows = np.array([0, 1 * count, 5, 3 * count + 5, 4 * count + 9, 7 * count + 9, 4 * count + 2, 7 * count + 2])
    return pool.x[rows], pool.y[rows]


def test_only_examples_of_masked_lessons_are_masked(task: PairedScenes):
    x, y = batch_of(task)
    assert y[:, MODALITY].tolist() == [0, 1, 0, 3, 4, 7, 4, 7]
    drawn, ((told, weight),) = task.draw(jax.random.key(0), jnp.asarray(x), jnp.asarray(y), {})
    assert weight is None and (drawn[:4] == x[:4]).all() and (told[:, :TOLD] == y).all() and (told[:4, TOLD:] == SHOWN).all()
    assert ((drawn[4:] == MASK).sum(1) == 32).all() and ((told[4:, TOLD:] >= 0).sum(1) == 32).all()
    assert (jnp.where(told[4:, TOLD:] >= 0, told[4:, TOLD:], drawn[4:]) == x[4:]).all()
    less = task.draw(jax.random.key(0), jnp.asarray(x), jnp.asarray(y), {'mask_share': jnp.float32(0.25)})[0]
    assert ((less[4:] == MASK).sum(1) == 16).all()
    unmasked = PairedScenes()
    assert unmasked.draw(jax.random.key(0), x, y, {})[0] is x and 'mask_share' not in unmasked.knobs


def test_losses_are_those_of_their_formulas(task: PairedScenes):
    x, y = batch_of(task)
    _, ((told, _),) = task.draw(jax.random.key(0), jnp.asarray(x), jnp.asarray(y), {})
    scores = np.random.default_rng(0).normal(size=(8, LENGTH, VECTOR + VOCABULARY)).astype(np.float32)
    loss, statistics = task.losses(jnp.asarray(scores), told, temperature=0.2)
    means = scores.mean(1)
    vectors = jnp.asarray(means[:4, :VECTOR])
    alone = contrast(vectors, jnp.asarray(y[:4, 0]), jnp.asarray(y[:4, 1]), 0.2)
    np.testing.assert_allclose(loss[:4], alone, rtol=1e-4, err_msg='masked examples are rivals of none')
    for number in range(4, 8):
        own, asked = scores[number, :, VECTOR:].astype(np.float64), np.asarray(told[number, TOLD:]).astype(int)
        nats = [np.log(np.exp(own[n]).sum()) - own[n, asked[n]] for n in range(LENGTH) if asked[n] >= 0]
        assert float(loss[number]) == pytest.approx(np.mean(nats), rel=1e-4)
    np.testing.assert_allclose(statistics[:, :-2], means, rtol=1e-4, atol=1e-6)
    scored = task_of({**TASKS['blind_to_quarter_masked'].data, 'probed': '', 'scored': ['picture', 'words']})
    _, statistics = scored.losses(jnp.asarray(scores), jnp.asarray(y))
    np.testing.assert_allclose(statistics[:, :-2], means[:, :VECTOR], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(statistics[:, -2:], y[:, :2])


def test_the_vector_is_that_of_a_classifier(task: PairedScenes):
    """The mean of a product at each token is the product of the mean: what is to meet has the head that it had before."""
    base = TASKS['blind_to_quarter_masked'].base
    x = jnp.asarray(task.test().x[:3])
    model, plain = build(base), build({**base, 'head': {'kind': 'classifier', 'outputs': VECTOR}})
    params, state = model.init(jax.random.key(0), x, {})
    own, _ = plain.init(jax.random.key(0), x, {})
    head = {name: leaf[..., :VECTOR] for name, leaf in params['head']['head'].items()}
    own = {**own, **{name: leaf for name, leaf in params.items() if name != 'head'}, 'head': {**params['head'], 'head': head}}
    given = {'knobs': {}, 'key': jax.random.key(0), 'train': False}
    np.testing.assert_allclose(
        model.apply(params, state, x, **given)[0].mean(1)[:, :VECTOR], plain.apply(own, state, x, **given)[0], atol=1e-5
    )


def test_masked_pairs_are_a_lesson_with_a_weight(task: PairedScenes):
    pool = task.pool()
    assert len(pool.x) == task.pool_size() == 2 * len(MODALITIES) * COUNTS['pool']
    assert set(task.knobs) == {'domain_weight_1', 'domain_weight_2', 'domain_weight_3', 'mask_share'}
    train, held = task.split(pool, 3)
    assert not set(pool.group[train]) & set(pool.group[held])
    order = training_order(task, Split(pool, train, None), 1, 50, 24, {'domain_weight_1': 0.0, 'mask_share': 0.3})
    y = pool.y[order].astype(int).reshape(50, 12, 2, -1)
    kinds = [tuple(pair) for pair in y[..., MODALITY].reshape(-1, 2).tolist()]
    assert set(kinds) == {(0, 3), (4, 7)} and kinds.count((4, 7)) / len(kinds) == pytest.approx(0.5, abs=0.01)
    assert set(task.part(pool, held).y[:, MODALITY]) == {0, 3}, 'what is scored is whole'


def test_examples_are_those_of_tasks_that_mask_nothing(task: PairedScenes):
    masked, plain = task.pool(), task_of(TASKS['blind_to_quarter'].data).pool()
    assert (masked.x[: len(plain.x)] == plain.x).all() and (masked.y[: len(plain.y)] == plain.y).all()
    assert (masked.x[len(plain.x) :] == plain.x).all()


@pytest.mark.parametrize('pictures', SOURCES)
def test_bases_have_room_for_vector_and_tokens(pictures: str):
    task = PairedScenes(pictures=pictures, masked=MASKED)
    assert task.token_count() == MASKED_VOCABULARY[pictures] > task.pool().x.max() and task.token_count() > MASK
    task.check_scores((4, LENGTH, VECTOR + task.token_count()), (4, TOLD))


@pytest.mark.parametrize(
    ('scores', 'fields', 'said'),
    [
        (
            (8, 16),
            {},
            "scores [8, 16]; allowed: [B, 65, D + 45], because lessons are masked; take head 'per_token' with outputs",
        ),
        ((8, 65, 45), {}, 'scores [8, 65, 45]; allowed: [B, 65, D + 45]'),
        ((8, 64, 61), {}, 'scores [8, 64, 61]; allowed: [B, 65, D + 45]'),
        ((), {'masked': (('picture', 'smell'),)}, "masked=(('picture', 'smell'),); allowed: one to 8 pairs"),
        ((), {'masked': (('picture', 'view'),) * 7}, 'allowed: one to 8 pairs of two'),
        ((), {'pairs': ()}, 'at least one of them not masked'),
        ((), {'pictures': 'photos'}, "pictures='photos'; allowed: ['blocks', 'digits']; choose one"),
    ],
)
def test_what_cannot_be_is_refused(scores: tuple, fields: dict, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        PairedScenes(**{'masked': MASKED, **fields}).check_scores(scores, (8, TOLD))


def test_a_run_learns_to_tell_what_is_hidden():
    small = bases.labelled_tokens(VOCABULARY, LENGTH, outputs=4 + VOCABULARY, width=8, depth=1, mixer={'kind': 'identity'})
    data = {**TASKS['blind_to_quarter_masked'].data, 'pairs': [['picture', 'words']]}
    record = train_one('blind_to_quarter_masked', base=small, data=data, steps=40, batch=8, evaluations=2)
    assert record['status'] == 'ok' and record['n_held'] == 2 * COUNTS['test']
    first, last = record['curve']['train_loss'][0], record['curve']['train_loss'][-1]
    assert last < first


def probed(name: str, *lessons: int, left_out: str | None = None) -> float:
    """The score of a task after these of its three lessons alone; what captions leave out may be another attribute, or none."""
    task = TASKS[name]
    data = task.data if left_out is None else {**task.data, 'left_out': left_out}
    knobs = {f'domain_weight_{number}': float(number in lessons) for number in (1, 2, 3)}
    return train_one(name, data=data, knobs=knobs)['score']


@pytest.mark.slow
def test_what_captions_leave_out_is_taught_by_views_and_masks():
    """Chance is 1/6. At 3e-3 views reach 0.55, masks 0.82, captions 0.19, and captions that tell the quarters 0.71."""
    name = 'digits_blind_to_quarter'
    captions, views, masked = (probed(name, lesson) for lesson in (1, 2, 3))
    told = probed(name, 1, left_out='')
    assert captions < 0.35 and told > 0.5 and views > 0.42 and masked > 0.68
