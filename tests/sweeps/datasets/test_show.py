"""Show, pictures and the list of what is there."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets import pictures
from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.inventory import listing
from sweeps.datasets.prepared import KINDS, Part, write
from sweeps.datasets.show import lines, show
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
