"""Role shares: a learning rate and a weight decay for each role of parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stepped import (
    GRADIENT,
    PARAM_ROLES,
    PARAMS,
    knobs_of,
    one_step,
)

from ablations.knobs import KNOBS
from ablations.knobs import ROLES as ROLES_IN_WORDS
from arch.roles import ROLES
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer
from sweeps.training.role_knobs import DECAYED
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS


def flat(made: dict) -> dict:
    return {'/'.join(part.key for part in path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(made)}


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_a_share_moves_its_role_alone(kind: str):
    """Parameters of a role at half the rate move by half a first step, at rate 0 they stay, and the others do not notice."""
    whole, start = flat(one_step(kind, weight_decay=0.1)), flat(PARAMS)
    for role, names in {'head': ['head/kernel'], 'vector': ['up/bias'], 'matrix': ['up/kernel', 'stack/kernel']}.items():
        for share in (0.5, 0.0):
            made = flat(one_step(kind, weight_decay=0.1, **{f'lr_{role}': share}))
            for name, leaf in made.items():
                wanted = start[name] + share * (whole[name] - start[name]) if name in names else whole[name]
                np.testing.assert_allclose(leaf, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_decay_of_a_role_is_its_own(kind: str):
    plain, none, half = (
        flat(one_step(kind, weight_decay=decay, **given))
        for decay, given in ((0.1, {}), (0.0, {}), (0.2, {'weight_decay_matrix': 0.5, 'weight_decay_head': 0.0}))
    )
    assert (plain['head/kernel'] != none['head/kernel']).any(), 'else the test says nothing'
    np.testing.assert_allclose(half['up/kernel'], plain['up/kernel'], rtol=1e-6)
    np.testing.assert_array_equal(half['head/kernel'], none['head/kernel'])
    np.testing.assert_array_equal(half['up/bias'], none['up/bias'])
    on_vectors = flat(one_step(kind, weight_decay=0.1, weight_decay_vector=1.0))
    assert (on_vectors['up/bias'] != none['up/bias']).any()


def test_shares_that_a_study_does_not_name_add_nothing():
    def program(**given: float) -> str:
        def run(knobs: dict) -> dict:
            direction, move = make_optimizer('adamw', PARAM_ROLES, {**given, **knobs})
            updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS)
            return move(updates, PARAMS, jnp.float32(0.5))

        return str(jax.make_jaxpr(run)(knobs_of('adamw')))

    assert program() == program(**ROLE_KNOBS)
    assert program(lr_head=0.5) != program()


def test_every_role_has_its_knobs():
    assert set(ROLES) == set(ROLES_IN_WORDS)
    assert ROLE_KNOBS.keys() <= KNOBS.keys()
    assert [role for role in ROLES if ROLE_KNOBS[f'weight_decay_{role}']] == list(DECAYED)
