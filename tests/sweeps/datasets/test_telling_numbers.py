"""What is no content and alone tells the answer of images, series, sounds, texts and arrays is named when a set is prepared."""

import dataclasses
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from own_sources import prepared
from PIL import Image

from sweeps.datasets.formats.image_files import Stored, decode_all
from sweeps.datasets.prepared import Part
from sweeps.datasets.show import lines
from sweeps.datasets.telling import FEWEST, telling
from sweeps.datasets.telling_numbers import _named, telling_numbers

N = 240
DRAW = np.random.default_rng(3)
CLASS = DRAW.integers(0, 3, N).astype(np.int32)
NAMES = ['calm', 'very wild', 'odd']
NOISE = DRAW.normal(size=(N, 30)).astype(np.float32)
WORDS = np.array(['the', 'of', 'and', 'to', 'in', 'is', 'on', 'by', 'it', 'or', 'be', 'at'])


def part(xs: list | np.ndarray, y: np.ndarray = CLASS) -> Part:
    """A split of examples, of one shape or of many lengths."""
    group = np.arange(len(xs))
    if isinstance(xs, np.ndarray):
        return Part(xs, y, group)
    return Part(np.concatenate(xs), y, group, np.cumsum([0, *map(len, xs)]))


def texts(made_of) -> Part:
    draws = [' '.join(DRAW.choice(WORDS, DRAW.integers(5, 15))) for _ in range(N)]
    return part([np.frombuffer(made_of(text, one).encode(), np.uint8) for text, one in zip(draws, CLASS, strict=True)])


def with_place(place: tuple, values: np.ndarray, x: np.ndarray = NOISE) -> Part:
    x = x.copy()
    x[(slice(None), *place)] = values
    return part(x)


GREY = DRAW.integers(0, 120, (N, 12, 10, 3)).astype(np.uint8)
SOUND = [DRAW.normal(size=DRAW.integers(40, 80)).astype(np.float32) for _ in range(N)]
SOUNDS = list(zip(SOUND, CLASS, strict=True))
ENDS = ['the smallest number', 'the largest number']
UNTIL = np.arange(30) < (20 + 5 * CLASS - DRAW.integers(0, 5, N))[:, None]


