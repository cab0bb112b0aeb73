"""Every base builds, is complete, and takes every swap of one socket or refuses it with one clear error."""

import jax
import jax.numpy as jnp
import pytest

from ablations.tasks import TASKS
from arch.make import fields
from arch.model import build
from arch.sockets import TABLES

SWAPPED = ('mixer', 'norm', 'residual', 'channel', 'activation', 'position', 'block')
REFUSED = {
    ('digits', 'position', 'rotary'): "mixer 'depthwise_conv' has none",
    ('recall', 'norm', 'group_norm'): "norm 'group_norm' takes statistics over positions",
    ('recall', 'norm', 'global_response_norm'): "norm 'global_response_norm' takes statistics over positions",
}
"""The swaps of one socket that cannot be: all others must build."""


def example(base):
    if base['stem']['kind'] == 'tokens':
        return jax.ShapeDtypeStruct((2, base['position']['length']), jnp.int32)
    return jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.float32)


def scores(base, x):
    model = build(base)

    def run(x):
        params, state = model.init(jax.random.key(0), x, {})
        return model.apply(params, state, x, knobs=dict(model.knobs), key=jax.random.key(1), train=True)[0]

    return jax.eval_shape(run, x)


@pytest.mark.parametrize('name', TASKS)
def test_base_builds_and_is_complete(name):
    base = TASKS[name].base
    assert set(base) == set(TABLES)
    for family, spec in base.items():
        assert set(spec) == {'kind', *fields(TABLES[family][spec['kind']])}, family
    y = scores(base, example(base))
    assert y.shape[-1] == base['head']['outputs']
    assert build(base).causal == (base['head']['kind'] == 'next_token')


@pytest.mark.parametrize('family', SWAPPED)
@pytest.mark.parametrize('name', ['digits', 'recall'])
def test_every_swap_of_one_socket(name, family):
    base = TASKS[name].base
    expected = scores(base, example(base)).shape
    for kind in TABLES[family]:
        swapped = {**base, family: {'kind': kind}}
        if (name, family, kind) in REFUSED:
            with pytest.raises(ValueError, match=REFUSED[name, family, kind]):
                scores(swapped, example(base))
        else:
            assert scores(swapped, example(base)).shape == expected, kind


@pytest.mark.parametrize('kind', TABLES['downsample'])
def test_downsamples_belong_to_the_hierarchical_body(kind):
    for name, fits in (('digits', kind != 'none'), ('recall', kind == 'none')):
        base = TASKS[name].base
        swapped = {**base, 'downsample': {'kind': kind}}
        if fits:
            scores(swapped, example(base))
        else:
            with pytest.raises(ValueError, match='downsample is'):
                scores(swapped, example(base))
