"""Mixed compositions: every pair of mixer, norm, residual, channel and position builds and learns, or is refused clearly."""

import itertools
import random

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from arch.fits import PLACES
from arch.model import build
from arch.probe import PLAIN
from arch.sockets import TABLES

MIXED = ('mixer', 'norm', 'residual', 'channel', 'position')
STEPS, BATCH, OUTPUTS = 30, 8, 5
GENERATOR = np.random.default_rng(0)
IMAGES = jnp.asarray(GENERATOR.normal(size=(BATCH, 8, 8, 1)), jnp.float32)
IDS = jnp.asarray(GENERATOR.integers(0, OUTPUTS, size=(BATCH, 8)), jnp.int32)
LABELS = jnp.asarray(GENERATOR.integers(0, OUTPUTS, size=BATCH), jnp.int32)
ISOTROPIC = {'kind': 'isotropic', 'width': 16, 'depth': 2}
TOKENS = {'kind': 'tokens', 'vocabulary': OUTPUTS}
SETTINGS = {
    'causal tokens': (
        ('isotropic', 'causal', 'tokens'),
        {'body': {**ISOTROPIC, 'causal': True}, 'stem': TOKENS, 'head': {'kind': 'next_token', 'outputs': OUTPUTS}},
    ),
    'tokens': (('isotropic', 'bidirectional', 'tokens'), {'body': ISOTROPIC, 'stem': TOKENS}),
    'maps': (('isotropic', 'bidirectional', 'maps'), {'body': ISOTROPIC}),
    'stages': (
        ('hierarchical', 'bidirectional', 'maps'),
        {
            'body': {'kind': 'hierarchical', 'widths': (16, 32), 'depths': (1, 1)},
            'block': {'kind': 'one_branch'},
            'downsample': {'kind': 'separate_conv'},
        },
    ),
}
"""Where a composition can stand: the places that its kinds must fit, and what surrounds them."""


def taken_by(kind):
    """What a mixer takes; one made of others takes what they do."""
    cls = TABLES['mixer'][kind]
    held = {'side_by_side': cls.__dict__.get('mixers', ()), 'behind_short_conv': ({'kind': 'attention'},)}.get(kind, ())
    return {*cls.TAKES, *(need for one in held for need in TABLES['mixer'][one['kind']].TAKES)}


def suits(choice, places):
    """Whether every kind says that it works in the places and the mixer takes what the others need."""
    taken = taken_by(choice['mixer'])
    classes = [TABLES[family][kind] for family, kind in choice.items()]
    return all(place in cls.FITS for cls in classes for place in places) and all(
        need in taken for cls in classes for need in cls.NEEDS
    )


def pairs(choice):
    return set(itertools.combinations(sorted(choice.items()), 2))


def compositions():
    """(setting, {family: kind}) such that every pair of kinds of two families occurs, in a setting that suits if one does."""
    draw = random.Random(0)
    wanted = {
        pair
        for one, other in itertools.combinations(sorted(MIXED), 2)
        for pair in itertools.product(((one, kind) for kind in TABLES[one]), ((other, kind) for kind in TABLES[other]))
    }
    kinds, settings, cases = {family: sorted(TABLES[family]) for family in MIXED}, sorted(SETTINGS), []
    while wanted:
        start = min(wanted)
        tried, fitting = [], []
        for _ in range(200):
            choice = {family: draw.choice(kinds[family]) for family in MIXED} | dict(start)
            setting = draw.choice(settings)
            tried.append((setting, choice))
            if suits(choice, SETTINGS[setting][0]):
                fitting.append(tried[-1])
        _, setting, choice = max((len(pairs(c) & wanted), s, sorted(c.items())) for s, c in fitting or tried)
        # A pair counts as covered by a refusal only if nothing that suits was found for it.
        wanted -= pairs(dict(choice)) if fitting else {start}
        cases.append((setting, dict(choice), bool(fitting)))
    return cases


ALL = compositions()


def composed(setting, choice):
    return {**PLAIN, **SETTINGS[setting][1], **{family: {'kind': kind} for family, kind in choice.items()}}


def losses(config):
    """The losses of Adam on one fixed batch: before the first step and after the last."""
    model = build(config)
    x = IDS if config['stem']['kind'] == 'tokens' else IMAGES
    targets = jnp.roll(IDS, -1, axis=1) if config['head']['kind'] == 'next_token' else LABELS
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(3e-3))

    def loss(params, state, key):
        y, state, aux = model.apply(params, state, x, knobs={}, key=key, train=True)
        return optax.softmax_cross_entropy_with_integer_labels(y, targets).mean() + 0.01 * sum(aux.values()), state

    @jax.jit
    def run(key):
        params, state = model.init(key, x, {})

        def step(carry, key):
            params, state, moments = carry
            (value, state), slopes = jax.value_and_grad(loss, has_aux=True)(params, state, key)
            with jax.numpy_dtype_promotion('standard'), jax.numpy_rank_promotion('allow'):  # optax promotes
                updates, moments = optimizer.update(slopes, moments, params)
            return (optax.apply_updates(params, updates), state, moments), value

        carry = (params, state, optimizer.init(params))
        return jax.lax.scan(step, carry, jax.random.split(key, STEPS + 1))[1]

    return np.asarray(run(jax.random.key(0)))


def test_every_pair_occurs():
    seen = set().union(*(pairs(choice) for _, choice, _ in ALL))
    for one, other in itertools.combinations(MIXED, 2):
        for first, second in itertools.product(TABLES[one], TABLES[other]):
            assert tuple(sorted([(one, first), (other, second)])) in seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ('setting', 'choice', 'fitting'), ALL, ids=['-'.join([setting, *choice.values()]) for setting, choice, _ in ALL]
)
def test_a_composition_learns_or_is_refused(setting, choice, fitting):
    config = composed(setting, choice)
    if not fitting:
        with pytest.raises(ValueError, match='allowed'):
            losses(config)
        return
    curve = losses(config)
    assert np.isfinite(curve).all()
    # One step may fall back: of the last ten most must be below the first.
    assert np.median(curve[-10:]) < curve[0]


def test_places_are_those_of_the_lab():
    assert {place for places, _ in SETTINGS.values() for place in places} == set(PLACES)
