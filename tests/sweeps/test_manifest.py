"""The manifest: one file, replaced whole, held by one run at a time."""

import errno
import os
from pathlib import Path

import pytest

from sweeps import manifest


def test_an_empty_folder_has_an_empty_manifest(tmp_path: Path):
    assert manifest.load(tmp_path) == manifest.EMPTY
    manifest.load(tmp_path)['looks'].append(3)
    assert manifest.EMPTY['looks'] == []


def test_what_is_saved_is_loaded_and_updates_keep_the_rest(tmp_path: Path):
    manifest.save(tmp_path, {'study': 'x', 'looks': [3]})
    assert manifest.update(tmp_path, test_reads={'digits': 2})['looks'] == [3]
    assert manifest.load(tmp_path) == {**manifest.EMPTY, 'study': 'x', 'looks': [3], 'test_reads': {'digits': 2}}
    assert [path.name for path in tmp_path.iterdir()] == [manifest.FILE]


def test_what_was_removed_meanwhile_is_written_again(tmp_path: Path):
    known = manifest.update(tmp_path, strategy='map', lanes=16, looks=[3])
    (tmp_path / manifest.FILE).unlink()
    assert (
        manifest.update(tmp_path, known, test_reads={'digits': 4})
        == {**known, 'test_reads': {'digits': 4}}
        == manifest.load(tmp_path)
    )
    manifest.save(tmp_path, {**known, 'looks': [3, 5]})
    assert manifest.update(tmp_path, known, lanes=8)['looks'] == [3, 5], 'what another process has written since counts'


@pytest.mark.parametrize('text', ['', '{"looks": [3', '[]', 'null', '\x00\x01', '{"study": "of no name"}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str):
    (tmp_path / manifest.FILE).write_text(text)
    with pytest.raises(ValueError, match=r'manifest\.json is damaged .*move it away'):
        manifest.load(tmp_path)


def test_a_full_disk_leaves_the_old_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    manifest.save(tmp_path, {'looks': [3]})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ValueError, match='nothing recorded is lost'):
        manifest.save(tmp_path, {'looks': [4]})
    assert manifest.load(tmp_path)['looks'] == [3]
    assert [path.name for path in tmp_path.iterdir()] == [manifest.FILE]


def test_one_run_at_a_time(tmp_path: Path):
    taken = pytest.raises(ValueError, match='another archlab run is using it')
    with manifest.locked(tmp_path), taken, manifest.locked(tmp_path):
        pass
    with manifest.locked(tmp_path):
        pass


def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(manifest.fcntl, 'flock', refuse)
    with manifest.locked(tmp_path):
        pass


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        *(('looks', value) for value in (3, ['3'], [-1], {'3': 1})),
        *(('test_reads', value) for value in ([], {'digits': '2'}, {'digits': -1})),
        *(('settings', value) for value in ('trials=2', [2])),
        *(('costs', value) for value in ([], {'base': 1}, {'base': {'digits': [1]}}, {'base': {'digits': {'params': 'x'}}})),
        *(('lanes', value) for value in (0, '16', None)),
        ('digest', 5),
    ],
)
def test_an_entry_of_another_kind_is_damage(tmp_path: Path, name: str, value: object):
    manifest.save(tmp_path, {'looks': [3], name: value})
    with pytest.raises(ValueError, match=rf"manifest\.json is damaged \('{name}' is .*move it away"):
        manifest.load(tmp_path)


NO_FILES = {'pipe': os.mkfifo, 'device': lambda path: path.symlink_to('/dev/zero'), 'folder': Path.mkdir}


@pytest.mark.parametrize('make', NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path, make):
    make(tmp_path / manifest.FILE)
    with pytest.raises(ValueError, match=r'manifest\.json cannot be read .*nothing in it is lost'):
        manifest.load(tmp_path)


