"""Initials: the first values of kernels and embeddings. Biases start at 0; the knob `init_scale` multiplies every kernel.

`branch_end` says how the last product of each residual branch starts: 'same' as the others; 'zero', so that every block
starts as the identity (1901.09321, 1706.02677); 'depth', divided by the root of the number of residual branches (GPT-2).
Learning rates that belong to first values, as in muP, follow from `Initial.base`.
"""

import dataclasses
import math
import re
from collections.abc import Collection

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

    def base(self, config: dict, residuals: Collection[str]) -> dict | None:
        """The config of the smaller model that first values and learning rates are meant for; None: for this one.

        `residuals` are the residual rules of all layers.
        """
        return None

    def branch(self, depth: int) -> float:
        """The factor of each residual branch of a body of so many layers."""
        return 1.0

    def layers(self, depth: int) -> float:
        """How many times as many layers there are as in the base."""
        return 1.0


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


@dataclasses.dataclass(frozen=True)
class MaximalUpdate(Initial):
    """muP (2203.03466): the first values and the learning rates with which a wide model learns as fast as the narrow one.

    At `base_width` it is lecun_normal. In a model m times as wide, tables keep their variance, products start with variance
    1 / fan-in, and those whose outputs do not grow, such as the head, with 1 / m of that. Under Adam and its kin the rate of a
    product whose inputs grow is 1 / m of the others'; with plain gradients it is outputs / inputs (sweeps/training/shares.py).
    The heads of a mixer must keep their size: wider means more of them. With a `base_depth` above 0, residual branches are
    multiplied by sqrt(base_depth / depth), and so is the rate within the blocks, as in Depth-muP (2310.02244).
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'maps', 'tokens')

    base_width: int = 64
    base_depth: int = 0

    def __post_init__(self):
        super().__post_init__()
        positive("initial 'mup'", base_width=self.base_width)
        if self.base_depth < 0:
            raise ValueError(f"initial 'mup': base_depth={self.base_depth}; allowed: 0 (widths alone) or above; change it")

    def draw(self, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int) -> jax.Array:
        return _truncated(key, shape, fan_in**-0.5)

    def embedding(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        return self.base_width**-0.5 * jax.random.normal(key, shape, jnp.float32)

    def base(self, config: dict, residuals: Collection[str]) -> dict:
        if 'width' not in config['body']:
            raise ValueError(
                f"initial 'mup' is for bodies of one width; body '{config['body']['kind']}' has none; allowed: 'isotropic', "
                "with its width given: put('body.width', 64)"
            )
        if config['head']['kind'] == 'tied_next_token':
            raise ValueError(
                "initial 'mup' has one rule for tables and another for heads; head 'tied_next_token' is both; "
                "swap('head', 'next_token', outputs=...)"
            )
        others = set(residuals) - set(MULTIPLIED)
        if self.base_depth and others:
            raise ValueError(
                f"initial 'mup' with base_depth={self.base_depth} multiplies what a branch adds to the stream; residual "
                f'{sorted(others)} norms it again or adds otherwise; allowed: {list(MULTIPLIED)}, or base_depth=0'
            )
        body = {**config['body'], 'width': self.base_width}
        return {**config, 'body': body, 'initial': {'kind': 'lecun_normal'}}

    def branch(self, depth: int) -> float:
        return self.layers(depth) ** -0.5

    def layers(self, depth: int) -> float:
        return depth / self.base_depth if self.base_depth else 1.0


@dataclasses.dataclass(frozen=True)
class Weights(LecunNormal):
    """The weights of a trained model, from the file with this SHA-256 (`archlab start-from`); modules in `new` are drawn anew.

    `new` has the names of modules, 'head', or paths below them, 'head/norm'. They begin as with lecun_normal.
    """

    sha256: str = ''
    new: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        if not re.fullmatch('[0-9a-f]{64}', self.sha256):
            raise ValueError(
                f"initial 'weights': sha256={self.sha256!r}; allowed: the 64 digits that `archlab start-from FILE` prints; "
                'give them'
            )


MULTIPLIED = ('pre', 'layer_scale', 'rezero', 'skip_init')
"""The residual rules that add a multiple of a branch to the stream."""

INITIALS = {
    'lecun_normal': LecunNormal,
    'he_normal': HeNormal,
    'glorot_normal': GlorotNormal,
    'normal': Normal,
    'truncated_normal': TruncatedNormal,
    'mup': MaximalUpdate,
    'weights': Weights,
}
