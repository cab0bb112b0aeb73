"""Every entry of every table keeps every rule; and each rule catches a block that breaks it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from broken_words import says
from flax import linen as nn
from golden_texts import ANEW
from heard_programs import Heard, told

import arch.contracts
from arch.block import Mixer
from arch.contracts import RULES, check
from arch.dense import Dense
from arch.model_sockets import Sockets
from arch.shape_lines import shape_lines
from arch.sockets import FAMILIES, TABLES

ENTRIES = [(family, kind) for family in FAMILIES for kind in TABLES[family] if family != 'initial']


IDS = [f'{family}-{kind}' for family, kind in ENTRIES]
TRACED = ('shape', 'flags', 'dtype', 'names', 'roles')
"""Rules that compile nothing, and trace little."""
WHOLE = ('bodies', 'whole')
"""Rules on whole models: in the fast suite for mixers alone, others are composed with one another in test_compositions.py."""


def broken(contracts):
    return [f'{contract.rule}: {contract.why}' for contract in contracts if not contract.holds]


DEAR = (
    *('rwkv6', 'rwkv7', 'kimi_delta_attention', 'native_sparse_attention', 'block_sparse_attention', 'retention'),
    *('gated_linear_attention', 'delta_rule', 'gated_delta_rule', 'state_space_duality', 'selective_state_space'),
)
"""Mixers of which each program takes a second and more to compile: what they leak is tried in the fast tests, all rules in
test-all."""


KNOWN = Path(__file__).with_name('entry_outputs.json')
"""{family kind: [[what, mean size, weighted mean], ...]} of what the first call of an entry's programs gave: its output and,
where the program has them, its next state and the gradients of a weighted sum. `python tests/golden_texts.py` writes it."""


@pytest.fixture
def heard(monkeypatch) -> Iterator[list[dict]]:
    """What the programs of a check gave."""
    monkeypatch.setattr(arch.contracts, 'Programs', Heard)
    Heard.made.clear()
    yield Heard.made
    Heard.made.clear()


@pytest.mark.parametrize(('family', 'kind'), ENTRIES, ids=IDS)
def test_every_entry_keeps_every_rule_on_its_first_shape_line(family, kind, heard):
    rules = [rule for rule in RULES if (family == 'mixer' or rule not in WHOLE) and (family in LANED or rule != 'lanes')]
    rules = [rule for rule in rules if rule != 'generates']  # tests/arch/test_generation.py
    if kind in DEAR:
        rules = [rule for rule in rules if rule in (*TRACED, 'causal', 'batch')]
    contracts = check(family, kind, rules=rules, lines=1)
    assert [contract.rule for contract in contracts] == ['definition', *rules]
    assert broken(contracts) == []
    now, known = told(heard), json.loads(KNOWN.read_text(encoding='utf-8'))
    if os.environ.get(ANEW):
        known[f'{family} {kind}'] = now
        KNOWN.write_text(
            '{\n' + ',\n'.join(f'{json.dumps(key)}: {json.dumps(own)}' for key, own in sorted(known.items())) + '\n}\n'
        )
    # What a new entry gives may wait for the next time that all is written.
    before = known.get(f'{family} {kind}', now)
    assert [row[0] for row in now] == [row[0] for row in before]
    for (what, *ours), (_, size, mean) in zip(now, before, strict=True):
        assert ours == [pytest.approx(size, rel=1e-3), pytest.approx(mean, abs=1e-3 * size)], f'{what} of {kind} is another'


def test_a_rule_that_holds_says_what_it_asks():
    first, shape = check('norm', 'identity', rules=('shape',), lines=1)
    assert first.holds and first.why == 'a module whose fields have defaults, with a shape line'
    assert shape.holds and shape.why == RULES['shape'].__doc__


def test_nearly_every_entry_is_on_record():
    known = json.loads(KNOWN.read_text(encoding='utf-8'))
    assert sum(f'{family} {kind}' in known for family, kind in ENTRIES) >= 0.9 * len(ENTRIES), 'python tests/golden_texts.py'


LANED = ('mixer', 'norm', 'residual', 'channel', 'body')
"""Families with states, noise or knobs, which lanes could mix; what else a body holds is in lanes there."""
MANY = [(family, kind) for family, kind in ENTRIES if len(shape_lines(TABLES[family][kind])) > 1]


@pytest.mark.parametrize(('family', 'kind'), MANY, ids=[f'{family}-{kind}' for family, kind in MANY])
def test_every_entry_keeps_the_traced_rules_on_every_shape_line(family, kind):
    assert broken(check(family, kind, rules=TRACED)) == []


@pytest.mark.parametrize('kind', ['classifier', 'pooled_norm_classifier', 'pooled_classifier'])
def test_a_head_of_one_answer_may_see_all_tokens(kind):
    """Also in a causal body: there is no later token for it."""
    assert broken(check('head', kind, rules=['shape', 'whole'])) == []


@pytest.mark.slow
@pytest.mark.parametrize(('family', 'kind'), ENTRIES, ids=IDS)
def test_every_entry_keeps_every_rule_on_every_shape_line(family, kind):
    assert broken(check(family, kind)) == []


class Undocumented(nn.Module):
    """A block that says no sizes."""

    @nn.compact
    def __call__(self, x, context):
        return x


class Bare(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    size: int

    @nn.compact
    def __call__(self, x, context):
        return x


class Shrinks(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x[:, :-1]


class Widens(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x.astype(jnp.float32)


class Unnamed(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return Dense(x.shape[-1])(x, context)


class Unknown(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x * self.param('temperature', nn.initializers.ones, ()).astype(x.dtype)


class Unused(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        self.param('gain', nn.initializers.ones, ())
        return x * self.param('scale', nn.initializers.ones, ()).astype(x.dtype)


class Infinite(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        gain = self.param('gain', nn.initializers.ones, ())
        return x * jnp.sqrt(gain - jax.lax.stop_gradient(gain)).astype(x.dtype)


class Peeks(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x + x[:, ::-1]


class Blind(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return jnp.zeros_like(x)


class Ordered(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    EQUIVARIANT = True

    @nn.compact
    def __call__(self, x, context):
        return jnp.cumsum(x, axis=1)


class Counts(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x * (2.0 if isinstance(context.layer, int) else 1.0)


class Gossips(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x - x.mean(0, keepdims=True)


class Deaf(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    KNOBS = {'strength': 1.0}

    @nn.compact
    def __call__(self, x, context):
        return jnp.sin(x)


class Concrete(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    KNOBS = {'strength': 1.0}

    @nn.compact
    def __call__(self, x, context):
        return x * float(context.knob('strength', 1.0))


class Moody(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x * float(np.random.default_rng().normal())


class Noisy(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x + jax.random.normal(self.make_rng('noise'), x.shape, x.dtype)


class Drifts(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        count = self.variable('state', 'count', jnp.zeros, ())
        if not self.is_initializing():
            count.value = count.value + 1
        return x


class Loses(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        mean = self.variable('state', 'mean', jnp.zeros, ())
        if context.train:
            mean.value = x.mean(0)
        return x


class Laned(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return x * (2.0 if 'BatchTracer' in type(x).__name__ else 1.0)


BROKEN = [
    ('definition', Undocumented),
    ('definition', Bare),
    ('definition', dict),
    ('shape', Shrinks),
    ('dtype', Widens),
    ('names', Unnamed),
    ('roles', Unknown),
    ('gradient', Unused),
    ('gradient', Infinite),
    ('lanes', Laned),
    ('causal', Peeks),
    ('causal', Blind),
    ('scan', Counts),
    ('equivariant', Ordered),
    ('batch', Gossips),
    ('knobs', Deaf),
    ('knobs', Concrete),
    ('repeatable', Moody),
    ('repeatable', Noisy),
    ('statistics', Drifts),
    ('statistics', Loses),
]


@pytest.mark.parametrize(('rule', 'cls'), BROKEN, ids=[f'{rule}-{cls.__name__}' for rule, cls in BROKEN])
def test_every_rule_catches_a_block_that_breaks_it(rule, cls):
    contracts = check('mixer', 'mine', {**TABLES, 'mixer': {**TABLES['mixer'], 'mine': cls}}, rules=[rule])
    whys = {contract.rule: contract.why for contract in contracts if not contract.holds}
    assert list(whys) == [rule] and says(whys[rule], cls.__name__), whys


def test_a_mixer_may_refuse_a_causal_body():
    class Refuses(nn.Module):
        """`[B, N, C] -> [B, N, C]`"""

        FITS = ('isotropic', 'hierarchical', 'bidirectional', 'maps', 'tokens')

        @nn.compact
        def __call__(self, x, context):
            return x + x.mean(1, keepdims=True)

    contracts = check('mixer', 'mine', {**TABLES, 'mixer': {'mine': Refuses}})
    assert all(contract.holds for contract in contracts)


def test_check_of_an_absent_entry_names_the_entries():
    with pytest.raises(ValueError, match=r"no norm 'layr'; allowed: \['adaptive_layer_norm'"):
        check('norm', 'layr')

    with pytest.raises(ValueError, match=r"no nrom 'layer_norm'; allowed: \['activation', 'block', .*name an entry of a table"):
        check('nrom', 'layer_norm')


@pytest.mark.parametrize(
    ('takes', 'given'),
    [
        ((), set()),
        (('bias',), {'bias'}),
        (('rotate', 'bias'), {'rotate'}),
        (('values',), {'values'}),
        (('first_values',), {'first_values'}),
        (('values', 'first_values', 'bias'), {'values', 'bias'}),
        (('qk_norm',), {'qk_norm'}),
    ],
    ids=lambda names: ' '.join(sorted(names)),
)
def test_a_mixer_is_tried_in_whole_models_with_what_it_takes(takes, given):
    heard = set()

    class Takes(Mixer):
        """`[B, N, C] -> [B, N, C]`"""

        FITS = ('isotropic', 'bidirectional', 'tokens')
        TAKES = takes

        sockets: Sockets

        @nn.compact
        def __call__(self, x, context):
            if context.branches > 1:  # of a whole model
                heard.update(
                    name for name in ('rotate', 'bias', 'values', 'first_values') if getattr(context, name) is not None
                )
                heard.update({'qk_norm'} if self.sockets.kind('qk_norm') != 'identity' else ())
            for hand_on in (context.values, context.first_values):
                if hand_on is not None:
                    hand_on(x[:, :, None])
            return x

    contracts = check('mixer', 'mine', {**TABLES, 'mixer': {**TABLES['mixer'], 'mine': Takes}}, rules=['bodies'])
    assert [contract.why for contract in contracts if not contract.holds] == []
    assert heard == given


def test_a_body_that_a_kind_claims_and_that_does_not_build_is_told():
    class Picky(nn.Module):
        """`[B, N, C] -> [B, N, C]`"""

        @nn.compact
        def __call__(self, x, context):
            if context.branches > 1:
                raise RuntimeError('not with others')
            return x

    (broken,) = (c for c in check('mixer', 'mine', {**TABLES, 'mixer': {'mine': Picky}}, rules=['bodies']) if not c.holds)
    assert broken.rule == 'bodies' and broken.why.startswith('[B, N, C] -> [B, N, C]: a body that it claims does not build: ')
    assert 'not with others' in broken.why and broken.why.endswith('; mend it, or leave the place out of FITS')
