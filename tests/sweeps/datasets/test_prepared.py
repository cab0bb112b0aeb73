"""The prepared form: what is written is what is read, the test split cannot be reached, and writing is whole or nothing."""

import dataclasses
import gc
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablations import locations as places
from ablations import prepared_facts
from results.store import atomic
from sweeps.datasets import intact, prepared
from sweeps.datasets.growing import Growing
from sweeps.datasets.intact import checksum
from sweeps.datasets.prepared import Part, Prepared, find, load, mapped, write

GENERATOR = np.random.default_rng(0)


def images(count: int) -> Part:
    x = GENERATOR.integers(0, 256, (count, 5, 4, 3), np.uint8)
    return Part(x, GENERATOR.integers(0, 3, count).astype(np.int32), np.arange(count))


def texts(words: list[str]) -> Part:
    pieces = [np.frombuffer(word.encode(), np.uint8) for word in words]
    offsets = np.cumsum([0, *map(len, pieces)])
    return Part(np.concatenate(pieces), None, np.arange(len(words)), offsets)


def test_what_is_written_is_read_and_mapped(tmp_path: Path):
    pool, test = images(7), images(4)
    about = {'kind': 'images', 'classes': ['a', 'b', 'c'], 'notes': ['made up']}
    dataset = write(tmp_path / 'prepared' / 'little', about, pool, test)
    assert dataset.about['name'] == 'little' and dataset.about['sizes'] == {'pool': 7, 'test': 4}
    assert dataset.about['shape'] == [5, 4, 3] and dataset.about['notes'] == ['made up']
    assert dataset.about['balance']['pool'] == [int((pool.y == label).sum()) for label in range(max(pool.y) + 1)]
    for split, wanted in (('pool', pool), ('test', test)):
        got = getattr(find('little', tmp_path), split)()
        assert isinstance(got.x, np.memmap) and not got.x.flags.writeable
        for field in ('x', 'y', 'group'):
            assert np.array_equal(getattr(got, field), getattr(wanted, field))
            assert getattr(got, field).dtype == getattr(wanted, field).dtype
        assert got.offsets is None
    scaled = pool.x.reshape(-1, 3) / 255
    assert np.allclose(dataset.about['mean'], scaled.mean(0)) and np.allclose(dataset.about['std'], scaled.std(0))


def test_ragged_examples(tmp_path: Path):
    dataset = write(tmp_path / 'words', {'kind': 'texts'}, texts(['one', '', 'three']), texts(['four']))
    pool = dataset.pool()
    assert [pool.example(i).tobytes() for i in range(len(pool))] == [b'one', b'', b'three']
    assert dataset.about['elements'] == {'pool': 8, 'test': 4} and dataset.about['shape'] is None
    empty = Part(np.zeros(0, np.uint8), None, np.zeros(0, np.int64), np.zeros(1, np.int64))
    assert len(write(tmp_path / 'none', {'kind': 'texts'}, texts(['one']), empty).test()) == 0


def test_no_test_array_can_be_reached_from_the_pool(tmp_path: Path):
    dataset = write(tmp_path / 'sealed', {'kind': 'images'}, images(3), images(2))
    for path in (tmp_path / 'sealed' / 'test').iterdir():
        path.unlink()
    pool = load(tmp_path / 'sealed').pool()
    assert len(pool) == 3
    assert {field.name for field in dataclasses.fields(pool)} == {'x', 'y', 'group', 'offsets'}
    assert not any(isinstance(one, (Path, prepared.Prepared)) for one in gc.get_referents(pool))
    with pytest.raises(
        ValueError,
        match=r'test/group.npy: cannot be read .*; prepare it again: archlab data prepare FILE\.py:TASK --force, ',
    ):
        dataset.test()


