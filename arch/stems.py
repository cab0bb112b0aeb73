"""Stems: from data to channels. `(x, context)`; images `[B, H, W, I]`, token ids `[B, N]`, samples `[B, N, I]`.

A `width` that is not 0 is used in place of the body's first one: a block that begins a stage by itself widens it."""

from collections.abc import Sequence
from dataclasses import field

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Stem
from arch.context import Context
from arch.dense import Dense
from arch.filters import Kernels, check_taps, strided_conv
from arch.make import positive
from arch.model_sockets import Sockets
from arch.ops.first_of_each import first_of_each
from arch.ops.ngram_hash import ngram_hashes
from arch.ops.patches import patches
from arch.ops.pooling import max_pool
from arch.ops.product import product
from arch.parameter import parameter
from arch.past import Past

MAPS = ('hierarchical', 'isotropic', 'bidirectional', 'maps')
TOKENS = ('isotropic', 'causal', 'bidirectional', 'tokens')
AFTER = ('nothing', 'norm', 'activation', 'norm_activation')


def check_image(kind: str, x: jax.Array) -> None:
    """Raise ValueError where the input is not a batch of images."""
    if x.ndim != 4 or not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(
            f"stem '{kind}': given {x.dtype} of shape {x.shape}, allowed images [B, H, W, I] of floats; scale whole numbers to "
            "floats, use stem 'tokens' for ids"
        )


def own_width(kind: str, width: int, features: int) -> int:
    """The channels that a stem makes: its own `width`, with 0 `features`, the body's. Raises ValueError below 0."""
    if width < 0:
        raise ValueError(f"stem '{kind}': width={width}; allowed: 0 for the body's first width, or above; change width")
    return width or features


class Patchify(Stem):
    """Non-overlapping patches and one matrix product (2010.11929): a convolution of size and stride `patch`.

    `[B, H, W, I] -> [B, H/patch, W/patch, C]`. Raises ValueError where the input is not a map of images.
    """

    FITS = MAPS

    features: int
    patch: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'patchify'", patch=self.patch)
        check_image('patchify', x)
        return Dense(self.features, name='patches')(patches(x, self.patch), context)


class PatchifyNorm(Stem):
    """Patches and a norm, as ConvNeXt and Swin begin (2201.03545, 2103.14030).

    `[B, H, W, I] -> [B, H/patch, W/patch, C]`. Raises ValueError where the input is not a map of images.
    """

    FITS = MAPS

    sockets: Sockets
    features: int
    patch: int = 4
    width: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'patchify_norm'", patch=self.patch)
        check_image('patchify_norm', x)
        width = own_width('patchify_norm', self.width, self.features)
        x = Dense(width, name='patches')(patches(x, self.patch), context)
        return self.sockets.make('norm', name='norm', site='stem')(x, context)


class ClassToken(Stem):
    """Patches as a sequence behind a learned class token (2010.11929), which starts at 0.

    `[B, H, W, I] -> [B, M, C]` with M = 1 + H W / patch^2, row by row. Raises ValueError where the input is not a map of
    images. Between the two stand `registers` more
    learned tokens (2309.16588), which add to M; head 'first_token_classifier' reads none of them.
    """

    FITS = ('isotropic', 'bidirectional', 'tokens')

    features: int
    patch: int = 4
    registers: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'class_token'", patch=self.patch)
        if self.registers < 0:
            raise ValueError(f"stem 'class_token': registers={self.registers}; allowed: 0 or more; change it")
        check_image('class_token', x)
        x = Dense(self.features, name='patches')(patches(x, self.patch), context)
        shape = self.registers, self.features
        tokens = self.param('embedding', lambda key: jnp.pad(context.initial.embedding(key, shape), ((1, 0), (0, 0))))
        first = jnp.broadcast_to(tokens[None].astype(x.dtype), (len(x), *tokens.shape))
        return jnp.concatenate([first, x.reshape(len(x), -1, self.features)], axis=1)


