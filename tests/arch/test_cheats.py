"""Blocks that see what they must not, where no gradient shows it, are caught; honest ones that look alike are not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from broken_words import says
from flax import linen as nn

from arch.contracts import check
from arch.contracts.leaks import later_leak, unlike
from arch.sockets import TABLES


class Block(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    def mix(self, x, context):
        raise NotImplementedError

    @nn.compact
    def __call__(self, x, context):
        return self.mix(x, context).astype(x.dtype)


def following(x):
    """The token after each, 0 after the last."""
    return jnp.pad(x[:, 1:], ((0, 0), (0, 1), (0, 0)))


def mixers(*functions):
    """A class of a block for each function `(x, context)`."""
    return [
        type(function.__name__, (Block,), {'mix': lambda self, x, c, f=function: f(x, c), '__doc__': Block.__doc__})
        for function in functions
    ]


def sign_of_the_next(x, context):
    return x * jnp.sign(following(x))


def few_tokens(x, context):
    chosen = jax.lax.top_k(x.sum(-1), 3)[1]
    return x * jax.nn.one_hot(chosen, x.shape[1], dtype=x.dtype).sum(1)[..., None]


def largest_token(x, context):
    return x * (jnp.argmax(x.sum(-1), 1)[:, None] == jnp.arange(x.shape[1])[None])[..., None].astype(x.dtype)


def rank_of_the_token(x, context):
    return x * (1 + jnp.argsort(jnp.argsort(x.sum(-1), 1), 1)[..., None].astype(x.dtype))


def rounded_next(x, context):
    return x + jnp.round(following(x))


def count_of_large_tokens(x, context):
    return x * (1 + (x > 0.5).sum((1, 2), keepdims=True).astype(x.dtype))


def threshold_by_the_sequence(x, context):
    return jnp.where(x > jax.lax.stop_gradient(x.mean(1, keepdims=True)), x, 0)


def only_in_training(x, context):
    return sign_of_the_next(x, context) if context.train else x


def only_outside_training(x, context):
    return x if context.train else sign_of_the_next(x, context)


def only_far_out(x, context):
    late = (jnp.arange(x.shape[1]) > 12)[None, :, None]
    return jnp.where(late, sign_of_the_next(x, context), x)


def only_of_large_values(x, context):
    return x * jnp.where(following(x) > 6, 2, 1).astype(x.dtype)


def only_of_exact_zeros(x, context):
    return x * jnp.where(following(x) == 0, 2, 1).astype(x.dtype) + 0 * x


def one_step_at_a_border(x, context):
    """Chunks of four whose last token sees the first of the next."""
    border = (jnp.arange(x.shape[1]) % 4 == 3)[None, :, None]
    return jnp.where(border, sign_of_the_next(x, context), x)


def same_sign_as_a_later_one(x, context):
    return x * (1 + (jnp.sign(x) == jnp.sign(x[:, ::-1])).astype(x.dtype))


LATER = mixers(
    sign_of_the_next,
    few_tokens,
    largest_token,
    rank_of_the_token,
    rounded_next,
    count_of_large_tokens,
    threshold_by_the_sequence,
    only_in_training,
    only_outside_training,
    only_far_out,
    only_of_large_values,
    only_of_exact_zeros,
    one_step_at_a_border,
    same_sign_as_a_later_one,
)


class ThroughState(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    MIXES_BATCH = True

    @nn.compact
    def __call__(self, x, context):
        last = self.variable('state', 'last', lambda: jnp.zeros((x.shape[-1],), jnp.float32))
        own = jnp.sign(x[:, -1]).mean(0).astype(jnp.float32)
        if context.train and not self.is_initializing():
            last.value = own
        return x * (1 + own.astype(x.dtype))[None, None]


class ThroughAux(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        self.sow('aux', 'later', jnp.sign(x).sum().astype(jnp.float32))
        told = self.variables['aux']['later'][0] if 'aux' in self.variables else jnp.float32(0)
        return x * (1 + told.astype(x.dtype))


def broken(cls, rule, family='mixer'):
    contracts = check(family, 'mine', {**TABLES, family: {**TABLES[family], 'mine': cls}}, rules=rule.split())
    return {contract.rule: contract.why for contract in contracts if not contract.holds}


@pytest.mark.parametrize('cls', [*LATER, ThroughState, ThroughAux], ids=lambda cls: cls.__name__)
def test_what_sees_later_tokens_without_a_gradient_is_caught(cls):
    seen = broken(cls, 'causal whole')
    assert seen and all('sees what comes from token' in why for why in seen.values()), seen


class NextId(nn.Module):
    """`[B, N] -> [B, N, C]`"""

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')

    features: int

    @nn.compact
    def __call__(self, x, context):
        table = self.param('embedding', nn.initializers.normal(1.0), (256, self.features))
        late = jnp.pad(x[:, 1:], ((0, 0), (0, 1)))
        return jnp.where((late == 3)[..., None], -table[x], table[x])


def test_a_look_up_by_a_later_id_is_caught():
    assert 'sees what comes from token' in broken(NextId, 'causal', 'stem')['causal']


def over_examples(x, context):
    return x * jnp.sign(jnp.roll(x, 1, 0))


def two_examples_on(x, context):
    return x * jnp.sign(jnp.roll(x, 2, 0))


def best_of_the_batch(x, context):
    chosen = jax.lax.top_k(x.reshape(-1, x.shape[-1]).sum(-1), 10)[1]
    return x * jax.nn.one_hot(chosen, x.shape[0] * x.shape[1], dtype=x.dtype).sum(0).reshape(*x.shape[:2], 1)


def batch_only_outside_training(x, context):
    return x if context.train else over_examples(x, context)


def above_the_batch(x, context):
    return jnp.where(x > jax.lax.stop_gradient(x.mean((0, 1), keepdims=True)), x, 0)


EXAMPLES = mixers(over_examples, two_examples_on, best_of_the_batch, batch_only_outside_training, above_the_batch)


@pytest.mark.parametrize('cls', EXAMPLES, ids=lambda cls: cls.__name__)
def test_what_sees_other_examples_without_a_gradient_is_caught(cls):
    assert 'examples of a batch see each other' in broken(cls, 'batch')['batch']


class SaysSo(LATER[0]):
    """`[B, N, C] -> [B, N, C]`"""

    MIXES_BATCH = True

    def mix(self, x, context):
        return over_examples(x, context)


def test_who_mixes_a_batch_may_not_outside_training():
    assert says(broken(SaysSo, 'batch')['batch'], 'SaysSo')


def by_position_in_training(x, context):
    return x * jnp.sign(jnp.arange(x.shape[1]) - 2).astype(x.dtype)[None, :, None] if context.train else x


def by_order_of_large_values(x, context):
    return x * (1 + jnp.cumsum((x > 4).astype(x.dtype), 1))


@pytest.mark.parametrize('cls', mixers(by_position_in_training, by_order_of_large_values), ids=lambda cls: cls.__name__)
def test_what_sees_the_order_of_tokens_is_caught(cls):
    cls.EQUIVARIANT = True
    assert 'another order changes the outputs' in broken(cls, 'equivariant')['equivariant']


def running_sum(x, context):
    return jnp.cumsum(x, 1) if context.causal else x + x.mean(1, keepdims=True)


def few_channels(x, context):
    return jnp.where(x >= jax.lax.top_k(x, 4)[0][..., -1:], x, 0)


def sign_of_the_last(x, context):
    return x * jnp.sign(jnp.pad(x[:, :-1], ((0, 0), (1, 0), (0, 0)), constant_values=1))


def by_a_fourier_transform(x, context):
    """A long filter, all positions at once: rounds otherwise when a later token changes."""
    length, wide = x.shape[1], x.astype(jnp.float32)
    filters = jnp.fft.rfft(jnp.exp(-jnp.arange(length) / 4), 2 * length)[None, :, None]
    return jnp.fft.irfft(jnp.fft.rfft(wide, 2 * length, 1) * filters, 2 * length, 1)[:, :length]


class Dropping(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    @nn.compact
    def __call__(self, x, context):
        return nn.Dropout(0.5, rng_collection='noise', deterministic=not context.train)(x)


HONEST = [*mixers(running_sum, few_channels, sign_of_the_last, by_a_fourier_transform), Dropping]


@pytest.mark.parametrize('cls', HONEST, ids=lambda cls: cls.__name__)
def test_honest_look_alikes_pass(cls):
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'mine': cls}}
    contracts = check('mixer', 'mine', tables, rules=['causal', 'whole', 'batch', 'equivariant'])
    assert [f'{contract.rule}: {contract.why}' for contract in contracts if not contract.holds] == []


def test_statistics_of_a_batch_pass_where_they_are_declared():
    contracts = check('norm', 'batch_norm', rules=['causal', 'whole', 'batch'])
    assert all(contract.holds for contract in contracts)


def test_every_cut_is_tried():
    x = np.random.default_rng(0).normal(size=(2, 9, 3)).astype(np.float32)
    for leak in range(8):

        def run(x, leak=leak):
            return np.concatenate([x[:, :leak], x[:, leak : leak + 1] + x[:, leak + 1 : leak + 2], x[:, leak + 1 :]], 1)

        assert f'token {leak} sees what comes from token {leak + 1} on' in later_leak(run, x, list(range(1, 9)), thorough=False)
    assert later_leak(lambda x: np.cumsum(x, 1), x, list(range(1, 9))) == ''


def test_rounding_is_a_share_of_the_largest_output():
    one, whole = np.ones(3), np.array([1.0, 1.0, 1000.0])
    assert not unlike(one, one + 1e-6, one).any() and unlike(one, one + 1e-5, one).all()
    assert not unlike(one, one + 1e-3, whole).any()
    assert unlike(one, np.array([1, np.nan, 1]), one).tolist() == [False, True, False]
