"""The model on PyTorch's side gives the loss of the lab's; its forward pass is numpy's, so that PyTorch need not be there."""

import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpy_torch
import pytest

from arch.model import build
from benchmarks.body import body_of, flat

SMALL = {
    'digits': {'width': 4, 'batch': 2},
    'bytes': {'width': 4, 'depth': 1, 'length': 6, 'batch': 2},
    'vit': {'width': 8, 'depth': 1, 'heads': 2, 'size': 8, 'batch': 2},
    'decoder': {'width': 8, 'depth': 1, 'heads': 2, 'length': 6, 'batch': 2},
}


@pytest.fixture
def model(monkeypatch):
    """The module of the model, made with the stand-in."""
    name = 'benchmarks.sides.pytorch_model'
    numpy_torch.install(monkeypatch)
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(name)
    sys.modules.pop(name)


@pytest.mark.parametrize('name', SMALL)
def test_the_loss_is_that_of_the_lab_at_the_same_parameters(name, model):
    """All parameters are drawn, so that none is 0 or 1."""
    body = body_of(name, SMALL[name])
    pool, lab = body.task.pool(), build(body.config)
    x, y = pool.x[: body.batch], pool.y[: body.batch]
    draw = np.random.default_rng(0)
    shapes, state = jax.eval_shape(lambda: lab.init(jax.random.key(0), jnp.asarray(x), {}))
    params = jax.tree.map(lambda leaf: draw.normal(size=leaf.shape).astype(np.float32), shapes)
    apply = jax.jit(lambda params, x: lab.apply(params, state, x, knobs={}, key=jax.random.key(1), train=True)[0])
    loss = float(body.task.losses(apply(params, x), jnp.asarray(y))[0].mean())
    given = flat(params)
    other = model.Model(body.config, given)
    assert sum(one.numel() for one in other.parameters()) == sum(leaf.size for leaf in given.values())
    assert float(other.loss(numpy_torch.tensor(x), numpy_torch.tensor(y))) == pytest.approx(loss, rel=2e-5)
    with pytest.raises(ValueError, match=r"no place for \['more/kernel'\]"):
        model.Model(body.config, {**given, 'more/kernel': np.zeros(2)})