def test_classes_without_names_are_numbers(tmp_path: Path):
    x = np.zeros((3, 2, 2, 1), np.uint8)
    pool = Part(x, np.array([0, 2, 0], np.int32), np.arange(3))
    test = Part(x, np.array([0, 3, 0], np.int32), np.arange(3))
    about = write(tmp_path / 'numbered', {'kind': 'images'}, pool, test).about
    assert about['classes'] == ['0', '1', '2', '3'] and about['balance'] == {'pool': [2, 0, 1, 0], 'test': [2, 0, 0, 1]}
    with pytest.raises(ValueError, match='labels up to 3, but 3 classes'):
        write(tmp_path / 'few', {'kind': 'images', 'classes': ['a', 'b', 'c']}, pool, test)
    assert write(tmp_path / 'words', {'kind': 'texts'}, texts(['a']), texts(['b'])).about['classes'] is None


def test_the_digest_tells_contents_apart(tmp_path: Path):
    pool, test = images(3), images(2)
    one = write(tmp_path / 'one', {'kind': 'images'}, pool, test).about
    same = write(tmp_path / 'two', {'kind': 'images', 'notes': ['other']}, pool, test).about
    other = write(tmp_path / 'three', {'kind': 'images'}, pool, images(2)).about
    assert one['digest'] == same['digest'] != other['digest']


def test_damage_is_found(tmp_path: Path):
    dataset = write(tmp_path / 'hurt', {'kind': 'images'}, images(3), images(2))
    assert dataset.damaged() == []
    path = tmp_path / 'hurt' / 'pool' / 'x.npy'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (tmp_path / 'hurt' / 'test' / 'y.npy').unlink()
    assert dataset.damaged() == ['pool/x.npy', 'test/y.npy']


def test_writing_again_replaces_and_leaves_nothing(tmp_path: Path):
    write(tmp_path / 'twice', {'kind': 'images'}, images(3), images(2))
    again = write(tmp_path / 'twice', {'kind': 'images'}, images(5), images(2))
    assert len(again.pool()) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.twice.lock', 'twice']


def test_a_failed_write_leaves_what_was_there(tmp_path: Path):
    write(tmp_path / 'kept', {'kind': 'images'}, images(3), images(2))
    with pytest.raises(ValueError, match="kind 'pictures' of a prepared set; allowed"):
        write(tmp_path / 'kept', {'kind': 'pictures'}, images(5), images(2))
    assert len(load(tmp_path / 'kept').pool()) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.kept.lock', 'kept']


PARTS = [
    (dict(x=np.zeros(3), y=None, group=np.arange(2)), '2 groups, but examples by'),
    (dict(x=np.zeros(3), y=np.zeros(2), group=np.arange(3)), "'y': 2"),
    (dict(x=np.zeros(3), y=None, group=np.arange(2), offsets=np.array([0, 1, 2])), 'offsets from 0 to 2 for 3 values'),
    (dict(x=np.zeros(3), y=None, group=np.arange(2), offsets=np.array([1, 2, 3])), 'offsets from 1 to 3'),
]


@pytest.mark.parametrize(('fields', 'message'), PARTS, ids=range(len(PARTS)))
def test_parts_that_do_not_fit_are_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Part(**fields)


def test_what_is_not_prepared_is_named_with_its_command(tmp_path: Path):
    write(tmp_path / 'prepared' / 'there', {'kind': 'images'}, images(1), images(1))
    with pytest.raises(
        ValueError, match=r'not prepared in .*prepared \(there: there\); prepare it: archlab data prepare mnist'
    ):
        find('mnist', tmp_path)
    for name in ('../there', 'There', '', '.there', 'a/b'):
        with pytest.raises(ValueError, match='is no name of a dataset'):
            find(name, tmp_path)


@pytest.mark.parametrize('content', ['', '{}', '[]', '{"format": 2, "sizes": {"pool": 1, "test": 1}}', '{"format": 1}'])
def test_a_foreign_about_is_refused(tmp_path: Path, content: str):
    (tmp_path / 'prepared' / 'odd').mkdir(parents=True)
    (tmp_path / 'prepared' / 'odd' / 'about.json').write_text(content)
    with pytest.raises(ValueError, match='not that of a prepared set of form 1; prepare it again'):
        find('odd', tmp_path)


def test_a_folder_without_an_about_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r'about\.json: not that of a prepared set of form'):
        load(tmp_path)


