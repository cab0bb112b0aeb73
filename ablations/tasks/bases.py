"""Bases: complete model configs that studies start from, as plain data. Every socket is filled, every field written out."""

import copy

BODY = {'over_depth': 'loop', 'remat': False, 'compute': 'float32'}
"""How a body runs by default."""
PLAIN = {
    'body': {},
    'stem': {},
    'position': {'kind': 'none'},
    'block': {'kind': 'two_branch'},
    'mixer': {},
    'norm': {'kind': 'layer_norm', 'eps': 1e-6},
    'qk_norm': {'kind': 'identity'},
    'residual': {'kind': 'pre'},
    'channel': {'kind': 'mlp', 'ratio': 4.0},
    'activation': {'kind': 'gelu'},
    'downsample': {'kind': 'none'},
    'head': {},
    'initial': {'kind': 'lecun_normal', 'branch_end': 'same'},
}
"""The sockets in order, each with its plainest kind. `arch/config.py` has the same for published models; a test keeps the two
equal, because neither room may import the other."""


def complete(*, body: dict, stem: dict, mixer: dict, head: dict, **what_differs: dict) -> dict:
    """The plain config with other specs in some sockets.

    >>> body, ids = {'kind': 'isotropic', 'width': 8, 'depth': 2, 'causal': True}, {'kind': 'tokens', 'vocabulary': 5}
    >>> config = complete(body=body, stem=ids, mixer={'kind': 'identity'}, head={'kind': 'tied_next_token'})
    >>> config['mixer'], config['norm'], config['body']['compute']
    ({'kind': 'identity'}, {'kind': 'layer_norm', 'eps': 1e-06}, 'float32')

    Raises ValueError for a socket that no model has.
    """
    unknown = [socket for socket in what_differs if socket not in PLAIN]
    if unknown:
        raise ValueError(f'unknown sockets {unknown}; allowed: {sorted(PLAIN)}; mend the name')
    given = {'body': {**body, **{name: value for name, value in BODY.items() if name not in body}}}
    return copy.deepcopy({**PLAIN, **given, 'stem': stem, 'mixer': mixer, 'head': head, **what_differs})


def convnext(outputs: int, patch: int, widths: list[int], depths: list[int], kernel: int) -> dict:
    """A small ConvNeXt (2201.03545) for images: stages of depthwise convolutions with one branch a block.

    Between stages it pools, so that positions are mixed by the mixer and by nothing else.
    """
    return complete(
        body={'kind': 'hierarchical', 'widths': widths, 'depths': depths},
        stem={'kind': 'patchify_norm', 'patch': patch, 'width': 0},
        block={'kind': 'one_branch'},
        mixer={'kind': 'depthwise_conv', 'kernel': kernel, 'bias': True},
        downsample={'kind': 'pool_conv', 'factor': 2},
        head={'kind': 'classifier', 'outputs': outputs},
    )


def decoder(vocabulary: int, length: int, width: int, depth: int, mixer: dict, ratio: float) -> dict:
    """A small causal model over tokens, norm first, with learned positions: a transformer (1706.03762) if it attends."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': vocabulary},
        position={'kind': 'learned', 'length': length},
        mixer=mixer,
        channel={'kind': 'mlp', 'ratio': ratio},
        head={'kind': 'next_token', 'outputs': vocabulary, 'bias': True},
    )


def vit(outputs: int, patch: int, length: int, width: int, depth: int, heads: int) -> dict:
    """A small vision transformer (2010.11929) that averages its positions."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'patchify', 'patch': patch},
        position={'kind': 'learned', 'length': length},
        mixer={'kind': 'attention', 'heads': heads, 'biases': 'needed'},
        head={'kind': 'classifier', 'outputs': outputs},
    )


def waveform(outputs: int, kernel: int, factor: int, width: int, depth: int, mixer: dict) -> dict:
    """A small model over samples [N, 1] that begins with one convolution and averages its positions."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'waveform', 'kernel': kernel, 'factor': factor},
        block={'kind': 'one_branch'},
        mixer=mixer,
        head={'kind': 'classifier', 'outputs': outputs},
    )


def rows(outputs: int, width: int, depth: int) -> dict:
    """A small residual network of products alone (2106.11959) for the rows of a table, each one position [1, F]."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'waveform', 'kernel': 1, 'factor': 1},
        block={'kind': 'one_branch'},
        mixer={'kind': 'identity'},
        head={'kind': 'classifier', 'outputs': outputs},
    )


def texts(vocabulary: int, length: int, outputs: int, width: int, depth: int, mixer: dict) -> dict:
    """A small model of whole texts, which averages its positions."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'tokens', 'vocabulary': vocabulary},
        position={'kind': 'learned', 'length': length},
        mixer=mixer,
        head={'kind': 'classifier', 'outputs': outputs},
    )


def labelled_tokens(vocabulary: int, length: int, outputs: int, width: int, depth: int, mixer: dict) -> dict:
    """The same with a class for every position."""
    base = texts(vocabulary, length, outputs, width, depth, mixer)
    return {**base, 'head': {'kind': 'per_token', 'outputs': outputs, 'factor': 1}}


def ngrams(vocabulary: int, outputs: int, width: int, sizes: list[int], buckets: int, once: bool = False) -> dict:
    """A bag of hashed n-grams (1607.01759), no matter in which order they stand: embeddings, their mean, a norm, one product.

    Its one layer begins as nothing (ReZero, 2003.04887), and mixes nothing until a study swaps in a mixer. With `once` each
    n-gram counts once in a text. Few places of a long one then hold anything: so the mean is small, and so is the norm's eps;
    and the layer has no norm in front, which would make a place with one new n-gram as loud as one with five.
    """
    bag = {'kind': 'hashed_ngrams', 'vocabulary': vocabulary, 'sizes': sizes, 'buckets': buckets}
    norm, layers = {}, {}
    if once:
        bag['once'] = True
        norm['norm'] = {'kind': 'layer_norm', 'eps': 1e-12}
        layers['stack'] = [{'times': 1, 'norm': {'kind': 'identity'}}]
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': 1, 'causal': False, **layers},
        stem=bag,
        block={'kind': 'mixer_only'},
        mixer={'kind': 'identity'},
        residual={'kind': 'rezero'},
        head={'kind': 'pooled_norm_classifier', 'outputs': outputs},
        **norm,
    )
