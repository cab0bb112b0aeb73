"""What docs/widths says of learning rates and widths, from its records."""

import runpy
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parents[1] / 'docs' / 'widths'
TRANSFER = runpy.run_path(str(HERE / 'transfer.py'))
LOSSES = TRANSFER['read'](HERE / 'records.jsonl')


def test_nothing_is_left_to_run():
    assert list(TRANSFER['wanted'](LOSSES)) == []
    assert TRANSFER['wanted']({}).__next__() == ('standard', 256, -17, 0)


def test_the_best_rate_stays_in_mup_and_falls_without():
    told = TRANSFER['judged'](LOSSES)
    _, low, high = told['mup']['ratio'][256]
    assert 0.5 <= low < high <= 2
    assert told['standard']['ratio'][256][2] < 0.5
    text = (HERE.parent / 'optimizers.md').read_text(encoding='utf-8')
    for way in ('mup', 'standard'):
        for width in (128, 256):
            _, low, high = told[way]['ratio'][width]
            assert f'[{low:.2f}, {high:.2f}]' in text


def test_a_best_rate_is_the_lowest_point_of_a_parabola():
    curve = {rate: (rate / 2 + 7.3) ** 2 for rate in range(-18, -10)}
    assert TRANSFER['best_rate'](curve) == pytest.approx(-7.3)
    assert TRANSFER['best_rate']({-4: 1.0, -3: 2.0}) == -2


def test_both_ways_are_one_model_at_the_base_width():
    narrow = {way: TRANSFER['config'](way, 64) for way in TRANSFER['WAYS']}
    assert narrow['mup'].pop('initial') == {'kind': 'mup', 'base_width': 64}
    assert narrow['standard'].pop('initial')['kind'] == 'lecun_normal'
    assert narrow['mup'] == narrow['standard']
    assert np.all([TRANSFER['config']('mup', width)['mixer']['heads'] == width // 32 for width in TRANSFER['WIDTHS']])
