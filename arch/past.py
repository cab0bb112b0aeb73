"""Past: what the modules of a causal model keep of earlier tokens, so that it can take one token after the other.

In generation a block gets `[B, 1, C]`, and `context.past` says where that token stands. Whatever looks at other positions keeps
what it needs of them in the variables 'past' of its own module: a buffer of all (`stored`), the last few (`recent`), or a state
of fixed size (`carried`). All of these are called in the scope of the module that keeps. Kinds that do so say `GENERATES`.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn


@dataclasses.dataclass(frozen=True)
class Past:
    """Where the token of each example stands.

    `at` [B]: its place in the buffers, which have `room` for so many; `place` [B]: its place in the sequence, of at most
    `length` tokens. They differ in a layer that not every token goes through. `live` [B]: whether its token is one to keep.
    """

    at: jax.Array
    place: jax.Array
    live: jax.Array
    room: int
    length: int

    def stored(self, module: nn.Module, name: str, part: jax.Array) -> jax.Array:
        """All of `part` so far, and zeros behind: `[B, 1, ...] -> [B, room, ...]`.

        The row of a token that is not live is written over by the next one.
        """
        whole = module.variable('past', f'past_{name}', jnp.zeros, (len(part), self.room, *part.shape[2:]), part.dtype)
        whole.value = jax.vmap(lambda rows, row, at: rows.at[at].set(row))(whole.value, part[:, 0], self.at)
        return whole.value

    def recent(self, module: nn.Module, name: str, part: jax.Array, count: int, blank: float = 0) -> jax.Array:
        """The `count` parts before it and itself: `[B, 1, ...] -> [B, count + 1, ...]`, `blank` before the first."""
        before = module.variable('past', f'past_{name}', jnp.full, (len(part), count, *part.shape[2:]), blank, part.dtype)
        whole = jnp.concatenate([before.value, part], 1)
        before.value = self.lived(whole[:, 1:], before.value)
        return whole

    def carried(
        self, module: nn.Module, step: Callable, first: jax.Array, *parts: jax.Array | None, name: str = 'state'
    ) -> jax.Array:
        """What `step(state, parts of one position)` gives beside the next state, which is `first` before all: `[B, 1, ...]`."""
        state = module.variable('past', f'past_{name}', lambda: first)
        after, made = step(state.value, tuple(None if part is None else part[:, 0] for part in parts))
        state.value = self.lived(after, state.value)
        return made[:, None]

    def lived(self, after: jax.Array, before: jax.Array) -> jax.Array:
        """`after` where the token is one that is kept, `before` elsewhere."""
        return jnp.where(self.live.reshape(-1, *(1,) * (after.ndim - 1)), after, before)

    def row(self, table: jax.Array) -> jax.Array:
        """The row of each token's place in the sequence: `[length, ...] -> [B, 1, ...]`."""
        return jnp.asarray(table)[self.place][:, None]

    def turned(self, rotate: Callable, part: jax.Array) -> jax.Array:
        """Queries or keys `[B, 1, K, D]` turned by a rule for whole sequences."""
        turned = rotate(jnp.broadcast_to(part, (len(part), self.length, *part.shape[2:])), (self.length,))
        return jax.vmap(lambda own, at: own[at])(turned, self.place)[:, None]

    @property
    def seen(self) -> jax.Array:
        """Which rows of a buffer are of this token or an earlier one: `[B, 1, room]`."""
        return jnp.arange(self.room)[None, None, :] <= self.at[:, None, None]


def summed(total: jax.Array, parts: tuple) -> tuple[jax.Array, jax.Array]:
    """A step for `carried`: the sum so far with one part more."""
    total = total + parts[0]
    return total, total


def along(past: Past | None, module: nn.Module, whole: Callable, step: Callable, first: jax.Array, *parts: object) -> jax.Array:
    """`whole(*parts)` over all positions; in generation one `step` from the state before, which is `first` at the beginning."""
    return whole(*parts) if past is None else past.carried(module, step, first, *parts)
