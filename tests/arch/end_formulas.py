"""What the tests of stems, downsamples and heads share: inputs, parameters, and products and norms in numpy."""

import numpy as np

GENERATOR = np.random.default_rng(0)
MAP = GENERATOR.normal(size=(2, 4, 6, 3)).astype(np.float32)


def dense(inputs, outputs):
    kernel, bias = GENERATOR.normal(size=(inputs, outputs)), GENERATOR.normal(size=outputs)
    return {'kernel': kernel.astype(np.float32), 'bias': bias.astype(np.float32)}


def product(x, params):
    return x @ params['kernel'] + params['bias']


def cut(x, size):
    """Patches one at a time, rows first."""
    rows = [
        [x[:, i : i + size, j : j + size].reshape(len(x), -1) for j in range(0, x.shape[2], size)]
        for i in range(0, x.shape[1], size)
    ]
    return np.stack([np.stack(row, 1) for row in rows], 1)


PLAIN_NORM = {'norm': {'kind': 'identity'}}
RMS_NORM = {'norm': {'kind': 'rms_norm', 'eps': 0.1}, 'activation': {'kind': 'relu'}}
SCALES = GENERATOR.normal(size=12).astype(np.float32)


def normed(x):
    """What the norm socket of RMS_NORM holds, with the first of SCALES."""
    return SCALES[: x.shape[-1]] * x / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + 0.1)


def scales(count):
    return {'scale': SCALES[:count]}


def kernel(*shape):
    return {'kernel': GENERATOR.normal(size=shape).astype(np.float32)}
