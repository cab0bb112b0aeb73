"""What each augmentation draws by some keys, word for word: a run that is trained again has the same draws."""

import zlib

import golden_texts
import jax
import numpy as np
import pytest

from sweeps.augment import AUGMENTS, mixing
from sweeps.augment.augment import _keys
from sweeps.augment.augmentation import Augmentation

KEYS = jax.random.split(jax.random.key(0), 6)
FIELDS = {
    'random_resized_crop': {'probability': 0.5},
    'mixup': {'probability': 0.5},
    'cutmix': {'probability': 0.5},
    'mixup_or_cutmix': {'probability': 0.5},
    'random_erasing': {'probability': 0.9},
    'color_jitter': {'hue': 0.3},
    'spectrogram_mask': {'time_width': 5, 'frequency_width': 4},
}


def told(name: str, drawn: jax.Array) -> str:
    if jax.numpy.issubdtype(drawn.dtype, jax.dtypes.prng_key):
        return f'{name} {jax.random.key_data(drawn).tolist()}'
    numbers = np.asarray(drawn).ravel().tolist()
    return f'{name} {" ".join(f"{one:.4f}" if isinstance(one, float) else str(one) for one in numbers)}'


def test_draws_are_those_of_before(monkeypatch: pytest.MonkeyPatch):
    # Its distribution is held elsewhere, and it takes long to compile.
    monkeypatch.setattr(mixing, 'draw_share', lambda key, alpha: alpha * jax.random.uniform(key))
    lines = []
    for kind, cls in AUGMENTS.items():
        one, shape = cls(**FIELDS.get(kind, {})), (12, 10) if kind == 'spectrogram_mask' else (12, 10, 3)
        for key in KEYS:
            lines.append(f'{kind}: {"; ".join(told(*own) for own in one.sample(key, shape, one.settings({})).items())}')
    golden_texts.hold('draws_of_augments', '\n'.join(lines))


def test_the_key_of_an_example_follows_from_the_kind_and_its_place():
    key = jax.random.key(3)
    own = jax.random.fold_in(key, zlib.crc32(b'flip'))
    assert jax.random.key_data(_keys(key, 'flip', 3)).tolist() == [
        jax.random.key_data(jax.random.fold_in(own, place)).tolist() for place in range(3)
    ]


def test_a_kind_says_how_it_draws_and_what_it_changes():
    for call in (lambda: Augmentation().sample(KEYS[0], (2, 2, 1), {}), lambda: Augmentation().change(np.zeros(1), {})):
        with pytest.raises(NotImplementedError):
            call()
