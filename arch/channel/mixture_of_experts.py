"""Mixture of experts: many MLPs, and a router that chooses a few of them for every position.

Accelerators, and the counting of costs, sort the positions by expert and compute only chosen experts. On CPU every expert sees
every position, and experts that were not chosen are multiplied by 0: as fast with four experts, slower with more (`make
bench`).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Channel
from arch.channel import expert_gates
from arch.channel.experts import Experts
from arch.channel.gated import Gated
from arch.channel.mlp import Mlp
from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.model_sockets import Sockets
from arch.ops.lowering import plain

KIND = "channel 'mixture_of_experts'"
BALANCES = ('batch', 'example')
"""What `expert_balance` is asked of: all positions of a batch, or those of each example."""


class MixtureOfExperts(Channel):
    """Sparse mixture of experts (1701.06538, 2006.16668, 2101.03961): sum over chosen e of p_e activation(x up_e) down_e.

    `[..., C] -> [..., C]`. p = softmax(x router) in float32, and the `top` experts of largest p are chosen. Their p are
    divided by their sum, but for top = 1 (Switch), where the gate is p itself. Each expert has F = ratio C hidden channels
    and no biases. No position is dropped, however many choose one expert, so no example sees another.

    More of DeepSeek-V3 (2412.19437): `gated` experts are (activation(x gate_e) * (x up_e)) down_e. `shared` experts more see
    every position, as one MLP of shared F hidden channels. With `scoring` = 'sigmoid' p = sigmoid(x router). Gates are
    multiplied by `scale`. Of `groups` equal groups of neighbouring experts those chosen lie in the `top_groups` whose two
    largest p sum to the most. With a `bias_step` u above 0 each expert has a bias b_e, and the p + b of experts and groups
    decide which are chosen; gates rest on p alone. After each training step b_e <- b_e + u sign(mean(n) - n_e), where n_e
    positions of the batch chose e (2408.15664): a running statistic, moved once a step, from which no example sees another.

    Two losses are added to that of the task: `expert_balance` = balance E sum_e f_e P_e, where f_e is the share of all
    choices that fell on e and P_e the mean of p_e, of a sigmoid that of p_e / sum p; and `router_z` = router_z
    mean(logsumexp(x router)^2) (2202.08906). With `balance_over` = 'example' f and P are those of each example, and the loss is
    their mean. A weight of 0 leaves its loss out; knobs of these names replace the weights. Raises ValueError where `top` is
    above `experts`, or above what the chosen groups hold.
    """

    KERNELS = {'gate': ('each', 'in', 'out'), 'up': ('each', 'in', 'out'), 'down': ('each', 'in', 'out')}
    KNOBS = {'expert_balance': 'balance', 'router_z': 'router_z'}

    sockets: Sockets
    experts: int = 4
    top: int = 2
    ratio: float = 4.0
    balance: float = 0.01
    router_z: float = 0.001
    gated: bool = False
    shared: int = 0
    scoring: str = 'softmax'
    scale: float = 1.0
    groups: int = 1
    top_groups: int = 1
    bias_step: float = 0.0
    balance_over: str = 'batch'

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]
        self.check(channels, context.causal)
        tokens = x.reshape(-1, channels)
        router = Dense(self.experts, bias=False, branch=False, name='router')
        logits = router(tokens.astype(jnp.float32), context)
        scored = expert_gates.scores(logits, self.scoring)
        bias = self.variable('state', 'bias', jnp.zeros, (self.experts,)) if self.moves_state() else None
        preferred = scored if bias is None else scored + bias.value[None]
        preferred = expert_gates.in_best_groups(preferred, self.groups, self.top_groups)
        gates, chosen = expert_gates.gates(scored, preferred, self.top, self.scoring)
        gates = gates if self.scale == 1 else self.scale * gates
        picked = jax.nn.one_hot(chosen, self.experts, dtype=jnp.int32)
        sizes = picked.sum((0, 1))
        self.losses(logits, expert_gates.shares(scored, self.scoring), picked, len(x), context)
        if bias is not None and context.train and not self.is_initializing():
            bias.value = expert_gates.balanced(bias.value, sizes, self.bias_step)

        hidden = max(1, round(self.ratio * channels))
        gate = Experts(self.experts, hidden, name='gate') if self.gated else None
        up = Experts(self.experts, hidden, name='up')
        activation = self.sockets.make('activation', name='activation')
        down = Experts(self.experts, channels, end=True, name='down')

        def through(rows: jax.Array, sizes: jax.Array | None) -> jax.Array:
            made = up(rows, sizes, context)
            made = activation(made, context) if gate is None else activation(gate(rows, sizes, context), context) * made
            return down(made, sizes, context)

        if plain():
            # Every choice is a row; the rows of one expert stand together, and the inverse order leads them back.
            order = jnp.argsort(chosen.reshape(-1))
            made = through(jnp.repeat(tokens, self.top, axis=0)[order], sizes)[jnp.argsort(order)]
            y = (made.reshape(len(tokens), self.top, channels) * gates[..., None].astype(x.dtype)).sum(1)
        else:
            weights = (picked.astype(gates.dtype) * gates[..., None]).sum(1)
            y = jnp.einsum('emc,me->mc', through(tokens, None), weights.astype(x.dtype))
        y = y.reshape(x.shape)
        return y + self.seeing_all()(x, context) if self.shared else y

    @nn.nowrap
    def seeing_all(self) -> nn.Module:
        """The shared experts, as one MLP."""
        ratio = self.shared * self.ratio
        if self.gated:
            return Gated(self.sockets, ratio=ratio, name='shared_experts')
        return Mlp(self.sockets, ratio=ratio, bias=False, name='shared_experts')

    @nn.nowrap
    def moves_state(self) -> bool:
        return self.bias_step > 0

    @nn.nowrap
    def losses(self, logits: jax.Array, shares: jax.Array, picked: jax.Array, examples: int, context: Context) -> None:
        """Sow the weighted losses, which the model collects."""
        balance, router_z = context.knob('expert_balance', self.balance), context.knob('router_z', self.router_z)
        if not isinstance(balance, float) or balance:
            parts = 1 if self.balance_over == 'batch' else examples
            loads = picked.reshape(parts, -1, self.experts).sum(1)
            fractions = loads / (picked.size // (parts * self.experts))
            means = shares.reshape(parts, -1, self.experts).mean(1)
            self.sow('aux', 'expert_balance', balance * self.experts * (fractions * means).sum(-1).mean())
        if not isinstance(router_z, float) or router_z:
            self.sow('aux', 'router_z', router_z * jnp.square(jax.nn.logsumexp(logits, axis=-1)).mean())

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        """Raise ValueError for impossible numbers of experts, or an unknown word."""
        positive(KIND, experts=self.experts, top=self.top, ratio=self.ratio, scale=self.scale)
        if self.top > self.experts:
            raise ValueError(
                f'{KIND}: top={self.top} is above experts={self.experts}; allowed: 1 to {self.experts}; '
                'lower top or raise experts'
            )
        divides(KIND, 'groups', self.groups, 'experts', self.experts)
        if not 1 <= self.top_groups <= self.groups:
            raise ValueError(
                f'{KIND}: top_groups={self.top_groups} is given with groups={self.groups}; allowed: 1 to {self.groups}; '
                'change top_groups'
            )
        inside = self.top_groups * self.experts // self.groups
        if self.top > inside:
            raise ValueError(
                f'{KIND}: top={self.top} is above the {inside} experts of top_groups={self.top_groups} groups; lower top or '
                'raise top_groups'
            )
        for name, value, allowed in (
            ('scoring', self.scoring, expert_gates.SCORINGS),
            ('balance_over', self.balance_over, BALANCES),
        ):
            if value not in allowed:
                raise ValueError(f'{KIND}: {name}={value!r}; allowed: {list(allowed)}; change {name}')
        for name in ('balance', 'router_z', 'shared', 'bias_step'):
            if getattr(self, name) < 0:
                raise ValueError(f'{KIND}: {name}={getattr(self, name)} is given, allowed is 0 or above; raise {name}')
