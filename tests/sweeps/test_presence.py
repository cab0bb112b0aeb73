"""Presence: who is at work in a folder, while it is, and until when it was heard of."""

import dataclasses
import json
import os
import platform
import threading
import time
from pathlib import Path

import pytest

from sweeps import presence
from sweeps.presence import SILENCE, everybody, forget, present, tidy


def test_one_is_there_while_it_works(tmp_path: Path):
    with present(tmp_path, 'ab12', arm='base'):
        (one,) = everybody(tmp_path)
        assert (one.name, one.pid, one.about) == ('ab12', os.getpid(), {'arm': 'base'})
        assert one.is_there(time.time()) and one.since <= time.time()
        assert everybody(tmp_path, 'ab1') == []
    assert everybody(tmp_path) == []


def test_it_is_heard_of_again_and_again(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(presence, 'BEAT', 0.01)
    with present(tmp_path, 'ab12'):
        (one,) = everybody(tmp_path)
        os.utime(one.path, (1.0, 1.0))
        patience = time.monotonic() + 10
        while everybody(tmp_path)[0].heard < 2 and time.monotonic() < patience:
            time.sleep(0.005)
        assert everybody(tmp_path)[0].heard > one.since - 1


def test_what_was_killed_is_gone_after_a_while_and_its_time_is_known(tmp_path: Path):
    """Two copies of one order, as after a requeue: one killed an hour ago, one that is there."""
    folder, now = tmp_path / presence.FOLDER, time.time()
    folder.mkdir()
    for pid, since, heard in ((1, now - 3600, now - 3000), (2, now - 100, now - 1)):
        path = folder / f'ab12@node-{pid}.json'
        path.write_text(json.dumps({'name': 'ab12', 'host': 'node', 'pid': pid, 'since': since}))
        os.utime(path, (heard, heard))
    gone, there = everybody(tmp_path, 'ab12')
    assert (gone.is_there(now), there.is_there(now)) == (False, True)
    assert gone.is_there(gone.heard + SILENCE - 1) and round(gone.seconds) == 600
    tidy(tmp_path)
    assert [one.pid for one in everybody(tmp_path)] == [2]
    assert round(forget(tmp_path, 'ab12')) == 99 and everybody(tmp_path) == []


def test_what_cannot_be_read_or_written_is_no_error(tmp_path: Path):
    folder = tmp_path / presence.FOLDER
    folder.mkdir()
    vast = '{"name": "a", "host": "b", "pid": 1, "since": 1%s}' % ('0' * 400)
    for number, text in enumerate(
        (vast, '17', 'null', '', '[]', '{"name": "a"}', '{"name": "a", "host": "b", "pid": "c", "since": 1}')
    ):
        (folder / f'{number}@x-1.json').write_text(text)
    os.mkfifo(folder / 'pipe@x-1.json')
    assert everybody(tmp_path) == []
    (tmp_path / 'file').write_text('no folder')
    with present(tmp_path / 'file', 'ab12'):
        assert everybody(tmp_path / 'file') == []


def test_who_was_not_heard_of_for_so_long_is_gone():
    one = presence.Present(Path('a'), 'a', 'b', 1, since=50.0, heard=100.0, about={})
    assert one.is_there(100 + SILENCE - 0.1) and not one.is_there(100 + SILENCE)
    assert one.seconds == 50.0 and dataclasses.replace(one, since=200.0).seconds == 0.0, 'clocks differ'


def test_a_name_is_a_whole_name_and_writers_stand_in_the_order_of_their_files(tmp_path: Path):
    folder = tmp_path / presence.FOLDER
    folder.mkdir()
    for name, host in (('ab', 'x'), ('a', 'y'), ('a', 'x'), ('run', 'x')):
        told = {'name': name, 'host': host, 'pid': 3, 'since': 1, 'arm': 'base'}
        (folder / f'{name}@{host}-3.json').write_text(json.dumps(told))
    assert [(one.name, one.host) for one in everybody(tmp_path)] == [('a', 'x'), ('a', 'y'), ('ab', 'x'), ('run', 'x')]
    assert [one.host for one in everybody(tmp_path, 'a')] == ['x', 'y'] and everybody(tmp_path)[0].about == {'arm': 'base'}


def test_the_last_touch_of_a_file_comes_before_it_goes(tmp_path: Path, monkeypatch):
    there = []

    def slow(path: Path, ended: threading.Event) -> None:
        ended.wait()
        time.sleep(0.02)
        there.append(path.exists())

    monkeypatch.setattr(presence, '_touch', slow)
    with present(tmp_path, 'ab12'):
        assert there == []
    assert there == [True] and everybody(tmp_path) == []


def test_whoever_waits_for_no_disk_and_follows_no_link(tmp_path: Path, monkeypatch):
    """What is written every few seconds for watchers is not forced to the disk, and never goes elsewhere."""
    monkeypatch.setattr(os, 'fsync', lambda handle: pytest.fail('it waits for the disk'))
    (tmp_path / presence.FOLDER).mkdir()
    path = tmp_path / presence.FOLDER / f'ab12@{platform.node()}-{os.getpid()}.json'
    (tmp_path / 'mine').write_text('mine')
    path.symlink_to(tmp_path / 'mine')
    with present(tmp_path, 'ab12'):
        assert not path.is_symlink() and (tmp_path / 'mine').read_text() == 'mine'