def test_a_format_that_only_equals_the_number_is_refused(tmp_path: Path):
    write(tmp_path / 'prepared' / 'odd', {'kind': 'images'}, images(1), images(1))
    path = tmp_path / 'prepared' / 'odd' / 'about.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), 'format': True}))
    with pytest.raises(ValueError, match='not that of a prepared set of form 1'):
        find('odd', tmp_path)


def test_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'named'))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    assert places.data_folder(tmp_path / 'given') == tmp_path / 'given'
    assert places.data_folder() == tmp_path / 'named'
    monkeypatch.delenv('ARCHLAB_DATA')
    assert places.prepared_folder() == tmp_path / 'cache' / 'archlab' / 'data' / 'prepared'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert places.data_folder() == tmp_path / 'home' / '.cache' / 'archlab' / 'data'


@pytest.mark.parametrize('rows', [0, 1, 9, 10, 12345])
def test_a_growing_file_is_what_numpy_would_save(tmp_path: Path, rows: int):
    whole = np.arange(rows * 6, dtype=np.int16).reshape(rows, 2, 3)
    file = Growing(tmp_path / 'x.npy', np.int16, (2, 3))
    for start in range(0, rows, 1000):
        file.append(whole[start : start + 1000])
    file.close()
    got = np.load(tmp_path / 'x.npy')
    assert got.dtype == np.int16 and np.array_equal(got, whole)
    np.save(tmp_path / 'saved.npy', whole)
    assert (tmp_path / 'x.npy').read_bytes() == (tmp_path / 'saved.npy').read_bytes()
    file = Growing(tmp_path / 'y.npy', np.int16, (2, 3))
    with pytest.raises(ValueError, match='give all examples one type and shape'):
        file.append(np.zeros((1, 3, 2), np.int16))
    with pytest.raises(ValueError, match='rows of float64'):
        file.append(np.zeros((1, 2, 3)))
    file.close()


def test_about_is_plain_json(tmp_path: Path):
    write(tmp_path / 'plain', {'kind': 'images', 'licence': 'MIT – frei'}, images(2), images(1))
    text = (tmp_path / 'plain' / 'about.json').read_text(encoding='utf-8')
    assert json.loads(text)['licence'] == 'MIT – frei' and 'frei' in text


HARM = {
    'a flipped bit': lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
    'cut': lambda path: path.write_bytes(path.read_bytes()[:-3]),
    'empty': lambda path: path.write_bytes(b''),
}


@pytest.mark.parametrize('harm', HARM.values(), ids=HARM)
@pytest.mark.parametrize('file', ['x.npy', 'y.npy', 'group.npy'])
def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path, harm, file: str):
    dataset = write(tmp_path / 'hurt', {'kind': 'images'}, images(3), images(2))
    dataset.pool()
    path = tmp_path / 'hurt' / 'pool' / file
    harm(path)
    with pytest.raises(
        ValueError, match=rf'pool/{file} is damaged.*archlab data prepare FILE\.py:TASK --force, .* --name hurt --force'
    ):
        load(tmp_path / 'hurt').pool()
    assert len(dataset.test()) == 2


def test_files_that_have_not_changed_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / 'fine', {'kind': 'images'}, images(3), images(2))
    names = []

    def counting(path: Path) -> str:
        names.append(path.name)
        return checksum(path)

    monkeypatch.setattr(intact, 'checksum', counting)
    for _ in range(2):
        load(tmp_path / 'fine').pool()
    assert sorted(names) == ['group.npy', 'x.npy', 'y.npy']
    (tmp_path / 'fine' / 'pool' / 'y.npy').touch()
    load(tmp_path / 'fine').pool()
    assert names[3:] == ['y.npy']


def test_a_set_that_was_moved_away_by_a_killed_process_comes_back(tmp_path: Path):
    folder = tmp_path / 'prepared' / 'old'
    write(folder, {'kind': 'images'}, images(3), images(2))
    folder.rename(folder.with_name('.old.before'))
    assert len(find('old', tmp_path).pool()) == 3
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith('.lock')] == ['old']


