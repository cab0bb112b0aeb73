"""which_set: prepared sets put together, levelled, and what gives a set away."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ablations.locations import prepared_folder
from ablations.task_files import declared_in
from sweeps.datasets.formats.allowance import FREE
from sweeps.datasets.giveaways import giveaways
from sweeps.datasets.levelling import Levelling
from sweeps.datasets.own import prepare_declared
from sweeps.datasets.prepared import Part, Prepared, write
from sweeps.training.preflight import task_of

GENERATOR = np.random.default_rng(0)


def images(count: int, size: int = 8, channels: int = 3, low: int = 0) -> Part:
    x = GENERATOR.integers(low, 256, (count, size, size, channels), np.uint8)
    return Part(x, np.zeros(count, np.int32), np.arange(count) // 2)


def texts(count: int, longest: int = 30) -> Part:
    rows = [GENERATOR.integers(97, 123, GENERATOR.integers(10, longest)).astype(np.uint8) for _ in range(count)]
    return Part(np.concatenate(rows), None, np.arange(count), np.cumsum([0, *map(len, rows)]))


def a_set(data: Path, name: str, pool: Part, test: Part, kind: str = 'images') -> Prepared:
    return write(prepared_folder(data) / name, {'name': name, 'kind': kind}, pool, test)


def put_together(data: Path, said: str, force: bool = False) -> Prepared:
    (data / 'mine.py').write_text(f'from ablations.study import task\nwhich = task({said})\n')
    return prepare_declared(declared_in(data / 'mine.py')['which'], data, force)[0]


def notes(one: Prepared) -> str:
    return ' | '.join([*one.about['notes'], *one.about.get('giveaways', [])])


def test_each_set_gives_as_many_as_the_smallest_has_and_keeps_its_splits_and_groups(tmp_path: Path):
    large = a_set(tmp_path, 'large', images(60), images(30))
    small = a_set(tmp_path, 'small', images(24), images(8))
    made = put_together(tmp_path, "source=('large', 'small')")
    assert made.about['classes'] == ['large', 'small'] and made.about['sizes'] == {'pool': 48, 'test': 16}
    for split in ('pool', 'test'):
        part = getattr(made, split)()
        assert np.bincount(part.y).tolist() == [len(part) // 2] * 2
        there = [{row.tobytes() for row in np.asarray(getattr(one, split)().x)} for one in (large, small)]
        assert all(row.tobytes() in there[y] for row, y in zip(np.asarray(part.x), part.y, strict=True))
        assert len(np.unique(part.group)) <= len(part) - 4, 'pairs of one group stay together'
    assert len(np.unique(np.asarray(made.pool().y)[:10])) == 2, 'sets in turn'


def test_prepared_sets_may_hold_any_number_of_examples(tmp_path: Path, monkeypatch):
    """Their arrays lie on the disk as they are: no file can unpack to more."""
    monkeypatch.setitem(FREE, 'examples', 10)
    for name in ('a', 'b'):
        a_set(tmp_path, name, images(24), images(8))
    assert put_together(tmp_path, "source=('a', 'b')").about['sizes']['pool'] == 48


def test_images_are_brought_to_one_form(tmp_path: Path):
    a_set(tmp_path, 'large', images(40, 16), images(8, 16))
    a_set(tmp_path, 'grey', images(40, 8, 1), images(8, 8, 1))
    made = put_together(tmp_path, "source=('large', 'grey'), size=8, jpeg=60")
    assert made.about['shape'] == [8, 8, 1]
    assert '8 x 8 pixels of 1 channel, written as JPEG of quality 60' in notes(made)


@pytest.mark.parametrize(
    ('said', 'error'),
    [
        ("source=('a', 'big')", r'the size of an image tells its set \(a 8 x 8, big 16 x 16\); .* size=8'),
        ("source=('a', 'big'), size=12", 'size=12: a has images of 8 x 8, and those made larger are smooth.* up to 8'),
        ("source=('a', 'words')", "sets of several kinds, {'a': 'images', 'words': 'texts'}"),
        ("source=('words', 'others'), size=8", 'size of sets of texts; allowed: of images'),
        ("source=('a', 'few')", "'few' has 3 test examples; allowed: 5 or more"),
        ("source=('a', 'big'), size=8, jpeg=99", 'jpeg=99; allowed: 1 to 95'),
        ("source=('a', 'nowhere')", "dataset 'nowhere' is not prepared"),
        ("source=('a',)", 'names of two or more prepared sets, each once'),
        ("source=('a', 'a')", 'names of two or more prepared sets, each once'),
        ("source=('a', 'b'), read='image_folder'", "read='image_folder' of several sets"),
        ("source='a', read='which_set'", "read='which_set' of source='a'; give source the names"),
        ("source=('a', 'big'), size=8, share=.2", 'share=0.2, and the test split is each set'),
        ("source=('a', 'big'), inputs='x'", "reader 'which_set' takes no such option"),
    ],
)
def test_what_cannot_be_put_together_is_refused(tmp_path: Path, said: str, error: str):
    a_set(tmp_path, 'a', images(24), images(8))
    a_set(tmp_path, 'big', images(24, 16), images(8, 16))
    a_set(tmp_path, 'few', images(24), images(3))
    for name in ('words', 'others'):
        a_set(tmp_path, name, texts(24), texts(8), 'texts')
    with pytest.raises(ValueError, match=error):
        put_together(tmp_path, said)


def test_a_set_that_was_prepared_anew_is_noticed(tmp_path: Path):
    for name in ('a', 'b'):
        a_set(tmp_path, name, images(24), images(8))
    first = put_together(tmp_path, "source=('a', 'b')")
    assert put_together(tmp_path, "source=('a', 'b')").about['digest'] == first.about['digest']
    a_set(tmp_path, 'b', images(24), images(8))
    with pytest.raises(ValueError, match=r'prepared already, from another declaration .* --force'):
        put_together(tmp_path, "source=('a', 'b')")
    assert put_together(tmp_path, "source=('a', 'b')", force=True).about['digest'] != first.about['digest']


def test_examples_of_several_sets_are_told_and_never_on_both_sides(tmp_path: Path):
    both = images(24)
    a_set(tmp_path, 'a', both, images(8))
    a_set(tmp_path, 'b', images(24), Part(both.x[:8], both.y[:8], both.group[:8]))
    a_set(tmp_path, 'c', both, images(8))
    made = put_together(tmp_path, "source=('a', 'b')")
    assert 'of the pool are identical to a test example, or of its group, and were left out' in notes(made)
    assert '48 examples of the pool stand in several sets' in notes(put_together(tmp_path, "source=('a', 'c')", force=True))


def test_what_gives_a_set_away_is_told_and_nothing_else(tmp_path: Path):
    a_set(tmp_path, 'dark', images(200), images(20))
    a_set(tmp_path, 'light', images(200, low=60), images(20))
    a_set(tmp_path, 'also_dark', images(200), images(20))
    told = notes(put_together(tmp_path, "source=('dark', 'light')"))
    assert 'alone tells its set more often than chance (50.0%)' in told and 'brightness' in told
    assert 'more often than chance' not in notes(put_together(tmp_path, "source=('dark', 'also_dark')", force=True))
    a_set(tmp_path, 'short', texts(200), texts(20), 'texts')
    a_set(tmp_path, 'long', texts(200, 60), texts(20, 60), 'texts')
    assert 'length' in notes(put_together(tmp_path, "source=('short', 'long')", force=True))


@pytest.mark.parametrize('seed', range(8))
def test_a_difference_of_lengths_is_told_in_small_sets_too(seed: int):
    """Of 200 texts each, up to 30 and up to 60 bytes long, four fifths can be told apart by length."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.repeat([0, 1], 200))
    rows = [generator.integers(97, 123, generator.integers(10, 60 if one else 30), np.uint8) for one in y]
    assert giveaways('texts', rows, y)['length'] > 0.68