def test_a_manifest_out_of_reach_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """To move it away would lose the looks that were not declared, and reads of test data that left no record."""

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, 'Permission denied')

    manifest.save(tmp_path, {'looks': [3]})
    monkeypatch.setattr(manifest.regular, 'read', denied)
    with pytest.raises(ValueError, match='cannot be read') as caught:
        manifest.load(tmp_path)
    assert 'damaged' not in str(caught.value) and 'away' not in str(caught.value)


def test_a_manifest_nested_too_deeply_is_damage(tmp_path: Path):
    (tmp_path / manifest.FILE).write_text('[' * 10**5 + ']' * 10**5)
    with pytest.raises(ValueError, match=r'manifest\.json is damaged'):
        manifest.load(tmp_path)


DESIGN = {'looks': [3, 5], 'shares': [0.4, 0.6], 'alpha': 0.05}


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        *(('study', value) for value in (None, 3, 'Of Capitals', '')),
        *((name, None) for name in ('digest', 'platform', 'strategy')),
        *(('lanes', value) for value in (True, 1.0, -1)),
        *(('protocol', value) for value in (0, 'one')),
        *(('pack_seconds', value) for value in (0, -1.0, True, '240')),
        *(('design', value) for value in ([], {}, {**DESIGN, 'looks': []}, {**DESIGN, 'looks': [3, '5']})),
        *(('design', {**DESIGN, 'shares': value}) for value in (None, [1.0], [0.4, True], [0.4, '0.6'])),
        *(('design', {**DESIGN, 'alpha': value}) for value in (None, 0.0, 1.0, 1, '0.05')),
        *((name, value) for name in ('test_sizes', 'test_reads') for value in ({'digits': True}, {'digits': 1.5}, None)),
        *(('sets', value) for value in ({'mine': 3}, ['mine'])),
        *(('giveaways', value) for value in ({'mine': 'a sentence'}, {'mine': [3]})),
        ('costs', {'base': {'digits': {'flops': [1]}}}),
    ],
)
def test_every_entry_has_its_kind(tmp_path: Path, name: str, value: object):
    manifest.save(tmp_path, {'looks': [3], name: value})
    with pytest.raises(ValueError, match=rf"manifest\.json is damaged \('{name}' is "):
        manifest.load(tmp_path)


def test_entries_of_every_kind_are_taken(tmp_path: Path):
    told = {
        **{'study': 'mine', 'digest': 'ab', 'platform': 'cpu', 'strategy': 'loop', 'lanes': 1, 'protocol': 1, 'looks': [0]},
        **{'pack_seconds': 0.5, 'settings': ['trials=2'], 'design': DESIGN, 'test_sizes': {'digits': 0}, 'sets': {'a': 'b'}},
        **{'giveaways': {'a': ['b tells c'], 'd': []}, 'test_reads': {}},
        'costs': {'base': {'digits': {'params': None, 'flops': 1.5}, 'recall': {}}},
    }
    manifest.save(tmp_path, told)
    assert manifest.load(tmp_path) == told
    manifest.save(tmp_path, {**told, 'of_another_version': 3})
    assert manifest.load(tmp_path)['of_another_version'] == 3


def test_an_object_without_any_entry_is_of_something_else(tmp_path: Path):
    (tmp_path / manifest.FILE).write_text('{"name": "a package"}')
    with pytest.raises(ValueError, match=r'is damaged \(it has no entry of a manifest\)'):
        manifest.load(tmp_path)
    (tmp_path / manifest.FILE).write_text('{}')
    assert manifest.load(tmp_path) == manifest.EMPTY


def test_a_manifest_is_written_in_the_order_of_its_names(tmp_path: Path):
    manifest.save(tmp_path, {'study': 'x', 'looks': [3]})
    assert (tmp_path / manifest.FILE).read_text() == '{\n "looks": [\n  3\n ],\n "study": "x"\n}'


def test_of_what_is_damaged_the_beginning_is_told(tmp_path: Path):
    manifest.save(tmp_path, {'looks': ['x' * 100]})
    with pytest.raises(ValueError, match=r"""\('looks' is \["x{58}\); move it away"""):
        manifest.load(tmp_path)