def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path: Path):
    (tmp_path / 'vast').mkdir()
    path = tmp_path / 'vast' / 'x.npy'
    np.save(path, np.zeros(4, np.uint8))
    path.write_bytes(path.read_bytes().replace(b'(4,), }' + b' ' * 12, b'(4000000000000,), }'))
    with pytest.raises(ValueError, match=r'x\.npy: not an array, or cut short'):
        prepared.mapped(tmp_path / 'vast')
    np.save(path, np.zeros((0, 3), np.int16))
    assert prepared.mapped(tmp_path / 'vast')['x'].shape == (0, 3)


def test_large_class_numbers_in_memory_become_dense(tmp_path: Path):
    pool, test = (dataclasses.replace(images(2), y=np.array(y)) for y in ([19_999_999, 3], [3, 3]))
    made = write(tmp_path / 'prepared' / 'little', {'kind': 'images'}, pool, test)
    assert (made.pool().y.tolist(), made.test().y.tolist()) == ([1, 0], [0, 0])
    assert made.about['classes'] == ['3', '19999999']


@pytest.mark.parametrize('asked', [prepared_facts.facts_of, prepared.find, lambda name: name in prepared.names() or None])
def test_a_set_is_there_whoever_asks_first_after_a_kill(tmp_path: Path, monkeypatch, asked: Callable):
    """Between the two calls that put a new one in its place."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    part = prepared.Part(np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int32), np.arange(4))
    folder = prepared.write(tmp_path / 'prepared' / 'little', {'kind': 'images'}, part, part).folder
    folder.rename(atomic._moved_away(folder))
    assert not folder.exists()
    assert asked('little') is not None


def test_arrays_of_a_split_by_name(tmp_path: Path):
    np.save(tmp_path / 'x.npy', np.zeros((0, 3), np.float32))
    np.save(tmp_path / 'group.npy', np.arange(4))
    arrays = mapped(tmp_path)
    assert arrays['x'].shape == (0, 3) and arrays['x'].dtype == np.float32 and arrays['y'] is None and arrays['offsets'] is None
    assert isinstance(arrays['group'], np.memmap) and arrays['group'].tolist() == [0, 1, 2, 3]
    (tmp_path / 'y.npy').mkdir()
    with pytest.raises(ValueError, match=r'y\.npy: not a file; prepare it again'):
        mapped(tmp_path)
    (tmp_path / 'y.npy').rmdir()
    whole = (tmp_path / 'group.npy').read_bytes()
    for content in (whole[:-8], whole[:20], b'', b'no array at all'):
        (tmp_path / 'group.npy').write_bytes(content)
        with pytest.raises(ValueError, match=r'group\.npy: not an array, or cut short'):
            mapped(tmp_path)


@pytest.mark.parametrize(
    'changes',
    [
        {'format': 2},
        {'format': True},
        {'format': 1.0},
        {'sizes': {'pool': 3}},
        {'sizes': {'pool': '3', 'test': 3}},
        {'name': None},
        {'checksums': []},
        {'digest': 5},
        {'balance': None},
    ],
    ids=str,
)
def test_an_about_of_another_form_is_refused(tmp_path: Path, changes: dict):
    part = Part(np.zeros((3, 4), np.float32), None, np.arange(3))
    folder = write(tmp_path / 'mine', {'kind': 'series'}, part, part).folder
    about = json.loads((folder / 'about.json').read_text())
    assert about['format'] == 1 and load(folder).about == about
    (folder / 'about.json').write_text(json.dumps({**about, **changes}))
    with pytest.raises(ValueError, match=r'about\.json: not that of a prepared set of form 1; prepare it again'):
        load(folder)


def test_a_split_of_another_size_than_was_written_is_refused(tmp_path: Path):
    part = Part(np.zeros((3, 4), np.float32), None, np.arange(3))
    made = write(tmp_path / 'mine', {'kind': 'series'}, part, part)
    other = Prepared(made.folder, {**made.about, 'sizes': {'pool': 4, 'test': 3}})
    assert len(other.test()) == 3
    with pytest.raises(ValueError, match=r'pool: holds 3 examples, 4 were written; prepare it again'):
        other.pool()
