"""Generation: a causal model that takes one token after the other, and goes on from what it was given.

Each step costs what one token costs, and what a mixer needs of earlier ones: attention meets all that it has kept, a recurrent
mixer has a state of fixed size (arch/past.py).
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from arch.model import Model
from arch.past import Past

Memory = tuple[jax.Array, dict]
"""The number of tokens so far, and what the modules keep of them."""


@dataclasses.dataclass(frozen=True)
class Generation:
    """A model step by step, for texts of at most `length` tokens.

    `start` gives what is kept before the first token, `step` the scores after one more. Raises ValueError for a model with a
    kind that does not generate, and for one that is not causal: there a router could decide by later tokens.
    """

    model: Model
    length: int

    def __post_init__(self):
        if self.model.step is None:
            raise ValueError(
                'generation goes through the kinds of a composed model, and this one is a whole model of your own; allowed: '
                'models of sockets; compose it'
            )

    def start(self, params: dict, state: dict, ids: jax.Array, knobs: Mapping[str, object] | None = None) -> Memory:
        """What is kept before the first token of texts like `ids` [B, ...]."""
        none = jnp.zeros(len(ids), bool)
        return jnp.int32(0), self._step(params, state, {}, jnp.int32(0), ids[:, 0], none, knobs)[1]

    def step(
        self, params: dict, state: dict, memory: Memory, token: jax.Array, knobs: Mapping[str, object] | None = None
    ) -> tuple[jax.Array, Memory]:
        """The scores of what follows the next token: `[B] -> [B, V]`, and what is kept with it."""
        count, parts = memory
        scores, parts = self._step(params, state, parts, count, token, jnp.ones(len(token), bool), knobs)
        return scores, (count + 1, parts)

    def scores(self, params: dict, state: dict, ids: jax.Array, knobs: Mapping[str, object] | None = None) -> jax.Array:
        """The scores after each token of a text, one after the other: `[B, N] -> [B, N, V]`.

        Raises ValueError for a text without a token, or with more than `length`.
        """
        self._check(ids)

        def one(memory: Memory, token: jax.Array) -> tuple[Memory, jax.Array]:
            scores, memory = self.step(params, state, memory, token, knobs)
            return memory, scores

        made = jax.lax.scan(one, self.start(params, state, ids, knobs), jnp.asarray(ids).T)[1]
        return jnp.swapaxes(made, 0, 1)

    def go_on(
        self,
        params: dict,
        state: dict,
        ids: jax.Array,
        key: jax.Array,
        temperature: float = 1.0,
        knobs: Mapping[str, object] | None = None,
    ) -> jax.Array:
        """Texts and what the model adds up to `length` tokens: `[B, N] -> [B, length]`.

        A token is drawn by softmax(scores / temperature); at temperature 0 it is the one of the largest score. Raises
        ValueError for a temperature below 0, and for a text without a token, or with more than `length`.
        """
        self._check(ids)
        if temperature < 0:
            raise ValueError(f'temperature={temperature}; allowed: 0 (the largest score) or more; raise it')
        given = jnp.asarray(ids)

        def one(carried: tuple, at: tuple) -> tuple[tuple, jax.Array]:
            (memory, token), (place, key) = carried, at
            scores, memory = self.step(params, state, memory, token, knobs)
            drawn = jax.random.categorical(key, scores / temperature) if temperature else scores.argmax(-1)
            known = given[:, jnp.minimum(place + 1, given.shape[1] - 1)]
            return (memory, jnp.where(place + 1 < given.shape[1], known, drawn.astype(given.dtype))), token

        first = (self.start(params, state, given, knobs), given[:, 0])
        keys = jax.random.split(key, self.length)
        return jax.lax.scan(one, first, (jnp.arange(self.length), keys))[1].T

    def _check(self, ids: jax.Array) -> None:
        tokens = jnp.shape(ids)[1]
        if not 1 <= tokens <= self.length:
            raise ValueError(f'texts of {tokens} tokens; allowed: 1 to length={self.length}; cut them or raise length')

    def _step(
        self,
        params: dict,
        state: dict,
        parts: dict,
        count: jax.Array,
        token: jax.Array,
        live: jax.Array,
        knobs: Mapping[str, object] | None,
    ) -> tuple[jax.Array, dict]:
        at = jnp.broadcast_to(count, (len(token),))
        past = Past(at=at, place=at, live=live, room=self.length, length=self.length)
        scores, parts = self.model.step(params, state, parts, token[:, None], past=past, knobs=knobs or {})
        return scores[:, 0], parts