def test_no_number_is_named_of_examples_without_a_difference():
    x, y = images(600).x, np.arange(600) % 3
    assert giveaways('images', x, y) == {} == giveaways('series', x, y)
    smooth = np.repeat(x[:, :, ::2], 2, 2)
    assert set(giveaways('images', np.where((y == 1)[:, None, None, None], smooth, x), y)) >= {'sharpness'}


def test_chance_is_that_of_the_examples_a_rule_is_tried_on():
    """Every second example is nearly always of one class: that is chance, however even the others are."""
    y = np.zeros(400, np.int64)
    y[::4], y[1::2] = 1, 1
    y[2::4][:3], y[1:80:8] = 1, 0
    texts = [np.frombuffer(b'alike', np.uint8)] * len(y)
    assert giveaways('texts', texts, y) == {}


def test_levelling_keeps_what_is_in_form_and_writes_jpeg():
    image = images(1).x[0]
    assert Levelling(8, 3)(image) is image
    assert Levelling(4, 1)(image).shape == (4, 4, 1) and Levelling(8, 3)(image[..., :1]).shape == (8, 8, 3)
    stored = Levelling(8, 3, 30)(image)
    assert not np.array_equal(stored, image) and abs(stored.mean() - image.mean()) < 20


def test_a_task_over_the_sets_asks_which(tmp_path: Path, monkeypatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    for name in ('a', 'b', 'c'):
        a_set(tmp_path, name, images(24), images(8))
    put_together(tmp_path, "source=('a', 'b', 'c')")
    task = declared_in(tmp_path / 'mine.py')['which'].task()
    assert task.chance == pytest.approx(1 / 3) and task.base['head']['outputs'] == 3
    (tmp_path / 'mine.py').write_text(
        "from ablations.study import task\nh = task(dataset='which', data={'control': 'halves'})\n"
    )
    halves = declared_in(tmp_path / 'mine.py')['h'].task()
    assert (halves.chance, halves.base['head']['outputs']) == (0.5, 2)
    assert set(np.unique(task_of(halves.data).pool().y)) == {0, 1}


def test_all_that_is_known_of_sets_put_together(tmp_path: Path):
    """Which examples are taken, in which order, and what is said of them, to the last digit."""

    def words(count: int, longest: int, seed: int) -> Part:
        draw = np.random.default_rng(seed)
        rows = [draw.integers(97, 123, draw.integers(10, longest)).astype(np.uint8) for _ in range(count)]
        return Part(np.concatenate(rows), None, np.arange(count) // 2, np.cumsum([0, *map(len, rows)]))

    a_set(tmp_path, 'short', words(120, 30, 1), words(9, 30, 2), 'texts')
    a_set(tmp_path, 'long', words(140, 60, 3), words(12, 60, 4), 'texts')
    made = put_together(tmp_path, "source=('short', 'long')")
    assert made.about['notes'] == [
        'of each set 120 examples of the pool and 9 of test, as many as the smallest has',
        '110 examples of pool share the group of another one, by the groups of its set',
        '7 examples of test share the group of another one, by the groups of its set',
    ]
    assert made.about['giveaways'] == [
        'one number of an example alone tells its set more often than chance (50.0%): length 77.5%. Where that is storage and '
        'not content, take it out: length=, rewrite='
    ]
    parts = [getattr(made, split)() for split in ('pool', 'test')]
    assert [hashlib.sha256(part.x.tobytes() + part.y.tobytes() + part.group.tobytes()).hexdigest()[:16] for part in parts] == [
        '8aa1f33e0f5bae69',
        '2964483c3cc1b1bb',
    ]
    assert made.about['test_split'] == "each set's own test split" and made.about['dropped'] == 0


@pytest.mark.parametrize(
    ('size', 'said'), [(None, r'\(tall 12 x 8, wide 9 x 16\); .* smaller than: size=8$'), (9, '.* up to 8$')]
)
def test_the_shortest_side_of_all_sets_is_the_largest_size(tmp_path: Path, size: int | None, said: str):
    for name, sides in (('tall', (12, 8)), ('wide', (9, 16))):
        x = np.zeros((24, *sides, 3), np.uint8)
        a_set(tmp_path, name, *(Part(x[:n], np.zeros(n, np.int32), np.arange(n)) for n in (24, 8)))
    with pytest.raises(ValueError, match=said):
        put_together(tmp_path, f"source=('tall', 'wide'){f', size={size}' if size else ''}")


@pytest.mark.parametrize(
    ('channels', 'grey', 'made'), [((3, 3), False, 3), ((3, 1), False, 1), ((3, 3), True, 1), ((1, 1), False, 1)]
)
def test_images_are_grey_where_those_of_one_set_are(tmp_path: Path, channels: tuple[int, int], grey: bool, made: int):
    for name, count in zip('ab', channels, strict=True):
        a_set(tmp_path, name, images(24, 8, count), images(8, 8, count))
    one = put_together(tmp_path, f"source=('a', 'b'){', grey=True' if grey else ''}")
    assert one.about['shape'] == [8, 8, made]