class OverlappingConv(Stem):
    """ResNet's stem (1512.03385): a 7 x 7 convolution of stride 2, norm, activation, 3 x 3 maximum of stride 2.

    `[B, H, W, I] -> [B, H/4, W/4, C]`, sizes rounded up. Raises ValueError where the input is not a map of images.
    """

    FITS = MAPS

    sockets: Sockets
    features: int
    width: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_image('overlapping_conv', x)
        width = own_width('overlapping_conv', self.width, self.features)
        x = Kernels(width, 7, 2, bias=False, name='conv')(x, context)
        x = self.sockets.make('norm', name='norm', site='stem')(x, context)
        x = self.sockets.make('activation', name='activation')(x, context)
        return max_pool(x, 3, 2)


class StridedConv(Stem):
    """A convolution with a stride, then what `after` says: 'nothing', a 'norm', an 'activation' and a norm, or the two the
    other way, 'norm_activation'.

    `[B, H, W, I] -> [B, H/factor, W/factor, C]`, sizes rounded up. PoolFormer begins with 7 taps and factor 4 (2111.11418),
    ConvMixer with as many taps as its factor, an activation and a norm (2201.09792), MobileNet and EfficientNet with 3 taps
    without `bias`, factor 2, a norm and an activation (1905.02244, 1905.11946). As many taps as the factor are patches
    that do not overlap; more have zeros around the map. Raises ValueError where the input is not a map of images, or where
    the filter steps over pixels.
    """

    FITS = MAPS

    sockets: Sockets
    features: int
    kernel: int = 7
    factor: int = 4
    after: str = 'nothing'
    bias: bool = True
    width: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_taps("stem 'strided_conv'", self.kernel, self.factor)
        if self.after not in AFTER:
            raise ValueError(f"stem 'strided_conv': after={self.after!r}; allowed: {list(AFTER)}; change after")
        check_image('strided_conv', x)
        width = own_width('strided_conv', self.width, self.features)
        x = strided_conv(x, context, width, self.kernel, self.factor, self.bias)
        for then in {'nothing': (), 'activation': ('activation', 'norm')}.get(self.after, self.after.split('_')):
            given = {'site': 'stem'} if then == 'norm' else {}
            x = self.sockets.make(then, name=then, **given)(x, context)
        return x


class Tokens(Stem):
    """A table of token embeddings: embedding[id], drawn by the model's `initial` kind.

    `[B, N] -> [B, N, C]`. Raises ValueError where the input is not token ids.
    """

    FITS = TOKENS
    GENERATES = True

    features: int
    vocabulary: int = 256

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return self.rows(x, context)

    @nn.nowrap
    def rows(self, x: jax.Array, context: Context) -> jax.Array:
        """The rows of the table that the ids name."""
        positive("stem 'tokens'", vocabulary=self.vocabulary)
        if x.ndim != 2 or not jnp.issubdtype(x.dtype, jnp.integer):
            raise ValueError(
                f"stem 'tokens': given {x.dtype} of shape {x.shape}, allowed integer ids [B, N]; use stem 'patchify' for images"
            )
        table = self.param('embedding', lambda key: context.initial.embedding(key, (self.vocabulary, self.features)))
        return jnp.asarray(table)[x]

    def scores(self, x: jax.Array) -> jax.Array:
        """Each channel vector against every row of the table, for a tied head: `[B, N, C] -> [B, N, V]`."""
        return product(x, self.get_variable('params', 'embedding').T.astype(x.dtype))


class ScaledTokens(Tokens):
    """A table of token embeddings times one learned gain that starts at sqrt(C) (2503.10622, section 7).

    `[B, N] -> [B, N, C]`. Raises ValueError where the input is not token ids.
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        gain = self.param('gain', lambda key: jnp.full((), self.features**0.5, jnp.float32))
        return self.rows(x, context) * gain


class RootScaledTokens(Tokens):
    """A table of token embeddings times sqrt(C) (1706.03762; Gemma, 2403.08295), as it is for a tied head too.

    `[B, N] -> [B, N, C]`. Raises ValueError where the input is not token ids.
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return self.rows(x, context) * self.features**0.5


class NormedTokens(Tokens):
    """A table of token embeddings and a norm, as RWKV begins (2305.13048).

    `[B, N] -> [B, N, C]`. Raises ValueError where the input is not token ids.
    """

    sockets: Sockets = field(kw_only=True)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return self.sockets.make('norm', name='norm', site='stem')(self.rows(x, context), context)


