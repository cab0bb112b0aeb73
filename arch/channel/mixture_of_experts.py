"""Mixture of experts: many MLPs, and a router that chooses a few of them for every position.

Accelerators, and the counting of costs, sort the positions by expert and compute only chosen experts. On CPU every expert sees
every position, and experts that were not chosen are multiplied by 0: as fast with four experts, slower with more (`make
bench`).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Channel
from arch.channel.ragged import ragged
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.ops.lowering import plain
from arch.parameter import parameter


class Experts(nn.Module):
    """One matrix for each of `experts`.

    With `sizes` [E]: rows [M, C], the first sizes[0] of them those of expert 0 and so on, to [M, F]. Without: the same rows
    [M, C] for all, or rows [E, M, C] for each, to [E, M, F].
    """

    experts: int
    features: int
    end: bool = False

    @nn.compact
    def __call__(self, rows: jax.Array, sizes: jax.Array | None, context: Context) -> jax.Array:
        channels = rows.shape[-1]
        shape = (self.experts, channels, self.features)
        kernel = parameter(
            self, 'kernel', lambda key, shape: context.kernel(key, shape, channels, self.features, self.end), shape
        )
        kernel = kernel.astype(rows.dtype)
        if sizes is not None:
            return ragged(rows, kernel, sizes)
        return jnp.einsum('mc,ecf->emf' if rows.ndim == 2 else 'emc,ecf->emf', rows, kernel)


class MixtureOfExperts(Channel):
    """Sparse mixture of experts (1701.06538, 2006.16668, 2101.03961): sum over chosen e of p_e activation(x up_e) down_e.

    `[..., C] -> [..., C]`. p = softmax(x router) in float32, and the `top` experts of largest p are chosen. Their p are
    divided by their sum, but for top = 1 (Switch), where the gate is p itself. Each expert has F = ratio C hidden channels
    and no biases. No position is dropped, however many choose one expert, so no example sees another.

    Two losses are added to that of the task: `expert_balance` = balance E sum_e f_e P_e, where f_e is the share of all
    choices that fell on e and P_e the mean of p_e; and `router_z` = router_z mean(logsumexp(x router)^2) (2202.08906). A
    weight of 0 leaves its loss out; knobs of these names replace the weights. Raises ValueError where `top` is above `experts`.
    """

    KERNELS = {'up': ('each', 'in', 'out'), 'down': ('each', 'in', 'out')}
    KNOBS = {'expert_balance': 'balance', 'router_z': 'router_z'}

    sockets: Sockets
    experts: int = 4
    top: int = 2
    ratio: float = 4.0
    balance: float = 0.01
    router_z: float = 0.001

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]
        self.check(channels, context.causal)
        tokens = x.reshape(-1, channels)
        router = Dense(self.experts, bias=False, branch=False, name='router')
        logits = router(tokens.astype(jnp.float32), context)
        shares = jax.nn.softmax(logits, axis=-1)
        gates, chosen = jax.lax.top_k(shares, self.top)
        if self.top > 1:
            gates = gates / gates.sum(-1, keepdims=True)
        sizes = jax.nn.one_hot(chosen, self.experts, dtype=jnp.int32).sum((0, 1))
        self.losses(logits, shares, sizes / chosen.size, context)

        up = Experts(self.experts, max(1, round(self.ratio * channels)), name='up')
        activation = self.sockets.make('activation', name='activation')
        down = Experts(self.experts, channels, end=True, name='down')

        def through(rows: jax.Array, sizes: jax.Array | None) -> jax.Array:
            return down(activation(up(rows, sizes, context), context), sizes, context)

        if plain():
            # Every choice is a row; the rows of one expert stand together, and the inverse order leads them back.
            order = jnp.argsort(chosen.reshape(-1))
            made = through(jnp.repeat(tokens, self.top, axis=0)[order], sizes)[jnp.argsort(order)]
            y = (made.reshape(len(tokens), self.top, channels) * gates[..., None].astype(x.dtype)).sum(1)
        else:
            weights = (jax.nn.one_hot(chosen, self.experts) * gates[..., None]).sum(1)
            y = jnp.einsum('emc,me->mc', through(tokens, None), weights.astype(x.dtype))
        return y.reshape(x.shape)

    @nn.nowrap
    def losses(self, logits: jax.Array, shares: jax.Array, fractions: jax.Array, context: Context) -> None:
        """Sow the weighted losses, which the model collects."""
        balance, router_z = context.knob('expert_balance', self.balance), context.knob('router_z', self.router_z)
        if not isinstance(balance, float) or balance:
            self.sow('aux', 'expert_balance', balance * self.experts * (fractions * shares.mean(0)).sum())
        if not isinstance(router_z, float) or router_z:
            self.sow('aux', 'router_z', router_z * jnp.square(jax.nn.logsumexp(logits, axis=-1)).mean())

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        """Raise ValueError for impossible numbers of experts."""
        kind = "channel 'mixture_of_experts'"
        positive(kind, experts=self.experts, top=self.top, ratio=self.ratio)
        if self.top > self.experts:
            raise ValueError(
                f'{kind}: top={self.top} is above experts={self.experts}; allowed: 1 to {self.experts}; '
                'lower top or raise experts'
            )
        for name, weight in (('balance', self.balance), ('router_z', self.router_z)):
            if weight < 0:
                raise ValueError(f'{kind}: {name}={weight} is given, allowed is 0 or above; raise {name}')
