"""Shape lines: which sizes an axis of a docstring stands for, and what is told of one that stands for none."""

import pytest

from arch.shape_lines import SIZES, shape_lines, sizes


@pytest.mark.parametrize(
    ('axis', 'fields', 'size'),
    [
        ('N', {}, SIZES['N']),
        ('N/factor', {'factor': 4}, SIZES['N'] // 4),
        ('H/2', {}, SIZES['H'] // 2),
        ('N*factor', {'factor': 3}, 3 * SIZES['N']),
        ('N*2', {'2': 5}, 2 * SIZES['N']),
        ('M', {'M': 3}, None),
    ],
)
def test_an_axis_is_a_letter_that_may_be_divided_or_multiplied(axis, fields, size):
    assert sizes((axis, 'C'), fields) == (size, SIZES['C'])


@pytest.mark.parametrize(
    ('axis', 'said'),
    [
        ('H/side', r"axis 'H/side' divides by 'side', which is no whole-number field; allowed: \['patch', 'ratio'\]"),
        ('N*side', r"axis 'N\*side' multiplies by 'side', which is no whole-number field; allowed: \['patch', 'ratio'\]"),
        ('N/ratio', "divides by 'ratio', which is no whole-number field"),
        ('K', r"axis 'K' is not in the legend of blocks; allowed: \['B', 'C', 'F', 'H', 'I', 'N', 'V', 'W'\], or e.g. H/patch"),
        ('M/2', "axis 'M/2' is not in the legend"),
    ],
)
def test_an_axis_of_no_size_is_named(axis, said):
    with pytest.raises(ValueError, match=said):
        sizes((axis,), {'ratio': 0.5, 'patch': 2})


def test_a_class_without_words_has_no_line_and_spaces_do_not_count():
    bare = type('Bare', (), {})
    spaced = type('Spaced', (), {'__doc__': 'Both: `[ B , N,C ] -> [B,N , C]`, and `[B, ..., C] -> [B, C]`.'})
    assert shape_lines(bare) == []
    assert [str(line) for line in shape_lines(spaced)] == [
        '[B, N, C] -> [B, N, C]',
        '[B, B, N, C] -> [B, C]',
        '[B, B, H, W, C] -> [B, C]',
    ]


def test_shape_lines_are_read_from_the_docstring():
    class Both:
        """`[..., C] -> [..., C]` and `[B, H, W, C] -> [B, H/patch, W/patch, F]`."""

    lines = shape_lines(Both)
    assert [str(line) for line in lines] == [
        '[B, N, C] -> [B, N, C]',
        '[B, H, W, C] -> [B, H, W, C]',
        '[B, H, W, C] -> [B, H/patch, W/patch, F]',
    ]
    assert sizes(lines[-1].made, {'patch': 4}) == (7, 2, 1, 12)
    with pytest.raises(ValueError, match="divides by 'patch'"):
        sizes(lines[-1].made, {})
    with pytest.raises(ValueError, match="axis 'Q' is not in the legend"):
        sizes(('Q',), {})
