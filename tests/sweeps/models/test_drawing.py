"""Drawings line by line, of an outline made by hand."""

import dataclasses

import jax
import jax.numpy as jnp

from arch.outline import Part
from arch.sockets import TABLES
from sweeps.models import drawing
from sweeps.models.describe import Subject

NORM = Part('norm', 'norm', 'layer_norm', ((4, 8),), 16)
NOTHING = Part('norm', 'norm', 'identity', ((4, 8),), 0)
DENSE = Part('dense_0', '', 'Dense', ((4, 8),), 72, kernel=(8, 8))
MIXER = Part('mixer', 'mixer', 'attention', ((4, 8),), 288, spec={'heads': 2, 'biases': 'all'}, inside=(DENSE,))
BRANCHES = Part('residual', 'residual', 'hyper_connections', ((4, 8), (4, 8), (4, 2)), 40, inside=(NORM,))
SKIPPED = Part('residual', 'residual', 'pre', ((4, 8),), 0)
OUTLINE = [
    Part('stem', 'stem', 'tokens', ((4, 8),), 96, spec={'vocabulary': 12}),
    Part('position', 'position', 'none', ((4, 8),), 0),
    Part('block_0', 'block', 'two_branch', ((4, 8), (4, 8)), 1344, times=3, inside=(NOTHING, MIXER, BRANCHES, NORM)),
    Part('block_3', 'block', 'one_branch', ((4, 8),), 16, inside=(NORM, SKIPPED)),
    Part('patches', '', 'Conv', ((2, 2, 8),), 1000, kernel=(2, 2, 4, 8)),
    DENSE,
    Part('other', '', 'Mean', (), 0),
    Part('head', 'head', 'classifier', ((5,),), 45, spec={'outputs': 5}, inside=(NORM, NOTHING, NORM)),
]
LINES = """\
a model: of which papers tell
                                                                             output       parameters
input                token ids                                                  [4]
stem                 tokens vocabulary=12                                    [4, 8]               96
3 x block            two_branch                                          2 x [4, 8]        3 x 1,344
  mixer              attention heads=2 biases=all                            [4, 8]              288
  residual           hyper_connections streams=4 initial=0.01 with       2 x [4, 8]               40
                     layer_norm
  norm               layer_norm                                              [4, 8]               16
1 x block            one_branch                                              [4, 8]               16
  norm               layer_norm                                                                   16
  residual           pre
patches              convolution, 4 to 8 channels                         [2, 2, 8]            1,000
dense_0              product, 8 to 8 channels                                [4, 8]               72
other                Mean
head                 classifier outputs=5 with layer_norm                       [5]               45
in all                                                                                         5,261"""


def test_a_drawing_line_by_line(monkeypatch):
    monkeypatch.setattr(drawing, '_outlined', lambda subject: OUTLINE)
    x = jax.ShapeDtypeStruct((1, 4), jnp.int32)
    lines = drawing.drawing(Subject('a model', {}, x, TABLES, about='of which papers tell'))
    assert '\n'.join(lines) == LINES
    image = Subject('a model', {}, jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.uint8), TABLES)
    lines = drawing.drawing(image)
    assert lines[0] == 'a model' and lines[2].split() == ['input', 'image', '[8,', '8,', '3]']


def test_a_part_of_several_outputs_is_told_by_the_largest_and_one_of_none_by_nothing():
    assert drawing._sizes(()) == '' and drawing._sizes(((4, 8),)) == '[4, 8]'
    assert drawing._sizes(((2,), (4, 8), (4, 8), (31,))) == '2 x [4, 8]'


def test_a_long_line_keeps_its_numbers():
    """In the first of several lines, at their place; without numbers a line is as long as the page."""
    first, second = drawing._line('  mixer', 'word ' * 18 + 'end', '[4, 8]', '1,000').split('\n')
    assert first == '  mixer' + ' ' * 14 + 'word ' * 11 + ' [4, 8]' + ' ' * 12 + '1,000' and len(first) == drawing.WIDTH
    assert second == ' ' * 21 + 'word ' * 7 + 'end'
    first, second = drawing._line('  mixer', 'word ' * 18 + 'end', '', '').split('\n')
    assert first.count('word') == 15 and second == ' ' * 21 + 'word ' * 3 + 'end'
    assert drawing._line('  mixer', 'w' * 90, '[4]', '1').startswith('  mixer' + ' ' * 14 + 'w' * 90 + ' [4]'), 'no word is cut'


def test_fields_are_told_where_they_are_not_as_usual():
    subject = Subject('a model', {}, jax.ShapeDtypeStruct((1, 4), jnp.int32), TABLES)

    def told(**fields: object) -> str:
        return drawing._what(dataclasses.replace(MIXER, spec={'heads': 2, 'biases': 'all', **fields}), subject, [])

    assert told() == told(kv_heads=0, softcap=0.0, gate=False) == 'attention heads=2 biases=all'
    assert told(kv_heads=1, softcap=30.0, gate=True) == 'attention heads=2 kv_heads=1 biases=all softcap=30 gate=True'


def test_the_largest_of_several_outputs_is_the_one_of_most_numbers():
    assert drawing._sizes(((9, 2), (4, 8))) == '[4, 8]' and drawing._sizes(((4, 8), (9, 2), (4, 8))) == '2 x [4, 8]'
