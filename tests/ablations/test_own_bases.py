"""Bases of tasks of a user's own: trials of theirs are addressed by these configs, so they stay to the last field."""

import pytest

from ablations.digest import digest
from ablations.tasks.own_bases import FEATURES, of_any, of_language

BASES = {
    'small images': ('images', 'label', 10, [28, 28], 0, 0),
    'large images': ('images', 'label', 10, [64, 96], 0, 0),
    'a class for each pixel': ('images', 'map', 3, [32, 32], 0, 0),
    'a table': ('tables', 'label', 2, [FEATURES], 0, 0),
    'a wide table': ('tables', 'label', 2, [FEATURES + 1], 0, 0),
    'short series': ('series', 'label', 4, [6], 0, 0),
    'long series': ('series', 'label', 4, [700], 0, 0),
    'a class for each step': ('series', 'map', 4, [700], 0, 0),
    'sounds': ('sounds', 'label', 4, None, 4000, 0),
    'texts': ('texts', 'label', 2, None, 128, 257),
    'a class for each token': ('texts', 'map', 5, None, 128, 257),
}
GOLDEN = {
    'small images': '94b34067fcf5',
    'large images': '0bbacd85ae03',
    'a class for each pixel': '5462cfeaf463',
    'a table': 'c493703557ae',
    'a wide table': '4f172571fc84',
    'short series': '3983c1b2f8f4',
    'long series': '666a0145afe2',
    'a class for each step': 'de76bb6ce005',
    'sounds': '2f2f7e4a6941',
    'texts': 'ce40dac920ec',
    'a class for each token': '512615d1d119',
}
"""Update only if you meant to change a base: what users have recorded is asked for again then."""


@pytest.mark.parametrize('sides', [[32, 30], [30, 32]])
def test_a_class_for_each_pixel_needs_sides_that_four_divides(sides: list[int]):
    with pytest.raises(ValueError, match=f'images of {sides[0]} x {sides[1]} pixels; allowed .* that 4 divides; give size='):
        of_any('images', 'map', 3, sides, 0, 0)


@pytest.mark.parametrize('name', BASES)
def test_bases_stay(name: str):
    assert digest(of_any(*BASES[name]))[:12] == GOLDEN[name], of_any(*BASES[name])


@pytest.mark.parametrize(
    ('sides', 'patch', 'widths', 'kernel'),
    [
        ([2, 2], 1, [24, 48], 3),
        ([4, 12], 1, [24, 48], 3),
        ([16, 16], 2, [24, 48], 3),
        ([32, 32], 4, [24, 48], 3),
        ([32, 34], 1, [48, 96], 5),
        ([34, 32], 1, [48, 96], 5),
        ([64, 32], 4, [48, 96], 5),
        ([512, 512], 16, [48, 96], 5),
    ],
    ids=str,
)
def test_patches_of_images_are_the_largest_that_leave_eight_positions(sides, patch, widths, kernel):
    base = of_any('images', 'class', 3, sides, 0, 0)
    assert (base['stem']['patch'], base['body']['widths'], base['mixer']['kernel']) == (patch, widths, kernel)


@pytest.mark.parametrize(('sides', 'size'), [([7, 8], 8), ([8, 7], 8), ([15, 31], 8), ([17, 100], 16), ([33, 40], 32)])
def test_images_of_odd_sides_are_told_the_size_to_give(sides, size):
    with pytest.raises(
        ValueError, match=rf'images of {sides[0]} x {sides[1]} pixels cannot be halved.* such as {size}, or base='
    ):
        of_any('images', 'class', 3, sides, 0, 0)


@pytest.mark.parametrize(
    ('steps', 'factor', 'kernel', 'mixed'),
    [(1, 1, 3, 3), (6, 1, 3, 3), (7, 1, 3, 7), (127, 1, 3, 7), (128, 2, 4, 7), (640, 10, 20, 7)],
)
def test_a_series_has_about_as_many_positions_however_long(steps, factor, kernel, mixed):
    base = of_any('series', 'class', 3, [steps], 0, 0)
    assert (base['stem']['factor'], base['stem']['kernel'], base['mixer']['kernel']) == (factor, kernel, mixed)
    each = of_any('series', 'map', 3, [steps], 0, 0)
    assert (each['stem']['factor'], each['head']['kind']) == (1, 'per_token')


def test_the_base_of_a_language_is_a_small_causal_transformer():
    base = of_language(50, 16)
    assert (base['body']['width'], base['body']['depth'], base['body']['causal']) == (64, 2, True)
    assert (base['mixer'], base['channel']) == (
        {'kind': 'attention', 'heads': 2, 'biases': 'needed'},
        {**base['channel'], 'kind': 'mlp', 'ratio': 4.0},
    )
    assert base['position'] == {'kind': 'learned', 'length': 16}
    assert base['stem']['vocabulary'] == base['head']['outputs'] == 50
