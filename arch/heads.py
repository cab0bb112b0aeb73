"""Heads: from channels to scores. `(x, context)`; the last product is named `head`, or is the stem's table."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Head, Stem
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.multi_next_token import MultiNextToken
from arch.norms import LayerNorm
from arch.ops.patches import unpatched

SCORES = ('isotropic', 'causal', 'tokens')
MAPS = ('hierarchical', 'isotropic', 'bidirectional', 'maps')


def pooled(x: jax.Array) -> jax.Array:
    """The mean over the positions: [B, C]."""
    return x.mean(tuple(range(1, x.ndim - 1)))


def check_softcap(what: str, softcap: float) -> None:
    """Raise ValueError where `softcap` is below 0."""
    if softcap < 0:
        raise ValueError(f'{what}: softcap={softcap:g}; allowed: 0 for none, or above; change softcap')


def capped(scores: jax.Array, softcap: float) -> jax.Array:
    """softcap tanh(scores / softcap); the scores themselves where softcap is 0."""
    return softcap * jnp.tanh(scores / softcap) if softcap else scores


class Classifier(Head):
    """Norm, mean over positions, one product, as in Swin (2103.14030): a score for each of `outputs` classes.

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    """

    sockets: Sockets
    outputs: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'classifier'", outputs=self.outputs)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        return Dense(self.outputs, name='head')(pooled(x), context)


class PooledNormClassifier(Head):
    """Mean over positions, norm, one product, as in ConvNeXt (2201.03545): a score for each of `outputs` classes.

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    """

    sockets: Sockets
    outputs: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'pooled_norm_classifier'", outputs=self.outputs)
        x = self.sockets.make('norm', name='norm', site='head')(pooled(x), context)
        return Dense(self.outputs, name='head')(x, context)


class PooledClassifier(Head):
    """Mean over positions, one product, as in ResNet (1512.03385): a score for each of `outputs` classes.

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    """

    outputs: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'pooled_classifier'", outputs=self.outputs)
        return Dense(self.outputs, name='head')(pooled(x), context)


class WideClassifier(Head):
    """A product to `width` channels, norm, activation, mean over positions, one product, as in EfficientNet (1905.11946).

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    With `hidden` above 0 the mean goes through one more product of so many channels and an activation, as in MobileNetV3
    (1905.02244). The first product has no bias.
    """

    sockets: Sockets
    outputs: int = 10
    width: int = 64
    hidden: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'wide_classifier'", outputs=self.outputs, width=self.width)
        if self.hidden < 0:
            raise ValueError(f"head 'wide_classifier': hidden={self.hidden}; allowed: 0 (no product) or above; change hidden")
        x = Dense(self.width, bias=False, name='widen')(x, context)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        x = pooled(self.sockets.make('activation', name='activation')(x, context))
        if self.hidden:
            x = Dense(self.hidden, name='hidden')(x, context)
            x = self.sockets.make('activation', name='activation_hidden')(x, context)
        return Dense(self.outputs, name='head')(x, context)


class MlpClassifier(Head):
    """Mean over positions, layer norm, then an MLP with a norm inside, as in ConvFormer and CAFormer (2210.13452).

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    norm(max(x hidden, 0)^2) head, with ratio C hidden channels; with ratio 0 a single product. Both norms are layer norms,
    whatever the model's norm is.
    """

    outputs: int = 10
    ratio: float = 4.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'mlp_classifier'", outputs=self.outputs)
        if self.ratio < 0:
            raise ValueError(
                f"head 'mlp_classifier': ratio={self.ratio:g}; allowed: 0 (no hidden channels) or above; change it"
            )
        x = LayerNorm(name='norm')(pooled(x), context)
        if self.ratio:
            x = Dense(max(1, round(self.ratio * x.shape[-1])), name='hidden')(x, context)
            x = LayerNorm(name='norm_hidden')(jnp.square(jax.nn.relu(x)), context)
        return Dense(self.outputs, name='head')(x, context)


class FirstTokenClassifier(Head):
    """Norm, the first position, one product, as in ViT (2010.11929): a score for each of `outputs` classes.

    `[B, N, C] -> [B, V]`. For stem 'class_token', whose first token is no part of the image.
    """

    FITS = ('isotropic', 'bidirectional', 'tokens')

    sockets: Sockets
    outputs: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'first_token_classifier'", outputs=self.outputs)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        return Dense(self.outputs, name='head')(x[:, 0], context)


class NextToken(Head):
    """Norm, then one product at every position: a score for each of `outputs` tokens.

    `[B, N, C] -> [B, N, V]`. With a `softcap` above 0 a score s becomes softcap tanh(s / softcap) (Gemma 2, 2408.00118).
    """

    FITS = SCORES
    GENERATES = True

    sockets: Sockets
    outputs: int = 256
    bias: bool = True
    softcap: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'next_token'", outputs=self.outputs)
        check_softcap("head 'next_token'", self.softcap)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        return capped(Dense(self.outputs, bias=self.bias, name='head')(x, context), self.softcap)


class TiedNextToken(Head):
    """Norm, then each position against the stem's own table of embeddings (1608.05859): a score for each token.

    `[B, N, C] -> [B, N, V]` with V the stem's vocabulary. With a `softcap` above 0 a score s becomes softcap tanh(s / softcap).
    Raises ValueError where the stem has no table.
    """

    FITS = SCORES
    GENERATES = True

    sockets: Sockets
    stem: Stem | None = None
    softcap: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_softcap("head 'tied_next_token'", self.softcap)
        if self.stem is None or self.stem.scores is None:
            raise ValueError(
                f"head 'tied_next_token' uses the stem's table of tokens; stem '{self.sockets.kind('stem')}' has none; "
                "swap('stem', 'tokens') or use head 'next_token'"
            )
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        return capped(self.stem.scores(x), self.softcap)


class PerToken(Head):
    """Norm, then one product at every position: a score for each of `outputs` classes of each token.

    `[B, N, C] -> [B, N*factor, V]`. Where the stem has made one position of several tokens, `factor` of them get their scores
    from it, by outputs of their own.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    GENERATES = True

    sockets: Sockets
    outputs: int = 10
    factor: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'per_token'", outputs=self.outputs, factor=self.factor)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        y = Dense(self.factor * self.outputs, name='head')(x, context)
        return y.reshape(len(y), -1, self.outputs)


