"""Text tasks: languages over prepared sets, as data for `ablations.tasks`.

"Measured" is the base in its budget under AdamW at the stated learning rate, one seed, on the sealed test split, with the
seconds of one CPU core; tasks without such a line were not measured. `archlab data reference TASK` says what to beat.
"""

import math

from ablations.tasks.decoders import decoder, sizes

BITS, NATS = 'bits per byte', 'nats per token'


def _language(
    data: dict,
    *,
    steps: int,
    batch: int,
    evaluations: int,
    width: int,
    depth: int,
    unit: str = BITS,
    chance: float | None = None,
    dataset: str = '',
    domain: str = 'text',
    margin: float = 0.02,
    **known: int,
) -> dict:
    """A task of declared data under a causal transformer with rotary positions and RMS norms, heads of 32 channels.

    `chance` is that of equally likely tokens unless given; `known` as for `sizes`.
    """
    size = sizes(data, **known).vocabulary
    base = decoder(data, width, depth, {'kind': 'attention', 'heads': width // 32, 'biases': 'none'}, 4.0, **known)
    return {
        'dataset': dataset or data['dataset'],
        'domain': domain,
        'metric': 'loss',
        'unit': unit,
        'direction': 'lower',
        'chance': chance or (math.log(size) if unit == NATS else math.log2(size)),
        'margin': margin,
        'steps': steps,
        'batch': batch,
        'evaluations': evaluations,
        'data': data,
        'base': base | {'position': {'kind': 'rotary', 'base': 10000.0}, 'norm': {'kind': 'rms_norm', 'eps': 1e-6}},
    }


def _text(dataset: str, tokens: str, **fields: int | str) -> dict:
    return {'kind': 'text', 'dataset': dataset, 'tokens': tokens, **fields}


_FINEWEB = _language(
    _text('fineweb', 'file', vocabulary=50257, length=512, unit=NATS),
    unit=NATS,
    steps=5000,
    batch=32,
    evaluations=5,
    width=384,
    depth=6,
)

TEXTS = {
    # Measured: 1.591 nats at 3e-3, weight decay 0.1, in 219 s; a count model of 6 bytes reaches 1.517 (2.189 bits per byte).
    'tiny_shakespeare': _language(
        _text('tiny_shakespeare', 'characters', length=64, spacing=16, unit=NATS),
        unit=NATS,
        steps=3000,
        batch=16,
        evaluations=3,
        width=128,
        depth=3,
        characters=65,
    ),
    # Measured: 2.865 at 6e-3, weight decay 0.1, in 20 s.
    'tiny_shakespeare_bytes': _language(
        _text('tiny_shakespeare', 'bytes', length=64, spacing=16), steps=600, batch=16, evaluations=2, width=64, depth=2
    ),
    # Measured: 1.405 at 6e-3, weight decay 0.1, in 104 s, from 2,069 stories.
    'tinystories': _language(
        _text('tinystories', 'bpe', vocabulary=1024, length=64, spacing=16),
        chance=3.26,
        steps=1000,
        batch=16,
        evaluations=2,
        width=128,
        depth=3,
    ),
    'wikitext': _language(
        _text('wikitext2', 'bpe', vocabulary=4096, length=256),
        chance=3.4,
        steps=4000,
        batch=32,
        evaluations=4,
        width=256,
        depth=6,
    ),
    'fineweb': _FINEWEB | {'base': _FINEWEB['base'] | {'head': {'kind': 'tied_next_token'}}},
    # Measured: 0.975 at 3e-3, weight decay 0.1, in 376 s, with valid.txt alone as the pool; the reference coder needs 1.088.
    'zinc': _language(
        {'kind': 'molecules', 'dataset': 'zinc', 'length': 112},
        domain='molecules',
        margin=0.01,
        steps=3000,
        batch=16,
        evaluations=3,
        width=128,
        depth=3,
    ),
    # Measured: 1.936 at 6e-3, weight decay 0.1, in 185 s (Shakespeare 2.56, stories 1.97, molecules 1.28).
    'languages': _language(
        {
            'kind': 'mixture',
            'parts': [
                {'kind': 'text', 'dataset': name, 'length': 64, 'spacing': 32}
                for name in ('tiny_shakespeare', 'tinystories', 'zinc')
            ],
        },
        dataset='shakespeare, stories and molecules',
        domain='languages',
        steps=1500,
        batch=24,
        evaluations=3,
        width=128,
        depth=3,
    ),
}
