"""Patch codes: the large blocks see codes and nothing else, against numpy; all contracts hold with them; what is refused."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_patched import IDS, PATCH, WIDE, N, V, config, drawn, product, rms, scores, told

from ablations.config import changed
from ablations.study import put
from arch.code_use import code_use, patch_code_numbers
from arch.contracts import check
from arch.cost import cost_of
from arch.model import build
from arch.ops.scalar_quantization import quantized
from arch.patch_codes import PatchCodes
from arch.patched import Patched
from arch.sockets import TABLES

LEVELS = (4, 3)


def coded_config(levels=LEVELS, body=None, **specs):
    return config(**specs, body={**(body or {}), 'code_levels': list(levels)})


def coded(params):
    """norm, activation, product, rounding and product of one joined patch."""
    own = params['codes']

    def one(patch):
        hidden = np.asarray(jax.nn.gelu(rms(patch, own['norm']), approximate=False))
        return product(np.asarray(quantized(jnp.asarray(product(hidden, own['code'])), LEVELS)), own['read'])

    return one


@pytest.mark.parametrize('count', [2, 7])
def test_against_numpy(count):
    model = build(coded_config())
    params, state = drawn(model)
    made = scores(model, params, state, IDS[:, :count])
    expected = np.stack([told(params, ids, coded(params))[:count] for ids in IDS[:, :count]])
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-3)


def test_patches_of_one_code_are_one_patch_to_what_comes_after_them():
    """Of all first patches that a text can have, those of one code lead to the same scores behind them, and others do not."""
    mine = coded_config(mixer={'kind': 'attention', 'heads': 2})
    model = build(mine)
    params, state = drawn(model)
    firsts = np.stack(np.meshgrid(*[np.arange(V)] * PATCH, indexing='ij'), -1).reshape(-1, PATCH)
    texts = np.concatenate([firsts, np.tile(IDS[:1, PATCH:], (len(firsts), 1))], 1).astype(np.int32)
    numbers = patch_code_numbers(mine, params, state, texts)
    assert numbers.shape == (len(texts), N // PATCH) and (numbers[:, 1] == numbers[0, 1]).all()
    behind = scores(model, params, state, texts)[:, PATCH:]
    alike = [behind[numbers[:, 0] == number] for number in np.unique(numbers[:, 0])]
    assert 2 < len(alike) <= 12 and max(map(len, alike)) > 10
    for same in alike:
        np.testing.assert_allclose(same, same[:1].repeat(len(same), 0), atol=1e-5)
    assert all(np.abs(one[0] - other[0]).max() > 1e-2 for one, other in itertools.combinations(alike, 2))


def test_each_token_is_told_from_all_before_it_in_its_patch_and_no_later_one():
    model = build(coded_config(levels=(16, 15, 15), mixer={'kind': 'attention', 'heads': 2}, body={'depths': (1, 1)}))
    params, state = drawn(model)
    cases = list(itertools.product(range(N), range(1, V)))
    others = np.tile(IDS[:1], (len(cases), 1))
    for text, (at, by) in zip(others, cases, strict=True):
        text[at] = (text[at] + by) % V
    made = scores(model, params, state, np.concatenate([IDS[:1], others]))
    moved = (np.abs(made[1:] - made[:1]).max(-1) > 1e-6).reshape(N, V - 1, N).any(1)
    assert (moved == np.triu(np.ones((N, N), bool))).all()


class Coded(Patched):
    """Patches as codes. `[B, N] -> [B, N, V]`"""

    code_levels: tuple[int, ...] = (5, 4)


def test_contracts_hold_with_codes():
    tables = {**TABLES, 'body': {**TABLES['body'], 'coded': Coded}}
    contracts = check('body', 'coded', tables)
    assert [f'{contract.rule}: {contract.why}' for contract in contracts if not contract.holds] == []
    assert {'gradient', 'causal', 'batch', 'lanes', 'edges', 'roles'} <= {contract.rule for contract in contracts}


class Peeking(PatchCodes):
    """Codes of the patch that comes next."""

    def codes(self, told):
        return super().codes(jnp.roll(told, -1, 1))


def test_a_leak_through_codes_is_seen(monkeypatch):
    """Though codes stay as they are under small changes: the contract tries large ones."""
    monkeypatch.setattr('arch.patched.PatchCodes', Peeking)
    tables = {**TABLES, 'body': {**TABLES['body'], 'coded': Coded}}
    whys = [contract.why for contract in check('body', 'coded', tables, rules=['causal']) if not contract.holds]
    assert len(whys) == 1 and 'sees what comes from token' in whys[0]


@pytest.mark.parametrize('compute', ['float32', 'bfloat16'])
def test_remat_lanes_and_types(compute):
    """With remat the same scores and gradients; in lanes what single runs give."""
    plain, again = (build(coded_config(body={'compute': compute, 'remat': remat})) for remat in (False, True))
    params, state = drawn(plain)

    def loss(model, params):
        y = model.apply(params, state, IDS, knobs={}, key=jax.random.key(0), train=True)[0]
        return jnp.square(y).mean()

    one, other = (jax.jit(jax.value_and_grad(lambda p, m=model: loss(m, p)))(params) for model in (plain, again))
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=2e-2 if compute == 'bfloat16' else 1e-4, atol=1e-4)
        assert left.dtype == jnp.float32
    several = jax.tree.map(lambda leaf: np.stack([leaf, 0.5 * leaf]), params)
    lanes = jax.jit(jax.vmap(lambda p: loss(plain, p)))(several)
    alone = [jax.jit(lambda p: loss(plain, p))(jax.tree.map(lambda leaf, at=at: leaf[at], several)) for at in (0, 1)]
    np.testing.assert_allclose(lanes, alone, rtol=2e-2 if compute == 'bfloat16' else 1e-5)


def test_half_the_bits_give_nearly_the_same_codes():
    x = np.random.default_rng(3).integers(V, size=(40, N), dtype=np.int32)
    mine, other = (coded_config(levels=(8, 5), body={'compute': compute}) for compute in ('float32', 'bfloat16'))
    params, state = drawn(build(mine))
    one, two = (patch_code_numbers(config, params, state, x) for config in (mine, other))
    assert len(np.unique(one)) > 5 and (one == two).mean() > 0.8


def test_parameters_roles_and_places():
    model = build(coded_config(levels=(8, 5, 5, 5)))
    params, _ = drawn(model)
    bare, _ = drawn(build(config()))
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in (params, bare)]
    assert sizes[0] - sizes[1] == WIDE + (WIDE * 4 + 4) + (4 * WIDE + WIDE)
    roles = model.roles(params)['codes']
    assert roles == {
        'norm': {'scale': 'vector'},
        **{name: {'kernel': 'matrix', 'bias': 'vector'} for name in ('code', 'read')},
    }
    assert set(jax.tree.leaves(model.above(params)['codes'])) == {4}
    counts = cost_of(coded_config(levels=(8, 5, 5, 5)), jax.ShapeDtypeStruct((1, 12), jnp.int32))
    assert counts['macs_by_part']['codes'] == 4 * 2 * WIDE * 4


def test_no_codes_is_no_field_of_a_config():
    base = changed(config(), ())
    assert changed(base, (put('body.code_levels', []),)) == base
    assert changed(base, (put('body.code_levels', [8, 5]),))['body']['code_levels'] == [8, 5]


def test_use_of_a_book():
    mine = coded_config()
    params, state = drawn(build(mine))
    x = np.random.default_rng(3).integers(V, size=(150, N), dtype=np.int32)
    numbers = patch_code_numbers(mine, params, state, x)
    use = code_use(mine, params, state, x)
    shares = np.bincount(numbers.ravel(), minlength=12) / numbers.size
    bits = -sum(share * np.log2(share) for share in shares if share)
    assert use == {
        **{'codes': 12, 'patches': 150 * (N // PATCH), 'used': pytest.approx((shares > 0).mean())},
        **{'perplexity': pytest.approx(2**bits), 'bits_per_token': pytest.approx(bits / PATCH)},
    }
    assert 1 < use['perplexity'] <= 12
    with pytest.raises(ValueError, match="body 'patched' has no learned codes; allowed: body 'patched' with code_levels"):
        code_use(config(), params, state, x)


@pytest.mark.parametrize(
    ('levels', 'why'),
    [
        ([8, 1], r'code_levels=\[8, 1\]; allowed: whole numbers from 2 to 1000, one for each channel'),
        ([8, 1001], 'from 2 to 1000'),
        ([8.0], 'from 2 to 1000'),
        ([True, 5], 'from 2 to 1000'),
        ([1000] * 4, 'make 1,000,000,000,000 codes; allowed: up to 2,147,483,647'),
        (8, 'code_levels=8 is a int; allowed: a list'),
    ],
)
def test_refused(levels, why):
    with pytest.raises(ValueError, match=why):
        build(config(body={'code_levels': levels}))
