"""The plane of abstraction and its tables as they were, mark by mark and line by line: tests/golden/plane*.txt."""

import dataclasses
import io

import golden_texts
from drawings import drawn
from rich.console import Console

from results.abstraction.coded import Coded
from results.abstraction.place import Place
from results.abstraction.place_table import FORMATS, terminal
from results.abstraction.plane import plane_figure

CODER = Coded('doors', 'a' * 16, 'b' * 16, 'bits per byte', 1.0, 0.425, 'PPM of order 5', 295_000, 590_000, 40_000, 0.394)
DOORS = Place('one', 'doors', 'worlds', 'conv', 0.42, 0.41, (0.40, 0.42), 'base', 0.5, 3, CODER)
TEXT = dataclasses.replace(CODER, task='books', data='c' * 16, best=2.115, coder='Kneser-Ney', train_bytes=262_144, floor=None)
WIDE = {'study': 'a|b', 'arm': 'an_arm_of_a_name_that_is_longer_than_others', 'task': 'books', 'domain': 'language'}
PLACES = [
    dataclasses.replace(DOORS, **WIDE, tuned=2.5, bits=2.6, interval=(2.45, 2.75), coded=TEXT),
    dataclasses.replace(DOORS, **{**WIDE, 'study': '=two'}, tuned=2.2, bits=2.3, interval=None, base_bits=None, coded=TEXT),
    DOORS,
    dataclasses.replace(DOORS, study='two', arm='mixer', tuned=0.5, bits=0.45, interval=(0.44, 0.46), base_bits=None),
    dataclasses.replace(
        *(DOORS,),
        task='genes',
        domain='genes',
        bits=1.9,
        interval=(1.8, 2.0),
        tuned=1.9,
        coded=dataclasses.replace(TEXT, data='d' * 16, train_bytes=9_000_000),
    ),
]


def test_the_plane_shows_what_it_showed():
    golden_texts.hold('plane', drawn(plane_figure(PLACES)))


def test_its_tables_tell_what_they_told():
    told = [table(PLACES) for table in FORMATS.values()]
    for width in (100, 44):
        console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system='standard', legacy_windows=False)
        console.print(terminal(PLACES))
        told += [repr(line.replace('\x1b[0m\x1b[1m', '')) for line in console.file.getvalue().splitlines()]
    golden_texts.hold('plane_tables', '\n'.join(told))
