"""What docs/tuned says of optimizers, from its results."""

import json
from pathlib import Path

import numpy as np

from ablations.spaces import SPACES

HERE = Path(__file__).parents[1] / 'docs' / 'tuned'
TOLD = json.loads((HERE / 'digits.json').read_text(encoding='utf-8'))


def test_every_optimizer_was_tuned_and_loses_less_than_four_points():
    assert set(TOLD) == set(SPACES)
    base = np.array(TOLD['adamw']['replicates'])
    assert len(base) == 5
    for kind, row in TOLD.items():
        if kind != 'adamw':
            effect = 100 * (np.array(row['replicates']) - base).mean()
            assert abs(effect - row['effect']) < 0.006, kind
            assert -4 < row['low'] <= row['effect'] <= row['high'], kind


def test_the_page_says_what_was_measured():
    text = (HERE.parent / 'optimizers.md').read_text(encoding='utf-8')
    lowest = min((row['low'], kind) for kind, row in TOLD.items() if 'low' in row)
    assert f'{lowest[1]}`: {-lowest[0]:.1f} points' in text