class HashedNgrams(Tokens):
    """The mean of a token's embedding and those of the n-grams that end there, found by their hash.

    `[B, N] -> [B, N, C]`. For each n of `sizes` the last n tokens name a row of one table of `buckets` rows, as in fastText
    (1607.01759), drawn evenly from -1/C to 1/C; the Byte Latent Transformer has a table for each n (2412.09871, section 3.2.1).
    With no mixer behind it this is a bag of n-grams. With `once` a token or an n-gram that stood before adds nothing, so that
    the bag holds which of them there are and not how often, as good bags of words do. Raises ValueError where the input is not
    token ids, or a size is below 2.
    """

    sizes: Sequence[int] = (2, 3, 4, 5)
    buckets: int = 32768
    once: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'hashed_ngrams'", buckets=self.buckets)
        if min(self.sizes) < 2:
            raise ValueError(f"stem 'hashed_ngrams': sizes={list(self.sizes)}; allowed: one or more of 2 and up; change sizes")
        tokens = self.rows(x, context)
        table = NgramTable(self.features, self.buckets, name='ngrams')()
        given, past = x, context.past
        if past is not None:  # -1 is what no token is, as in the hashes of a whole text
            x = past.recent(self, 'ids', x, max(self.sizes) - 1, blank=-1)
        parts = [(tokens, given.astype(jnp.uint32))]
        for size in self.sizes:
            hashes = ngram_hashes(x, size)[:, -given.shape[1] :]
            parts.append((table[hashes % self.buckets], hashes))
        if self.once:
            parts = [
                (jnp.where(self._new(keys, number, past)[..., None], part, 0), keys)
                for number, (part, keys) in enumerate(parts)
            ]
        tokens, *grams = (part for part, _ in parts)
        return (tokens + sum(grams)) / len(parts)

    @nn.nowrap
    def _new(self, keys: jax.Array, number: int, past: Past | None) -> jax.Array:
        """Whether each key `[B, N]` stands there for the first time."""
        if past is None:
            return first_of_each(keys)
        whole = past.stored(self, f'keys_{number}', keys)
        earlier = jnp.arange(past.room)[None] < past.at[:, None]
        return ~((whole == keys) & earlier).any(-1, keepdims=True)


class NgramTable(nn.Module):
    """A table of embeddings `[buckets, features]`, small at first: most n-grams are rare, and what they start with stays."""

    features: int
    buckets: int

    @nn.compact
    def __call__(self) -> jax.Array:
        return parameter(self, 'embedding', _small, (self.buckets, self.features))


def _small(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
    return jax.random.uniform(key, shape, jnp.float32, -1, 1) / shape[-1]


class Waveform(Stem):
    """Audio samples to tokens, one layer of wav2vec 2.0's and Whisper's (2006.11477, 2212.04356): convolution, activation.

    `[B, N, I] -> [B, N/factor, C]`, sizes rounded up. The filter has `kernel` taps, zeros around the input, and stands at
    every `factor`-th sample; in a causal body it looks back only. Raises ValueError for an input of another form, or where
    the filter steps over samples.
    """

    FITS = TOKENS

    sockets: Sockets
    features: int
    kernel: int = 3
    factor: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_taps("stem 'waveform'", self.kernel, self.factor)
        if x.ndim != 3 or not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(
                f"stem 'waveform': given {x.dtype} of shape {x.shape}, allowed samples [B, N, I] of a floating type; use stem "
                "'tokens' for ids or 'patchify' for images"
            )
        x = Kernels(self.features, self.kernel, self.factor, name='conv')(x, context)
        return self.sockets.make('activation', name='activation')(x, context)


STEMS = {
    'patchify': Patchify,
    'patchify_norm': PatchifyNorm,
    'class_token': ClassToken,
    'overlapping_conv': OverlappingConv,
    'strided_conv': StridedConv,
    'tokens': Tokens,
    'scaled_tokens': ScaledTokens,
    'root_scaled_tokens': RootScaledTokens,
    'normed_tokens': NormedTokens,
    'hashed_ngrams': HashedNgrams,
    'waveform': Waveform,
}