class Interpolated(Head):
    """Norm, one product at every position, and its scores between positions by linear interpolation (1411.4038).

    `[B, H, W, C] -> [B, H*factor, W*factor, V]`. `factor` is how far stem and downsamples have lowered the resolution.
    """

    FITS = MAPS

    sockets: Sockets
    outputs: int = 10
    factor: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'interpolated'", outputs=self.outputs, factor=self.factor)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        y = Dense(self.outputs, name='head')(x, context)
        return _resized(y, *(side * self.factor for side in y.shape[1:3]))


class PixelShuffle(Head):
    """Norm, then one product with outputs for each pixel of a position, as in sub-pixel convolution (1609.05158).

    `[B, H, W, C] -> [B, H*factor, W*factor, V]`. `factor` is how far stem and downsamples have lowered the resolution.
    """

    FITS = MAPS

    sockets: Sockets
    outputs: int = 10
    factor: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'pixel_shuffle'", outputs=self.outputs, factor=self.factor)
        x = self.sockets.make('norm', name='norm', site='head')(x, context)
        return unpatched(Dense(self.factor**2 * self.outputs, name='head')(x, context), self.factor)


class FusedStages(Head):
    """All stages together, as in the decoder of SegFormer (2105.15203).

    `[B, H, W, C] -> [B, H*factor, W*factor, V]`. Each stage gets `width` channels by a product, and the resolution of the first
    one by linear interpolation. Then follow a product of all, the activation, a norm, and scores by interpolation to the
    input's resolution. `factor` is how far the stem has lowered that. In an isotropic body there is one stage.
    """

    FITS = MAPS

    sockets: Sockets
    outputs: int = 10
    width: int = 64
    factor: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'fused_stages'", outputs=self.outputs, width=self.width, factor=self.factor)
        stages = context.stages or (x,)
        sides = stages[0].shape[1:3]
        maps = [Dense(self.width, name=f'stage_{number}')(one, context) for number, one in enumerate(stages)]
        joined = jnp.concatenate([_resized(one, *sides) for one in maps], -1)
        y = self.sockets.make('activation', name='activation')(Dense(self.width, name='fuse')(joined, context), context)
        y = self.sockets.make('norm', name='norm', site='head')(y, context)
        return _resized(Dense(self.outputs, name='head')(y, context), *(side * self.factor for side in sides))


def _resized(x: jax.Array, height: int, width: int) -> jax.Array:
    """Maps of another size by linear interpolation: `[B, H, W, C] -> [B, height, width, C]`."""
    return x if x.shape[1:3] == (height, width) else jax.image.resize(x, (len(x), height, width, x.shape[-1]), 'bilinear')


HEADS = {
    'classifier': Classifier,
    'pooled_norm_classifier': PooledNormClassifier,
    'pooled_classifier': PooledClassifier,
    'wide_classifier': WideClassifier,
    'mlp_classifier': MlpClassifier,
    'first_token_classifier': FirstTokenClassifier,
    'next_token': NextToken,
    'tied_next_token': TiedNextToken,
    'multi_next_token': MultiNextToken,
    'per_token': PerToken,
    'interpolated': Interpolated,
    'pixel_shuffle': PixelShuffle,
    'fused_stages': FusedStages,
}
