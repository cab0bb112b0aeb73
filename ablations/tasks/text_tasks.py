"""Text tasks: languages over prepared sets, as data for `ablations.tasks`.

"Measured" is the base in its budget under AdamW at the stated learning rate, one seed, on the sealed test split, with the
seconds of one CPU core; tasks without such a line were not measured. `archlab data reference TASK` says what to beat.
"""

import math

from ablations.tasks import bases

_TEXT = {'domain': 'text', 'metric': 'loss', 'direction': 'lower', 'margin': 0.02}
_BITS = {**_TEXT, 'unit': 'bits per byte'}
_NATS = {**_TEXT, 'unit': 'nats per token'}


def _transformer(vocabulary: int, length: int, width: int, depth: int) -> dict:
    """A causal transformer with rotary positions and RMS norms, heads of 32 channels."""
    return {
        **bases.decoder(vocabulary, length, width, depth, {'kind': 'attention', 'heads': width // 32, 'biases': 'none'}, 4.0),
        'position': {'kind': 'rotary', 'base': 10000.0},
        'norm': {'kind': 'rms_norm', 'eps': 1e-6},
    }


TEXTS = {
    # Measured: 1.591 nats at 3e-3, weight decay 0.1, in 219 s; a count model of 6 bytes reaches 1.517 (2.189 bits per byte).
    'tiny_shakespeare': {
        **_NATS,
        'dataset': 'tiny_shakespeare',
        'chance': math.log(67),
        'steps': 3000,
        'batch': 16,
        'evaluations': 3,
        'data': {
            'kind': 'text',
            'dataset': 'tiny_shakespeare',
            'tokens': 'characters',
            'length': 64,
            'spacing': 16,
            'unit': 'nats per token',
        },
        'base': _transformer(67, 64, width=128, depth=3),
    },
    # Measured: 2.865 at 6e-3, weight decay 0.1, in 20 s.
    'tiny_shakespeare_bytes': {
        **_BITS,
        'dataset': 'tiny_shakespeare',
        'chance': math.log2(257),
        'steps': 600,
        'batch': 16,
        'evaluations': 2,
        'data': {'kind': 'text', 'dataset': 'tiny_shakespeare', 'tokens': 'bytes', 'length': 64, 'spacing': 16},
        'base': _transformer(257, 64, width=64, depth=2),
    },
    # Measured: 1.405 at 6e-3, weight decay 0.1, in 104 s, from 2,069 stories.
    'tinystories': {
        **_BITS,
        'dataset': 'tinystories',
        'chance': 3.26,
        'steps': 1000,
        'batch': 16,
        'evaluations': 2,
        'data': {
            'kind': 'text',
            'dataset': 'tinystories',
            'tokens': 'bpe',
            'vocabulary': 1024,
            'length': 64,
            'spacing': 16,
        },
        'base': _transformer(1024, 64, width=128, depth=3),
    },
    'wikitext': {
        **_BITS,
        'dataset': 'wikitext2',
        'chance': 3.4,
        'steps': 4000,
        'batch': 32,
        'evaluations': 4,
        'data': {'kind': 'text', 'dataset': 'wikitext2', 'tokens': 'bpe', 'vocabulary': 4096, 'length': 256},
        'base': _transformer(4096, 256, width=256, depth=6),
    },
    'fineweb': {
        **_NATS,
        'dataset': 'fineweb',
        'chance': math.log(50257),
        'steps': 5000,
        'batch': 32,
        'evaluations': 5,
        'data': {
            'kind': 'text',
            'dataset': 'fineweb',
            'tokens': 'file',
            'vocabulary': 50257,
            'length': 512,
            'unit': 'nats per token',
        },
        'base': {**_transformer(50257, 512, width=384, depth=6), 'head': {'kind': 'tied_next_token'}},
    },
    # Measured: 0.975 at 3e-3, weight decay 0.1, in 376 s, with valid.txt alone as the pool; the reference coder needs 1.088.
    'zinc': {
        **_BITS,
        'domain': 'molecules',
        'dataset': 'zinc',
        'chance': 7.0,
        'margin': 0.01,
        'steps': 3000,
        'batch': 16,
        'evaluations': 3,
        'data': {'kind': 'molecules', 'dataset': 'zinc', 'length': 112},
        'base': _transformer(128, 112, width=128, depth=3),
    },
    # Measured: 1.936 at 6e-3, weight decay 0.1, in 185 s (Shakespeare 2.56, stories 1.97, molecules 1.28).
    'languages': {
        **_BITS,
        'domain': 'languages',
        'dataset': 'shakespeare, stories and molecules',
        'chance': math.log2(257),
        'steps': 1500,
        'batch': 24,
        'evaluations': 3,
        'data': {
            'kind': 'mixture',
            'parts': [
                {'kind': 'text', 'dataset': name, 'length': 64, 'spacing': 32}
                for name in ('tiny_shakespeare', 'tinystories', 'zinc')
            ],
        },
        'base': _transformer(257, 64, width=128, depth=3),
    },
}
