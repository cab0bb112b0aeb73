"""Sound tasks: recordings and series, over prepared sets, as data for `ablations.tasks`.

"Measured" is the base below in its budget under AdamW at the stated learning rate and weight decay 0.05, one seed, on the
sealed test split, with the seconds of one CPU core. Sources, licences and splits stand in the catalog of the datasets.
"""

from ablations.tasks import bases
from ablations.tasks.decoders import decoder

_SPOKEN = {
    'dataset': 'spoken_digits',
    'domain': 'sounds',
    'metric': 'accuracy',
    'unit': 'share of recordings',
    'direction': 'higher',
    'chance': 0.1,
    'margin': 0.01,
    'batch': 32,
    'evaluations': 4,
}

_SAMPLES = {'kind': 'samples', 'dataset': 'spoken_digits', 'rate': 4000, 'length': 256, 'train': 6000}
_MASKS = {'kind': 'spectrogram_mask', 'time_width': 6, 'frequency_width': 4, 'time_masks': 1, 'frequency_masks': 1}
"""One mask of time and one of pitch (1904.08779), as small as the words are short."""

SOUNDS = {
    # Log-mel maps. Measured with 960 recordings to train on: 0.947 at 4e-3 in 39 s.
    'spoken_digits': {
        **_SPOKEN,
        'steps': 800,
        'data': {
            'kind': 'spoken_digits',
            'augment': [_MASKS],
        },
        # Unlike in a photo it matters where in a spectrogram something stands: pitch is a place.
        # 8,192 samples in steps of 128 and 32 bands of pitch, both in patches of 4.
        'base': {
            **bases.convnext(10, patch=4, widths=[48, 96], depths=[1, 1], kernel=5),
            'position': {'kind': 'learned', 'length': (8192 // 128 // 4) * (32 // 4)},
        },
    },
    # Measured: 0.750 at 4e-3 in 82 s.
    'spoken_digits_samples': {
        **_SPOKEN,
        'steps': 800,
        'data': {'kind': 'spoken_digits', 'form': 'samples'},
        'base': bases.waveform(
            10, kernel=128, factor=64, width=64, depth=3, mixer={'kind': 'depthwise_conv', 'kernel': 9, 'bias': True}
        ),
    },
    # Measured: 5.66 at 6e-3, weight decay 0.1, in 132 s.
    'spoken_digits_bytes': {
        **_SPOKEN,
        'domain': 'sound samples',
        'metric': 'bits',
        'unit': 'bits per sample',
        'direction': 'lower',
        'chance': 8.0,
        'margin': 0.02,
        'batch': 16,
        'steps': 600,
        'data': _SAMPLES,
        'base': decoder(_SAMPLES, 48, 2, {'kind': 'attention', 'heads': 4, 'biases': 'needed'}, 4.0),
    },
}

SERIES = {
    # Control charts of the UCR archive: archlab data prepare synthetic_control --source .../SyntheticControl.
    # Measured: 0.980 at 3e-3 in 6 s; the nearest neighbour (Euclidean) 0.880.
    'synthetic_control': {
        'dataset': 'synthetic_control',
        'domain': 'series',
        'metric': 'accuracy',
        'unit': 'share of series',
        'direction': 'higher',
        'chance': 1 / 6,
        'margin': 0.01,
        'steps': 200,
        'batch': 32,
        'evaluations': 2,
        'data': {'kind': 'series', 'dataset': 'synthetic_control', 'held': 60},
        'base': bases.waveform(
            6, kernel=4, factor=2, width=32, depth=2, mixer={'kind': 'depthwise_conv', 'kernel': 7, 'bias': True}
        ),
    },
}
