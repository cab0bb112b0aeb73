"""Show, pictures and the list of what is there."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets import pictures
from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.inventory import listing
from sweeps.datasets.prepared import KINDS, Part, write
from sweeps.datasets.show import excerpt, lines, show
from sweeps.datasets.sources import READERS


def labelled(count: int = 12) -> Part:
    x = np.arange(count * 12, dtype=np.uint8).reshape(count, 4, 3, 1)
    return Part(x, np.arange(count, dtype=np.int32) // 4, np.arange(count))


def words(pieces: list[bytes]) -> Part:
    return Part(np.frombuffer(b''.join(pieces), np.uint8), None, np.arange(len(pieces)), np.cumsum([0, *map(len, pieces)]))


def test_examples_are_chosen_from_each_class_in_turn():
    assert labelled().y[pictures.chosen(labelled(), 6)].tolist() == [0, 1, 2, 0, 1, 2]
    assert pictures.chosen(labelled(), 6).tolist() == [0, 4, 8, 1, 5, 9]
    assert pictures.chosen(words([b'a'] * 9), 3).tolist() == [0, 4, 8]


def test_a_contact_sheet_holds_the_pixels():
    page = pictures.sheet(labelled(), 'images', 2, 3)
    edge = pictures.EDGE
    assert page.shape == (2 * (4 + edge) + edge, 3 * (3 + edge) + edge, 3)
    second = page[edge : edge + 4, edge + 3 + edge : edge + 3 + edge + 3]
    assert np.array_equal(second[..., 0], labelled().x[4, ..., 0]) and np.array_equal(second[..., 0], second[..., 2])


def test_examples_without_a_class_are_shown_too():
    x = np.zeros((6, 4, 3, 1), np.uint8)
    values = Part(x, np.ones((6, 2), np.float32), np.arange(6))
    assert pictures.chosen(values, 3).tolist() == [0, 2, 5] and pictures.sheet(values, 'images', 1, 3).shape[2] == 3
    page = pictures.sheet(Part(x, np.ones((6, 4, 3), np.int32), np.arange(6)), 'images', 1, 1)
    edge = pictures.EDGE
    assert page[edge, edge : edge + 6].tolist() == [[0, 0, 0]] * 3 + [[97, 151, 211]] * 3


def test_curves_are_drawn_from_low_to_high():
    page = pictures.curve(np.array([0.0, 1.0, 2.0, 3.0]), wide=4, high=4)[..., 0]
    assert np.array_equal(page == 0, np.eye(4, dtype=bool)[::-1])
    assert (pictures.curve(np.zeros(5), 5, 4)[..., 0] == 0).sum() == 5
    assert pictures.curve(np.zeros(0), 5, 4).min() == 255


def test_a_picture_in_a_terminal():
    page = np.zeros((4, 6, 3), np.uint8)
    page[0, 0] = 255, 0, 7
    shown = pictures.half_blocks(page, 80)
    assert len(shown) == 2 and shown[0].startswith('\x1b[38;2;255;0;7;48;2;0;0;0m▀') and shown[0].count('▀') == 6
    assert [line.count('▀') for line in pictures.half_blocks(np.zeros((90, 100, 3), np.uint8), 40)] == [33] * 15


def test_pictures_are_png_files(tmp_path: Path):
    from PIL import Image

    page = pictures.sheet(labelled(), 'images', 1, 2)
    pictures.save(page, tmp_path / 'sheet.png')
    assert np.array_equal(np.asarray(Image.open(tmp_path / 'sheet.png')), page)
    with pytest.raises(ValueError, match=r'give --out a name that ends with \.png'):
        pictures.save(page, tmp_path / 'sheet.jpg')


def test_show_never_opens_the_test_examples(tmp_path: Path):
    dataset = write(tmp_path / 'seen', {'kind': 'texts', 'unit': 'a word'}, words([b'open', b'words']), words([b'secret']))
    for path in (tmp_path / 'seen' / 'test').iterdir():
        path.unlink()
    told = show(dataset)
    assert told['excerpt'] == ['open', 'words'] and 'secret' not in str(told)
    assert 'damaged' not in told, 'files are compared only where it is asked for'
    assert 'test        1 examples, 6 values (sealed)' in lines(told)
    assert show(dataset, check=True)['damaged'] == ['test/group.npy', 'test/offsets.npy', 'test/x.npy']


def test_show_tells_classes_and_overlap(tmp_path: Path):
    about = {'kind': 'images', 'classes': ['a', 'b', 'c'], 'partial': ['1 of 2'], 'notes': ['so it is'], 'licence': 'MIT'}
    text = '\n'.join(lines(show(write(tmp_path / 'one', about, labelled(), labelled()))))
    assert 'classes     3; examples of each in the pool: 4 to 4' in text and '4  b' in text
    assert 'partial     1 of 2' in text and 'note        so it is' in text and 'licence     MIT' in text
    near = {'near_duplicates': {'length': 50, 'looked_for': 200, 'share': 0.125}}
    text = '\n'.join(lines(show(write(tmp_path / 'two', {'kind': 'texts', **near}, words([b'a']), words([b'b'])))))
    assert '12.50% of 200 runs of 50 bytes of the test split stand in the pool too' in text


def test_the_list_tells_prepared_found_and_missing(tmp_path: Path):
    write(tmp_path / 'prepared' / 'kmnist', {'kind': 'images', 'about': 'known'}, labelled(), labelled())
    write(tmp_path / 'prepared' / 'my_own', {'kind': 'texts'}, words([b'a']), words([b'b']))
    (tmp_path / 'tinyshakespeare').mkdir()
    (tmp_path / 'tinyshakespeare' / 'input.txt').write_text('words')
    sets = listing(tmp_path)
    assert [sets[name]['state'] for name in ('kmnist', 'my_own', 'tiny_shakespeare', 'mnist', 'text')] == [
        'prepared', 'prepared', 'found', 'missing', 'form',
    ]  # fmt: skip
    assert sets['kmnist']['bytes'] == sum(
        p.stat().st_size for p in (tmp_path / 'prepared' / 'kmnist').rglob('*') if p.is_file()
    )
    assert sets['tiny_shakespeare']['prepare'] == 'archlab data prepare tiny_shakespeare'
    assert str(tmp_path / 'mnist') in sets['mnist']['looked_in'] and 'yann.lecun.com' in sets['mnist']['get']
    assert sets['text']['prepare'] == 'archlab data prepare text --source PATH --name NAME'


@pytest.mark.parametrize('name', DATASETS)
def test_every_entry_of_the_catalog_is_complete(name: str):
    known = DATASETS[name]
    assert known.kind in KINDS and known.reader['kind'] in READERS
    for field in ('about', 'unit', 'licence', 'origin', 'test', 'layouts'):
        assert getattr(known, field)
    assert known.form or (known.folders and known.marks and known.citation)
    assert all(len(digest) == 32 and int(digest, 16) >= 0 for digest in known.md5.values())
    assert set(known.examples) <= {'pool', 'test'}
    # What a model sees of it is known before it is prepared, but for forms of a user's own files.
    assert known.form or (known.shape is not None) == (known.kind in ('images', 'series'))
    assert known.form or (known.rate is not None) == (known.kind == 'sounds')


def test_a_sound_is_shown_by_its_length(tmp_path: Path):
    sound = Part(np.zeros(14, np.int16), np.array([0, 1, 0], np.int32), np.arange(3), np.array([0, 4, 6, 14]))
    told = show(write(tmp_path / 'sounds', {'kind': 'sounds', 'rate': 4, 'classes': ['a', 'b']}, sound, sound))
    assert told['seconds'] == {'shortest': 0.5, 'mean': pytest.approx(3.5 / 3), 'longest': 2.0} and 'excerpt' not in told
    assert 'seconds     shortest 0.50, mean 1.17, longest 2.00' in lines(told)


def test_excerpts_are_the_beginnings_of_the_first_examples():
    long = words([b'a' * 500, 'ü'.encode() * 201, b'third'])
    assert excerpt(long, 'texts') == ['a' * 400, 'ü' * 200]
    assert excerpt(words([b'C' * n for n in range(1, 12)]), 'molecules') == ['C' * n for n in range(1, 9)]
    tokens = Part(np.arange(60, dtype=np.uint16), None, np.arange(1), np.array([0, 60]))
    assert excerpt(tokens, 'tokens') == [' '.join(map(str, range(50)))]
    assert excerpt(words([b'ab\xc3']), 'texts') == ['ab'], 'half a letter at the end is left out'


def told(**facts: object) -> list[str]:
    """The lines on a set of which nothing more is known than these facts."""
    sizes = {'pool': 1200, 'test': 3}
    empty = {'name': 'mine', 'kind': 'tables', 'where': '/data', 'licence': 'MIT', 'digest': 'abc', 'notes': [], 'sources': []}
    return lines({**empty, 'sizes': sizes, 'elements': {'pool': 3600, 'test': 9}, 'partial': None, **facts})


def test_facts_that_are_not_there_have_no_line():
    assert told() == [
        'mine: tables',
        'where       /data',
        'kind        tables',
        'pool        1,200 examples, 3,600 values',
        'test        3 examples, 9 values (sealed)',
        'licence     MIT',
        'digest      abc',
    ]


LETTERS = dict.fromkeys('ABCDEFGHI', 2)


@pytest.mark.parametrize(
    ('facts', 'wanted'),
    [
        ({'about': 'my rows', 'unit': 'a row'}, ['mine: my rows', 'kind        tables, a row']),
        ({'test_split': 'by hash'}, ['test split  by hash']),
        ({'shape': [4, 3]}, ['shape       4 x 3']),
        ({'citation': 'A paper'}, ['cite        A paper']),
        ({'partial': ['no x', 'no y']}, ['partial     no x; no y']),
        ({'giveaways': ['a tells b']}, ['giveaway    a tells b']),
        ({'damaged': []}, ['files       as they were written']),
        ({'damaged': ['pool/x.npy', 'test/x.npy']}, ['files       damaged: pool/x.npy, test/x.npy']),
        ({'sources': [{'files': 1200, 'bytes': 5000}]}, ['source      1,200 files, 5,000 bytes']),
        (
            {'sources': [{'file': 'a.gz', 'bytes': 5000, 'sha256': '0123456789abcdef99', 'official': 'matches'}]},
            ['source      a.gz, 5,000 bytes, sha256 0123456789abcdef, matches'],
        ),
        (
            {'letters': LETTERS},
            ['letters     ' + ', '.join(f'{one} 11.1%' for one in 'ABCDEFG'), '            H 11.1%, I 11.1%'],
        ),
        (
            {'classes': ['a', 'b', 'c'], 'balance': {'pool': [700, 500]}},
            ['classes     3; examples of each in the pool: 0 to 700', '                 700  a', '                   0  c'],
        ),
        (
            {'classes': ['a', 'b'], 'balance': {'pool': [1, 2]}, 'target': 'map'},
            ['classes     2; places of each in the pool: 1 to 2'],
        ),
        (
            {'kind': 'tokens', 'near_duplicates': {'length': 13, 'looked_for': 2000, 'share': 0.5}},
            ['overlap     50.00% of 2,000 runs of 13 tokens of the test split stand in the pool too'],
        ),
        (
            {'targets': ['x', 'y'], 'target': 'labels', 'known': {'pool': [1200, 1000]}, 'positive': {'pool': [7, 1001]}},
            [
                'targets     2 labels; 200 of 2,400 are missing in the pool',
                '               1,200  x (7 positive)',
                '               1,000  y (1,001 positive)',
            ],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else '',
)
def test_each_fact_has_its_line(facts: dict, wanted: list[str]):
    assert [line for line in told(**facts) if line in wanted] == wanted


def test_many_classes_and_targets_are_counted_and_not_listed():
    for count in (20, 21):
        classes = told(classes=[f'c{n}' for n in range(count)], balance={'pool': list(range(count))})
        targets = told(
            targets=[f't{n}' for n in range(count)], target='values', known={'pool': [1200] * count}, target_mean=[0.5] * count,
            target_std=[2] * count,
        )  # fmt: skip
        assert f'classes     {count}; examples of each in the pool: 0 to {count - 1}' in classes
        assert (
            ('                  19  c19' in classes)
            == ('               1,200  t0 (mean 0.5, deviation 2)' in targets)
            == (count == 20)
        )
    assert not any('overlap' in line for line in told(near_duplicates={'length': 13, 'looked_for': 0, 'share': 0.0}))


def test_a_series_is_drawn_and_colours_are_those_of_an_image():
    x = np.arange(10, dtype=np.float32).reshape(1, 10)
    page = pictures.sheet(Part(x, None, np.arange(1)), 'series', 1, 1)
    edge = pictures.EDGE
    assert page.shape == (pictures.HIGH + 2 * edge, pictures.WIDE + 2 * edge, 3)
    assert np.array_equal(page[edge:-edge, edge:-edge], pictures.curve(x[0]))
    four = np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4)
    assert np.array_equal(
        pictures.sheet(Part(four, None, np.arange(1)), 'images', 1, 1)[edge:-edge, edge:-edge], four[0, ..., :3]
    )
    rows = pictures.sheet(Part(np.zeros((5, 2, 2, 1), np.uint8), None, np.arange(5)), 'images', 9, 2)
    assert rows.shape == (3 * (2 + edge) + edge, 2 * (2 + edge) + edge, 3), 'no more rows than there are examples'
    assert rows[-edge - 1, -edge - 1].tolist() == [255] * 3 and rows[-edge - 1, edge].tolist() == [0] * 3


def test_an_odd_row_of_a_picture_has_white_below_it():
    (only,) = pictures.half_blocks(np.zeros((1, 2, 3), np.uint8), 80)
    assert only == '\x1b[38;2;0;0;0;48;2;255;255;255m▀' * 2 + '\x1b[0m'
    assert len(pictures.half_blocks(np.zeros((5, 2, 3), np.uint8), 2)) == 3
    assert len(pictures.half_blocks(np.zeros((8, 4, 3), np.uint8), 3)) == 2, 'four pixels in three characters are halved'


def test_a_column_of_a_curve_spans_what_it_has_of_the_values():
    page = pictures.curve(np.array([0, 3, 1, 1, 2, 3, 3, 0]), wide=4, high=4)[..., 0]
    assert [(page[:, column] == 0).sum() for column in range(4)] == [4, 1, 2, 4]
    assert np.flatnonzero(page[:, 1] == 0).tolist() == [2] and np.flatnonzero(page[:, 2] == 0).tolist() == [0, 1]


def test_every_class_has_a_colour_of_its_own_bytes():
    assert pictures.colours(np.array([[2, 3, 200, -1]])).tolist() == [
        [[194, 46, 166], [35, 197, 121], [200, 248, 216], [255, 255, 255]]
    ]


def test_of_many_examples_the_first_of_each_class_are_shown():
    y = np.random.default_rng(0).integers(0, 3, 900).astype(np.int32)
    first = [np.flatnonzero(y == label)[:2].tolist() for label in range(3)]
    part = Part(np.zeros((900, 2, 2, 1), np.uint8), y, np.arange(900))
    assert pictures.chosen(part, 6).tolist() == [one[0] for one in first] + [one[1] for one in first]


def test_small_numbers_fill_the_height_of_a_curve_too():
    values = np.array([0.0, 1.0, 2.0, 3.0])
    assert np.array_equal(pictures.curve(values * 1e-3, 4, 4), pictures.curve(values, 4, 4))
    assert np.array_equal(pictures.curve(values - 9, 4, 4), pictures.curve(values, 4, 4))
