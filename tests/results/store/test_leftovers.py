"""Leftovers of killed writers: named as such, put back or swept, and what is being written stays."""

import contextlib
import errno

import pytest
from test_atomic import NEW, OLD, content_of, fill, old_folder

from results.store import atomic


def test_what_a_killed_process_leaves_has_a_name_that_says_so(tmp_path):
    with atomic.aside(tmp_path / 'it') as new:
        assert new.parent == tmp_path
        assert atomic.is_left_over(new.name)
    for name in ('it', '.it', '.it.aside', '.lock', 'it.aside-' + '0' * 32):
        assert not atomic.is_left_over(name)


def test_of_a_link_to_a_folder_the_link_alone_is_removed(tmp_path):
    old_folder(tmp_path / 'far')
    with atomic.aside(tmp_path / 'it') as free:
        free.symlink_to(tmp_path / 'far')
    assert [inner.name for inner in tmp_path.iterdir()] == ['far'] and content_of(tmp_path / 'far') == {'a': OLD}


def test_a_folder_that_a_killed_process_had_moved_away_comes_back(tmp_path):
    """Killed between the two renames, there is neither the old nor the new; the next call has the old one again."""
    path = tmp_path / 'it'
    old_folder(path)
    path.rename(tmp_path / '.it.before')
    atomic.recover(path)
    assert content_of(path) == {'a': OLD}
    path.rename(tmp_path / '.it.before')
    with pytest.raises(KeyboardInterrupt), atomic.replacing_folder(path):
        raise KeyboardInterrupt
    assert content_of(path) == {'a': OLD}
    fill(path)
    assert content_of(path) == {'inner/b': NEW} and [inner.name for inner in tmp_path.iterdir()] == ['it']


def test_what_a_kill_left_after_the_new_was_there_goes(tmp_path):
    old_folder(tmp_path / 'it')
    old_folder(tmp_path / '.it.before')
    atomic.recover(tmp_path / 'it')
    assert (tmp_path / '.it.before').exists()
    fill(tmp_path / 'it')
    assert [inner.name for inner in tmp_path.iterdir()] == ['it']


def test_what_nobody_holds_is_swept_and_what_is_being_written_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, 'JUST_NOW', 0)
    with atomic.aside(tmp_path / 'left') as left:
        names = [left.name]
    (tmp_path / names[0]).write_bytes(OLD)
    (tmp_path / names[0].replace('.left', '.folder')).mkdir()
    (tmp_path / '.mine').write_bytes(OLD)
    path = tmp_path / 'it'
    with atomic.aside(path) as new, atomic._written(new, NEW):
        atomic.sweep(tmp_path)
        assert sorted(inner.name for inner in tmp_path.iterdir()) == sorted(['.mine', new.name])
    atomic.sweep(tmp_path / 'absent')


def test_a_folder_that_is_being_filled_is_not_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, 'JUST_NOW', 0)
    with atomic.replacing_folder(tmp_path / 'it') as new:
        (new / 'a').write_bytes(NEW)
        atomic.sweep(tmp_path)
        atomic.sweep(tmp_path, 'it')
        assert (new / 'a').read_bytes() == NEW
    assert content_of(tmp_path / 'it') == {'a': NEW}


@pytest.mark.parametrize(
    ('age', 'held', 'stays'),
    [(0.5, False, True), (1.0, False, True), (2.0, False, False), (2.0, True, True), (4000.0, True, True)],
)
def test_what_was_just_written_or_is_held_stays(tmp_path, monkeypatch, age: float, held: bool, stays: bool):
    left = tmp_path / f'.it.aside-{"0" * 32}'
    left.write_bytes(OLD)
    now = left.stat().st_ctime + age
    monkeypatch.setattr(atomic.time, 'time', lambda: now)
    with atomic._held(left) if held else contextlib.nullcontext():
        atomic.sweep(tmp_path)
        assert left.exists() is stays


@pytest.mark.parametrize(('age', 'stays'), [(2.0, True), (3599.0, True), (3600.0, False), (3601.0, False)])
def test_where_no_lock_can_tell_only_what_is_old_goes(tmp_path, monkeypatch, age: float, stays: bool):
    def unable(*_: object) -> None:
        raise OSError(errno.ENOLCK, 'No locks available')

    left = tmp_path / f'.it.aside-{"0" * 32}'
    left.write_bytes(OLD)
    now = left.stat().st_ctime + age
    monkeypatch.setattr(atomic.time, 'time', lambda: now)
    monkeypatch.setattr(atomic.fcntl, 'flock', unable)
    atomic.sweep(tmp_path)
    assert left.exists() is stays


def test_only_what_was_left_of_one_name_is_swept_where_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, 'JUST_NOW', 0)
    names = [f'.{name}.aside-{"0" * 32}' for name in ('it', 'it.more', 'other')]
    for name in names:
        (tmp_path / name).write_bytes(OLD)
    atomic.sweep(tmp_path, 'it')
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]
    folder = tmp_path / 'folder'
    folder.mkdir()
    with atomic.swept(tmp_path, folder):
        assert [path.name for path in tmp_path.iterdir()] == ['folder']
        (folder / names[0]).write_bytes(OLD)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ('name', 'left'),
    [
        (f'.it.aside-{"0f" * 16}', True),
        (f'.a.b.aside-{"0f" * 16}', True),
        (f'it.aside-{"0f" * 16}', False),
        (f'.aside-{"0f" * 16}', False),
        (f'.it.aside-{"0f" * 15}', False),
        (f'.it.aside-{"0F" * 16}', False),
        (f'.it.aside-{"0f" * 16}x', False),
        ('.it', False),
    ],
)
def test_names_of_what_is_left_over(name: str, left: bool):
    assert atomic.is_left_over(name) is left
