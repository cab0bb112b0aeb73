"""Residual rules of wider streams as loops in numpy, with the branch that they ride on."""

import numpy as np

C = 6
X = np.random.default_rng(0).normal(size=(2, 4, C)).astype(np.float32)
EPS = 1e-6


def norm(y, context=None):
    return y - y.mean(-1, keepdims=True)


def f(y):
    """The branch in numpy, where values are not mixed."""
    return np.tanh(norm(y))


def sigmoid(y):
    return 1 / (1 + np.exp(-y))


def pre(params, x, blocks):
    for _ in range(2 * blocks):
        x = x + f(x)
    return x


def hyper_connections(params, x, blocks):
    streams = [x for _ in range(3)]
    for part in (params[f'branch_{i}'] for i in range(2 * blocks)):
        normed = []
        for h in streams:
            centred = h - h.mean(-1, keepdims=True)
            deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + EPS)
            normed.append(centred / deviation * part['norm']['scale'] + part['norm']['bias'])
        width, depth = part['width'], part['depth']
        a = [width['bias'][s] + width['gain'] * np.tanh(normed[s] @ width['kernel']) for s in range(3)]
        b = [depth['bias'][s] + depth['gain'] * np.tanh(normed[s] @ depth['kernel']) for s in range(3)]
        mixed = [sum(a[s][..., t, None] * streams[s] for s in range(3)) for t in range(4)]
        y = f(mixed[0])
        streams = [mixed[1 + s] + b[s] * y for s in range(3)]
    return sum(streams)


def manifold_hyper_connections(params, x, blocks):
    streams = [x for _ in range(3)]

    def logits(part, streams):
        flat = np.concatenate(streams, axis=-1)
        flat = flat / np.sqrt((flat**2).mean(-1, keepdims=True) + EPS)
        return part['bias'] + part['gain'] * (flat @ part['kernel'])

    def read(part, streams):
        weights = sigmoid(logits(part, streams))
        return sum(weights[..., s, None] * streams[s] for s in range(3))

    for part in (params[f'branch_{i}'] for i in range(2 * blocks)):
        y = f(read(part['pre'], streams))
        post = 2 * sigmoid(logits(part['post'], streams))
        matrix = np.exp(logits(part['res'], streams)).reshape(*x.shape[:-1], 3, 3)
        for _ in range(20):
            matrix = matrix / matrix.sum(-1, keepdims=True)
            matrix = matrix / matrix.sum(-2, keepdims=True)
        streams = [sum(matrix[..., s, t, None] * streams[t] for t in range(3)) + post[..., s, None] * y for s in range(3)]
    return read(params['leave'], streams)


def attention_residuals(params, x, blocks):
    def lookup(part, outputs):
        scores = []
        for v in outputs:
            key = v / np.sqrt((v**2).mean(-1, keepdims=True) + EPS) * part['norm']['scale']
            scores.append(np.exp((key * part['scale']).sum(-1, keepdims=True)))
        return sum(score * v for score, v in zip(scores, outputs, strict=True)) / sum(scores)

    outputs = [x, f(x)]
    for i in range(1, 2 * blocks):
        outputs.append(f(lookup(params[f'branch_{i}']['lookup'], outputs)))
    return lookup(params['leave'], outputs)


def depth_weighted_average(dilation, period):
    def formula(params, x, blocks):
        outputs = [x]
        for block in range(1, blocks + 1):
            x = x + f(x)
            x = x + f(x)
            outputs.append(x)
            if block % period == 0:
                taken = [j for j in range(block + 1) if (block - j) % dilation == 0]
                scale = params[f'branch_{2 * block - 1}']['scale']
                assert len(scale) == len(taken)
                x = sum(scale[i] * outputs[j] for i, j in enumerate(taken))
        return x

    return formula


def value_residual(params, x, blocks):
    # Both branches of this file's blocks have values, so that the second one mixes already.
    first = f(x)
    x = x + first
    for i in range(1, 2 * blocks):
        scale = params[f'branch_{i}']['scale']
        x = x + scale[0] * f(x) + scale[1] * first
    return x


FORMULAS = [
    ('hyper_connections', {'streams': 3}, 2, hyper_connections),
    ('manifold_hyper_connections', {'streams': 3}, 2, manifold_hyper_connections),
    ('attention_residuals', {}, 2, attention_residuals),
    ('depth_weighted_average', {}, 3, depth_weighted_average(1, 1)),
    ('depth_weighted_average', {'dilation': 2, 'period': 3}, 6, depth_weighted_average(2, 3)),
    ('value_residual', {}, 2, value_residual),
    ('first_values', {}, 2, pre),
]
