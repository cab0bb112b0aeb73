"""Initials: the first values of kernels and embeddings. Biases start at 0; the knob `init_scale` multiplies every kernel.

`branch_end` says how the last product of each residual branch starts: 'same' as the others; 'zero', so that every block
starts as the identity (1901.09321, 1706.02677); 'depth', divided by the root of the number of residual branches (GPT-2).
"""

import dataclasses
import math

import jax
import jax.numpy as jnp

from arch.flags import Flags
from arch.make import positive

ENDS = ('same', 'zero', 'depth')


@dataclasses.dataclass(frozen=True)
class Initial(Flags):
    """The base of initials, with the start of the last products of branches."""

    branch_end: str = 'same'

    def __post_init__(self):
        if self.branch_end not in ENDS:
            raise ValueError(f'initial: branch_end={self.branch_end!r}; allowed: {list(ENDS)}; change branch_end')

    def end(self, branches: int) -> float:
        """The factor of the last product of each of `branches` residual branches.

        >>> Initial('same').end(4), Initial('zero').end(4), Initial('depth').end(4)
        (1.0, 0.0, 0.5)
        """
        return {'same': 1.0, 'zero': 0.0, 'depth': 1 / math.sqrt(branches)}[self.branch_end]

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        """A kernel of `shape`, whose outputs each sum over `fan_in` inputs."""
        raise NotImplementedError

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        """A table [V, C]."""
        raise NotImplementedError


def _truncated(key: jax.Array, shape: tuple[int, ...], deviation: float) -> jax.Array:
    """A normal truncated at two standard deviations, scaled to the given deviation."""
    return jax.nn.initializers.truncated_normal(deviation / 0.87962566103423978)(key, shape, jnp.float32)


@dataclasses.dataclass(frozen=True)
class LecunNormal(Initial):
    """A truncated normal of variance 1 / fan-in (LeCun 1998); embeddings are normal of variance 1 / C."""

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return _truncated(key, shape, fan_in**-0.5)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return shape[-1] ** -0.5 * jax.random.normal(key, shape, jnp.float32)


@dataclasses.dataclass(frozen=True)
class HeNormal(Initial):
    """A normal of variance 2 / fan-out, as ResNet starts its convolutions (1502.01852); embeddings of variance 1 / C."""

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return (2 / fan_out) ** 0.5 * jax.random.normal(key, shape, jnp.float32)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return shape[-1] ** -0.5 * jax.random.normal(key, shape, jnp.float32)


@dataclasses.dataclass(frozen=True)
class GlorotNormal(Initial):
    """A normal of variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010), as in DeepNorm; embeddings of 1 / C."""

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return (2 / (fan_in + fan_out)) ** 0.5 * jax.random.normal(key, shape, jnp.float32)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return shape[-1] ** -0.5 * jax.random.normal(key, shape, jnp.float32)


@dataclasses.dataclass(frozen=True)
class Normal(Initial):
    """A normal of one deviation for kernels and embeddings, as in GPT-2 (with branch_end 'depth') and Llama."""

    deviation: float = 0.02

    def __post_init__(self):
        super().__post_init__()
        positive("initial 'normal'", deviation=self.deviation)

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return self.deviation * jax.random.normal(key, shape, jnp.float32)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return self.deviation * jax.random.normal(key, shape, jnp.float32)


@dataclasses.dataclass(frozen=True)
class TruncatedNormal(Initial):
    """A truncated normal of one deviation for kernels and embeddings, as in ViT (2010.11929), Swin and ConvNeXt."""

    deviation: float = 0.02

    def __post_init__(self):
        super().__post_init__()
        positive("initial 'truncated_normal'", deviation=self.deviation)

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return _truncated(key, shape, self.deviation)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return _truncated(key, shape, self.deviation)


INITIALS = {
    'lecun_normal': LecunNormal,
    'he_normal': HeNormal,
    'glorot_normal': GlorotNormal,
    'normal': Normal,
    'truncated_normal': TruncatedNormal,
}
