"""Blocks: how a mixer and a channel block make one layer. `(stream, context)` to the next stream, by the residual rule.

A block with `STRIDES = True` can also begin a stage by itself. Then it gets a `shortcut`: its branch reads the map of the stage
before, keeps every `stride`-th position, and is added to the shortcut's output.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from arch.block import Layer
from arch.branch import Branch, unchanged
from arch.channel_gate import ChannelGate, check_gate
from arch.context import Context
from arch.dense import Dense
from arch.depth_routing import MixtureOfDepths
from arch.filters import Kernels
from arch.make import positive
from arch.model_sockets import Sockets
from arch.two_branches import two_branches
from arch.window import check_window

COUNTS = ('each', 'one')


def check_count(block: str, field: str, count: str) -> None:
    """Raise ValueError for another word than those of `COUNTS`."""
    if count not in COUNTS:
        raise ValueError(f'{block}: {field}={count!r}; allowed: {list(COUNTS)}; change {field}')


class TwoBranch(Layer):
    """A transformer's layer (1706.03762, 2111.11418): a residual branch for the mixer, another for the channel block.

    `[..., C] -> [..., C]`
    """

    BRANCHES = 2
    GENERATES = True

    sockets: Sockets

    @nn.compact
    def __call__(self, stream: object, context: Context) -> object:
        return two_branches(self.sockets, stream, context)


class OneBranch(Layer):
    """ConvNeXt's layer (2201.03545): one residual branch of mixer, norm, channel block.

    `[..., C] -> [..., C]`
    """

    BRANCHES = 1
    GENERATES = True

    sockets: Sockets

    @nn.compact
    def __call__(self, stream: object, context: Context) -> object:
        mixer = self.sockets.make('mixer', name='mixer')
        channel = self.sockets.make('channel', name='channel')
        norm = self.sockets.make('norm', name='norm', site='channel')
        rule = self.sockets.make('residual', name='residual', closing=True)
        return rule(stream, Branch(mixer, norm, channel), context)


class Parallel(Layer):
    """Mixer and channel block side by side (GPT-J, 2204.02311): one branch, mixer(norm(x)) + channel(norm(x)).

    `[..., C] -> [..., C]`. With norms 'each' the channel block has a norm of its own in place of the mixer's, as in GPT-NeoX
    (2204.06745), also where the residual rule puts the branch's norm elsewhere.
    """

    BRANCHES = 1
    GENERATES = True

    sockets: Sockets
    norms: str = 'one'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_count("block 'parallel'", 'norms', self.norms)

    @nn.compact
    def __call__(self, stream: object, context: Context) -> object:
        self.check(0, context.causal)
        make = self.sockets.make
        mixer, channel = make('mixer', name='mixer'), make('channel', name='channel')
        norm = make('norm', name='norm', site='mixer')
        rule = make('residual', name='residual', closing=True)
        if self.norms == 'one':
            return rule(stream, Branch(unchanged, norm, lambda x, c: mixer(x, c) + channel(x, c)), context)
        # What enters the branch, for the second norm: a rule may norm it, or its result, in between.
        norm_channel, entering = make('norm', name='norm_channel', site='channel'), []

        def before(x: jax.Array, context: Context) -> jax.Array:
            entering.append(x)
            return x

        def after(y: jax.Array, context: Context) -> jax.Array:
            return mixer(y, context) + channel(norm_channel(entering.pop(), context), context)

        return rule(stream, Branch(before, norm, after), context)


class MixerOnly(Layer):
    """One residual branch of norm and mixer, without a channel block, as Mamba's layer (2312.00752).

    `[..., C] -> [..., C]`. The socket `channel` is left empty.
    """

    BRANCHES = 1
    GENERATES = True

    sockets: Sockets

    @nn.compact
    def __call__(self, stream: object, context: Context) -> object:
        mixer = self.sockets.make('mixer', name='mixer')
        norm = self.sockets.make('norm', name='norm', site='mixer')
        rule = self.sockets.make('residual', name='residual', closing=True)
        return rule(stream, Branch(unchanged, norm, mixer), context)


class ConvMixer(Layer):
    """ConvMixer's layer (2201.09792): y = x + norm(activation(mixer(x))), then norm(activation(y product)), without a sum.

    `[..., C] -> [..., C]`. The socket `channel` is left empty.
    """

    BRANCHES = 1
    GENERATES = True
    ON_SUM = True

    sockets: Sockets
    features: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        make = self.sockets.make
        mixer, first = make('mixer', name='mixer'), make('activation', name='activation_mixer')
        norm = make('norm', name='norm_mixer', site='channel')
        rule = make('residual', name='residual', closing=True)
        x = rule(x, Branch(lambda x, context: first(mixer(x, context), context), norm, unchanged), context)
        x = make('activation', name='activation_product')(Dense(self.features, name='product')(x, context), context)
        return make('norm', name='norm_product', site='channel')(x, context)


def subsample(x: jax.Array, stride: int) -> jax.Array:
    """Every `stride`-th position along every axis, the first one included: `[B, N, C] -> [B, N/stride, C]`, maps alike.

    >>> import jax.numpy as jnp
    >>> subsample(jnp.arange(5).reshape(1, 5, 1), 2).ravel().tolist()
    [0, 2, 4]
    """
    return x[(slice(None), *[slice(None, None, stride)] * (x.ndim - 2))] if stride > 1 else x


def striding(sockets: Sockets, stride: int) -> Callable:
    """The mixer with a stride: by itself if it can, else with `subsample` after it."""
    if sockets.cls('mixer').SUBSAMPLES:
        return sockets.make('mixer', name='mixer', stride=stride)
    mixer = sockets.make('mixer', name='mixer')
    return lambda x, context: subsample(mixer(x, context), stride)


class Bottleneck(Layer):
    """ResNet's layer (1512.03385, stride in the mixer): product, mixer, product, each normed, activations between and after.

    `[..., C] -> [..., C]`. The mixer works on ratio C channels: 1/4 in ResNet, 4 with dimensions inverted (2201.03545). The
    branch's norm is the one after the mixer; the last activation follows the sum. No product has a bias.
    """

    BRANCHES = 1
    GENERATES = True
    STRIDES = True

    sockets: Sockets
    features: int = 0
    ratio: float = 0.25

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("block 'bottleneck'", ratio=self.ratio)

    @nn.nowrap
    def inner(self, width: int) -> int:
        """The number of channels that the mixer works on."""
        return max(1, round(self.ratio * width))

    @nn.compact
    def __call__(self, x: jax.Array, context: Context, shortcut: Callable | None = None, stride: int = 1) -> jax.Array:
        self.check(self.features, context.causal)
        make = self.sockets.make
        reduce = Dense(self.inner(self.features), bias=False, name='reduce')
        norm_reduce = make('norm', name='norm_reduce', site='mixer')
        first = make('activation', name='activation_reduce')
        mixer = striding(self.sockets, stride)
        norm_mixer = make('norm', name='norm_mixer', site='channel')
        second = make('activation', name='activation_mixer')
        norm_expand = make('norm', name='norm_expand', site='end')
        expand = Dense(self.features, bias=False, end=not norm_expand.starts_branch(), name='expand')

        def before(y: jax.Array, context: Context) -> jax.Array:
            y = x if shortcut else y
            return mixer(first(norm_reduce(reduce(y, context), context), context), context)

        def after(y: jax.Array, context: Context) -> jax.Array:
            return norm_expand(expand(second(y, context), context), context)

        rule = make('residual', name='residual', closing=True)
        y = rule(shortcut(x, context) if shortcut else x, Branch(before, norm_mixer, after), context)
        return make('activation', name='activation_sum')(y, context)


class Basic(Layer):
    """ResNet-18's layer (1512.03385): convolution and mixer, each normed, activations between and after.

    `[..., C] -> [..., C]`. The convolution is the block's own, of `kernel` taps a side, and has the stride; the mixer takes
    the place of the second one. The branch's norm is the one between; the last activation follows the sum. Raises ValueError
    for an even kernel outside a causal body.
    """

    BRANCHES = 1
    GENERATES = True
    STRIDES = True

    sockets: Sockets
    features: int = 0
    kernel: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_window("block 'basic'", 'kernel', self.kernel, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context, shortcut: Callable | None = None, stride: int = 1) -> jax.Array:
        self.check(self.features, context.causal)
        make = self.sockets.make
        conv = Kernels(self.features, self.kernel, stride, bias=False, name='conv')
        norm_conv, first = make('norm', name='norm_conv', site='channel'), make('activation', name='activation_conv')
        mixer, norm_mixer = make('mixer', name='mixer'), make('norm', name='norm_mixer', site='end')

        def before(y: jax.Array, context: Context) -> jax.Array:
            return conv(x if shortcut else y, context)

        def after(y: jax.Array, context: Context) -> jax.Array:
            inside = context.unended if norm_mixer.starts_branch() else context
            return norm_mixer(mixer(first(y, context), inside), context)

        rule = make('residual', name='residual', closing=True)
        y = rule(shortcut(x, context) if shortcut else x, Branch(before, norm_conv, after), context)
        return make('activation', name='activation_sum')(y, context)


class InvertedBottleneck(Layer):
    """MobileNetV2's and EfficientNet's layer (1801.04381, 1905.11946): product, mixer, gate, product, the last one linear.

    `[..., C] -> [..., C]`. x + norm(project(gate(activation(norm(mixer(activation(norm(expand(x))))))))) on ratio C channels;
    with ratio 1 nothing is expanded. `gate`: 'none', 'squeeze_excite' (SE, 1709.01507) through squeeze ratio C channels,
    'hard_squeeze_excite' with MobileNetV3's functions (1905.02244), or 'efficient' (ECA, 1910.03151) with a filter of `taps`
    channels. EfficientNet squeezes to a quarter of C, so that its squeeze is 0.25 / ratio. The branch's norm is the one after
    the mixer. No product has a bias. The socket `channel` is left empty. With the downsample 'in_block_alone' a stage begins
    without a shortcut, as in both papers.
    """

    BRANCHES = 1
    GENERATES = True
    STRIDES = True

    sockets: Sockets
    features: int = 0
    ratio: float = 4.0
    gate: str = 'none'
    squeeze: float = 0.25
    taps: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "block 'inverted_bottleneck'"
        positive(name, ratio=self.ratio)
        if self.gate != 'none':
            check_gate(name, self.gate, self.squeeze, self.taps)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context, shortcut: Callable | None = None, stride: int = 1) -> jax.Array:
        self.check(self.features, context.causal)
        make, wide = self.sockets.make, self.ratio != 1
        expand, norm_expand, first = unchanged, unchanged, unchanged
        if wide:
            channels = max(1, round(self.ratio * x.shape[-1]))
            expand = Dense(channels, bias=False, name='expand')
            norm_expand, first = make('norm', name='norm_expand', site='mixer'), make('activation', name='activation_expand')
        mixer = striding(self.sockets, stride)
        norm_mixer, second = make('norm', name='norm_mixer', site='channel'), make('activation', name='activation_mixer')
        gated = unchanged
        if self.gate != 'none':
            gated = ChannelGate(self.sockets, self.gate, self.squeeze, self.taps, name='gate')
        norm_project = make('norm', name='norm_project', site='end')
        project = Dense(self.features, bias=False, end=not norm_project.starts_branch(), name='project')

        def before(y: jax.Array, context: Context) -> jax.Array:
            y = x if shortcut else y
            return mixer(first(norm_expand(expand(y, context), context), context), context)

        def after(y: jax.Array, context: Context) -> jax.Array:
            return norm_project(project(gated(second(y, context), context), context), context)

        rule = make('residual', name='residual', closing=True)
        return rule(shortcut(x, context) if shortcut else x, Branch(before, norm_mixer, after), context)


class MixerFirst(Layer):
    """A bottleneck with its mixer moved up, on the way from ResNet to ConvNeXt (2201.03545): mixer, product, product.

    `[..., C] -> [..., C]`. The products lead to ratio C channels and back. `norms`: after 'each' of the three, or after 'one',
    the mixer. `activations`: after 'each' of the three and the sum, or after 'one', the first product. A product without a norm
    after it has a bias. With 'one' for both it is ConvNeXt's layer, which can subsample.
    """

    BRANCHES = 1
    GENERATES = True
    STRIDES = True

    sockets: Sockets
    features: int = 0
    ratio: float = 4.0
    norms: str = 'each'
    activations: str = 'each'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("block 'mixer_first'", ratio=self.ratio)
        check_count("block 'mixer_first'", 'norms', self.norms)
        check_count("block 'mixer_first'", 'activations', self.activations)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context, shortcut: Callable | None = None, stride: int = 1) -> jax.Array:
        self.check(self.features, context.causal)
        bias, channels = self.norms == 'one', max(1, round(self.ratio * self.features))

        def norm(name: str, site: str, wanted: bool) -> Callable:
            return self.sockets.make('norm', name=name, site=site) if wanted else unchanged

        def activation(name: str, wanted: bool) -> Callable:
            return self.sockets.make('activation', name=name) if wanted else unchanged

        each = self.activations == 'each'
        mixer = striding(self.sockets, stride)
        norm_mixer = norm('norm_mixer', 'channel', True)
        first = activation('activation_mixer', each)
        up = Dense(channels, bias=bias, name='up')
        norm_up = norm('norm_up', 'channel', not bias)
        second = activation('activation_up', True)
        norm_down = norm('norm_down', 'end', not bias)
        down = Dense(self.features, bias=bias, end=bias or not norm_down.starts_branch(), name='down')

        def before(y: jax.Array, context: Context) -> jax.Array:
            return mixer(x if shortcut else y, context)

        def after(y: jax.Array, context: Context) -> jax.Array:
            hidden = second(norm_up(up(first(y, context), context), context), context)
            return norm_down(down(hidden, context), context)

        rule = self.sockets.make('residual', name='residual', closing=True)
        y = rule(shortcut(x, context) if shortcut else x, Branch(before, norm_mixer, after), context)
        return activation('activation_sum', each)(y, context)


BLOCKS = {
    'two_branch': TwoBranch,
    'one_branch': OneBranch,
    'parallel': Parallel,
    'mixer_only': MixerOnly,
    'mixture_of_depths': MixtureOfDepths,
    'conv_mixer': ConvMixer,
    'basic': Basic,
    'bottleneck': Bottleneck,
    'mixer_first': MixerFirst,
    'inverted_bottleneck': InvertedBottleneck,
}
