"""Every base builds, is complete, and takes every swap of one socket or refuses it with one clear error."""

import functools

import jax
import jax.numpy as jnp
import pytest
from given_fields import GIVEN

from ablations.neutral import neutral_fields
from ablations.tasks import TASKS
from arch.fits import fits
from arch.make import fields
from arch.model import build
from arch.sockets import TABLES

SWAPPED = ('mixer', 'norm', 'qk_norm', 'residual', 'channel', 'activation', 'position', 'block', 'initial')


def refusal(base, family, kind):
    """What the error must say where a swap of one socket cannot be, by what the classes themselves declare; else None."""
    cls, causal = TABLES[family][kind], base['body'].get('causal', False)
    places = (
        base['body']['kind'],
        'causal' if causal else 'bidirectional',
        'maps' if base['body']['kind'] == 'hierarchical' else 'tokens',
    )
    mixer = cls if family == 'mixer' else TABLES['mixer'][base['mixer']['kind']]
    needs = (*cls.NEEDS, *(('qk_norm',) if family == 'qk_norm' and not cls.NOTHING else ()))
    if not set(needs) <= set(mixer.TAKES):
        return f"{family} '{kind}' .* mixer '{base['mixer']['kind']}' has none; allowed with it"
    if family == 'qk_norm' and 'queries' not in fits(cls):
        return f"qk_norm '{kind}'"
    for place in places:
        if place not in fits(cls):
            return f"{family} '{kind}' does not work"
    return None


def example(base):
    if 'vocabulary' in base['stem']:
        return jax.ShapeDtypeStruct((2, base['position'].get('length', 16)), jnp.int32)
    if base['stem']['kind'] == 'waveform':
        length = base['position'].get('length', 64 // base['stem']['factor']) * base['stem']['factor']
        return jax.ShapeDtypeStruct((2, length, 1), jnp.float32)
    patch, stages = base['stem'].get('patch', 1), len(base['body'].get('widths', (1, 1)))
    if base['position']['kind'] == 'learned':
        # As many patches as the table has places.
        return jax.ShapeDtypeStruct((2, base['position']['length'] // 4 * patch, 4 * patch, 1), jnp.float32)
    return jax.ShapeDtypeStruct((2, patch * 2**stages, patch * 2**stages, 1), jnp.float32)


def scores(base, x):
    model = build(base)

    def run(x):
        params, state = model.init(jax.random.key(0), x, {})
        return model.apply(params, state, x, knobs=dict(model.knobs), key=jax.random.key(1), train=True)[0]

    return jax.eval_shape(run, x)


@pytest.mark.parametrize('name', TASKS)
def test_base_is_complete(name):
    base = TASKS[name].base
    assert set(base) == set(TABLES)
    for family, spec in base.items():
        assert {*spec, *neutral_fields(family, spec['kind'])} == {'kind', *fields(TABLES[family][spec['kind']])}, family
    assert build(base).causal == base['head']['kind'].endswith('next_token')


def first_of_each_structure():
    """The tasks; those whose base has the kinds of an earlier one, in other sizes, are marked slow."""
    seen = []
    for name, task in TASKS.items():
        kinds = {family: spec['kind'] for family, spec in task.base.items()}
        yield pytest.param(name, marks=[pytest.mark.slow] if kinds in seen else [])
        seen.append(kinds)


@pytest.mark.parametrize('name', list(first_of_each_structure()))
def test_base_gives_scores(name):
    base = TASKS[name].base
    y = scores(base, example(base))
    # A tied head has as many outputs as the stem has tokens.
    assert y.shape[-1] == base['head'].get('outputs', base['stem'].get('vocabulary'))


BASES = ('digits', 'recall')


@functools.cache
def expected_shape(name):
    base = TASKS[name].base
    return scores(base, example(base)).shape


@pytest.mark.parametrize('family', SWAPPED)
@pytest.mark.parametrize('name', BASES)
@pytest.mark.parametrize('each', [4, pytest.param(1, marks=pytest.mark.slow)], ids=['every fourth', 'all'])
def test_every_swap_of_one_socket(name, family, each):
    """All are refused or build; the fast suite computes the shapes of every fourth kind in each base, test_fits of all."""
    base, expected = TASKS[name].base, expected_shape(name)
    for number, kind in enumerate(TABLES[family]):
        swapped = {**base, family: {'kind': kind, **GIVEN.get(kind, {})}}
        why = refusal(base, family, kind)
        if why:
            with pytest.raises(ValueError, match=why):
                scores(swapped, example(base))
        elif number % each == BASES.index(name) % each:
            assert scores(swapped, example(base)).shape == expected, kind
        else:
            build(swapped)


@pytest.mark.parametrize('kind', TABLES['downsample'])
def test_downsamples_belong_to_the_hierarchical_body(kind):
    for name, suits in (('digits', kind != 'none'), ('recall', kind == 'none')):
        base = TASKS[name].base
        swapped = {**base, 'downsample': {'kind': kind}}
        if TABLES['downsample'][kind].IN_BLOCK:
            swapped['block'] = {'kind': 'mixer_first'}
        if suits:
            scores(swapped, example(base))
        else:
            with pytest.raises(ValueError, match='downsample'):
                scores(swapped, example(base))