@pytest.mark.parametrize(
    ('kind', 'pool', 'said'),
    [
        ('series', part(NOISE), []),
        ('series', with_place((7,), CLASS % 3 * 2.0), ['step 7 alone tells the class of 100.0% of the examples']),
        ('series', part(NOISE * UNTIL), ['the length without the zeros at its end alone']),
        ('series', part(NOISE + 9 * CLASS[:, None]), ['the mean', *ENDS, 'step 0 ', 'and so do 29 other']),
        ('tables', part(NOISE), []),
        ('tables', with_place((2,), np.arange(N)), ['feature 2 has another whole number in every example']),
        ('tables', part(CLASS[:, None].astype(np.float32)), []),
        ('maps', with_place((1, 2), -CLASS, NOISE.reshape(N, 5, 6)), ['the number at [1, 2] alone']),
        ('images', part(GREY), []),
        ('images', with_place((1, 9, 2), CLASS * 30, GREY), ['channel 2 of the pixel in row 1, column 9 alone']),
        ('images', part((GREY // 4 + 60 * CLASS[:, None, None, None]).astype(np.uint8)), ['the brightness alone']),
        ('sounds', part(SOUND), []),
        ('sounds', part([x[: 20 + 9 * one] for x, one in SOUNDS]), ['the length alone']),
        ('sounds', part([x * 30.0**one for x, one in SOUNDS]), ['the deviation', *ENDS]),
        ('texts', texts(lambda text, one: text), []),
        ('texts', texts(lambda text, one: f'{text[:9]} is {NAMES[one].title()}, {text}'), ['the name of a class in the text']),
        ('texts', texts(lambda text, one: f'{text} #{one * 7}'), ['the last word alone']),
        ('texts', texts(lambda text, one: f'{"abc"[one]}: {text}'), ['the first word alone']),
        ('texts', texts(lambda text, one: text[:16] + ' x' * 99 * one), ['the length', 'the share of']),
        ('molecules', part([np.full(20 + 9 * one, 67, np.uint8) for one in CLASS]), ['the length alone']),
        ('tokens', part([np.array([one + 5, *DRAW.integers(0, 99, 6)], np.int32) for one in CLASS]), ['the first token alone']),
    ],
)  # fmt: skip
def test_a_number_that_tells_the_class_is_named(kind: str, pool: Part, said: list[str]):
    told = telling_numbers(kind, pool, 'class', NAMES)
    assert [one[: len(start)] for one, start in itertools.zip_longest(told, said, fillvalue='')][: len(said)] == said
    assert len(told) == len(said) or kind == 'images', told


def test_of_values_and_labels_too_and_of_nothing_without_an_answer():
    heat = DRAW.random(N)
    values = np.column_stack([DRAW.normal(size=N), np.where(CLASS == 1, np.nan, 2 - heat)]).astype(np.float32)
    told = telling_numbers('series', dataclasses.replace(with_place((3,), heat), y=values), 'values', ['mass', 'heat'])
    assert len(told) == 1 and told[0].startswith('step 3 alone tells') and told[0].endswith("of the variance of 'heat'")
    labels = np.column_stack([CLASS == 1, NOISE[:, 4] > 0]).astype(np.float32)
    assert [one[:26] for one in telling_numbers('series', part(NOISE, labels), 'labels', ['a', 'b'])] == [
        "step 4 alone tells 'b' of "
    ]
    for form, y in (('map', np.zeros((N, 30), np.int32)), ('class', None), (None, None)):
        assert telling_numbers('series', part(NOISE, y), form, NAMES) == []
    few = part(NOISE[:60], CLASS[:60])
    assert telling_numbers('series', Part(few.x * 0 + CLASS[:60, None], few.y, few.group), 'class', NAMES) == []


def test_a_rule_is_found_among_many_examples_and_more_are_counted(monkeypatch):
    """Places are first tried on a few examples; the order of the examples says nothing."""
    many = np.tile(NOISE, (3, 1)) + DRAW.normal(size=(3 * N, 30)).astype(np.float32)
    y = np.sort(np.tile(CLASS, 3))
    x = np.column_stack([many, y, -y * 3]).astype(np.float32)
    assert [one[:16] for one in telling_numbers('series', part(x, y), 'class', NAMES)] == [
        'step 30 alone te',
        'and so do 1 othe',
    ]
    monkeypatch.setattr('sweeps.datasets.telling_numbers.NAMED', 1)
    assert telling_numbers('series', part(x, y), 'class', NAMES)[1:] == ['and 1 more tell it alone']


@pytest.mark.parametrize(('option', 'name', 'rows'), [({}, 'width', 256), ({'share': 0.3}, 'height', 16)])
def test_the_size_of_images_before_they_are_cut_is_named(tmp_path: Path, monkeypatch, option: dict, name: str, rows: int):
    """By the examples of the pool, whatever was left out of it and whatever went to the test split."""
    monkeypatch.setattr('sweeps.datasets.sources.image_sets.ROWS', rows)
    for place, (kind, side) in enumerate((('cat', 9), ('dog', 12))):
        for number in range(80):
            (folder := tmp_path / 'pets' / kind).mkdir(parents=True, exist_ok=True)
            size = (side, 9) if name == 'width' else (9, side)
            x = np.random.default_rng(1000 * place + number).integers(0, 255, (*size[::-1], 3))
            Image.fromarray(x.astype(np.uint8)).save(folder / f'{number}.png')
    (tmp_path / 'pets' / 'cat' / '7.png').write_bytes(b'nothing')
    one = prepared(tmp_path, 'image_folder', tmp_path / 'pets', size=8, skip_damaged=True, **option)
    assert one.about['giveaways'][0].startswith(f'the {name} of its file alone tells the class of 100.0%')
    assert any(line.startswith(f'giveaway    the {name} of its file') for line in lines({'where': '', **one.about}))


def test_how_an_image_lies_in_its_file_is_told_beside_it():

    def file(shape: tuple, form: str) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(np.zeros(shape, np.uint8)).save(buffer, form)
        return buffer.getvalue()

    stored: list = []
    given = [(file((5, 7, 3), 'PNG'), 0), (b'no image', 1), (file((4, 4), 'BMP'), 2)]
    assert [label for _, label in decode_all(given, 4, skipped=[], stored=stored)] == [0, 2]
    assert stored == [Stored(7, 5, 'PNG', 'RGB'), Stored(4, 4, 'BMP', 'L')]


def test_large_images_are_looked_at_by_squares():
    x = DRAW.integers(0, 120, (N, 40, 36, 1)).astype(np.uint8)
    x[:, 10:12, 20:22, 0] = 60 * CLASS[:, None, None]
    told = telling_numbers('images', part(x), 'class', NAMES)
    assert [one[:71] for one in told] == ['channel 0 of the square of 2 pixels in row 10, column 20 alone tells th']


def test_texts_of_classes_without_a_name_have_none_in_them():
    told = telling_numbers('texts', texts(lambda text, one: text), 'class', ['', '', ''])
    assert told == []


@pytest.mark.parametrize('form', ['map', None])
def test_of_other_forms_nothing_is_told(form: str | None):
    assert telling(np.arange(100) % 2, form, np.zeros((100, 2)), ['a', 'b'], 'rows') == []
    assert telling(np.arange(100.0), 'values', np.ones((100, 1)), ['a'], 'rows') == [], 'a target of one value'
    assert telling(np.arange(100.0), 'values', np.arange(100.0)[:, None], ['a'], 'rows', left=0.05) != []


def test_documents_without_a_token_have_neither_a_first_nor_a_last_one():
    xs = [np.array([*DRAW.integers(0, 99, 6), one], np.int32) for one in CLASS]
    xs[::40] = [np.zeros(0, np.int32)] * len(xs[::40])
    (told,) = telling_numbers('tokens', part(xs), 'class', NAMES)
    assert told.startswith('the last token alone tells the class of 9')


@pytest.mark.parametrize(('count', 'told'), [(FEWEST - 1, False), (FEWEST, True)])
def test_of_few_examples_nothing_is_said(count: int, told: bool):
    x = np.arange(count, dtype=np.float64)
    assert bool(telling(x, 'values', x[:, None] / 7, ['a'], 'rows', left=0.1)) is told


MODULE = 'sweeps.datasets.telling_numbers'


@pytest.mark.parametrize(
    ('most', 'room', 'count'),
    [(2000, 1 << 26, N), (150, 1 << 26, 150), (2000, 120 * 100, 100), (2000, 120, 2 * FEWEST), (90, 120 * 100, 90)],
)
def test_so_many_examples_are_looked_at(monkeypatch: pytest.MonkeyPatch, most: int, room: int, count: int):
    """Of 120 bytes each, drawn at random; what they tell is told of them."""
    monkeypatch.setattr(f'{MODULE}.EXAMPLES', most)
    monkeypatch.setattr(f'{MODULE}.BYTES', room)
    asked = []

    def counting(codes: np.ndarray, form: str | None, y: np.ndarray, *rest: object) -> list[str]:
        asked.append((len(codes), len(y)))
        return telling(codes, form, y, *rest)

    monkeypatch.setattr(f'{MODULE}.telling', counting)
    told = telling_numbers('series', with_place((7,), CLASS * 2.0), 'class', NAMES)
    assert [one.partition(' alone')[0] for one in told] == ['step 7'] and set(asked) == {(count, count)}


@pytest.mark.parametrize(
    ('places', 'place', 'targets', 'named'),
    [
        (10, 6, 1, True),
        (10, 7, 1, False),
        (15, 7, 1, False),
        (15, 8, 1, True),
        (16, 8, 1, True),
        (29, 29, 1, False),
        (30, 29, 1, True),
        (1, 0, 1, True),
        (20, 6, 2, True),
        (20, 8, 2, False),
    ],
)
def test_of_many_places_some_are_looked_at(monkeypatch: pytest.MonkeyPatch, places: int, place: int, targets: int, named: bool):
    monkeypatch.setattr(f'{MODULE}.PLACES', places)
    y = np.column_stack([CLASS == 1] * targets).astype(np.float32)
    pool = dataclasses.replace(with_place((place,), (CLASS == 1) * 2.0), y=y)
    told = telling_numbers('tables', pool, 'labels', ['a', 'b'][:targets])
    assert [one.partition(' alone')[0] for one in told[:1]] == ([f'feature {place}'] if named else [])
    assert told[1:] == ['and so do 1 other places of an example'] * (targets - 1) * named


def test_a_place_is_looked_at_whole_where_the_first_examples_promise_something(monkeypatch: pytest.MonkeyPatch):
    """Of three classes the first 75 examples; with more places than one the first is named, and how many others tell it."""
    monkeypatch.setattr(f'{MODULE}.FIRST', 10)
    asked = []

    def counting(codes: np.ndarray, form: str | None, y: np.ndarray, names: list, unit: str, left: float | None = None):
        asked.append((len(codes), unit, left))
        return telling(codes, form, y, names, unit, left)

    monkeypatch.setattr(f'{MODULE}.telling', counting)
    x = NOISE.copy()
    x[:, 3], x[:, 5], x[:, 9] = CLASS, -CLASS, CLASS * 2
    told = telling_numbers('tables', part(x), 'class', NAMES)
    assert [one.partition(' alone')[0] for one in told] == []
    monkeypatch.setattr(f'{MODULE}.FIRST_OF_A_CLASS', 40)
    told = telling_numbers('tables', part(x), 'class', NAMES)
    assert told[0].startswith('feature 3 alone tells') and told[1:] == ['and so do 2 other places of an example']
    assert {one for one in asked if one[2]} == {(75, '', 0.8), (120, '', 0.8)} and {one for one in asked if not one[2]} == {
        (N, 'examples', None)
    }


def test_the_longest_name_of_a_class_that_stands_first_is_the_one_in_a_text():
    texts = ['a wild cat', 'wild', 'wildcat', 'nothing', 'cat, wild', 'c++ or cat', '']
    assert _named(texts, ['Wild', 'wild cat', 'cat', '', 'C++']).tolist() == pytest.approx(
        [1, 0, np.nan, np.nan, 2, 4, np.nan], nan_ok=True
    )
    assert np.isnan(_named(['a'], ['', ''])).all()
