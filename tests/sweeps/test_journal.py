"""The journal of a run: what those who watch it are told, also where lines are damaged."""

import os
from pathlib import Path

from sweeps import journal
from sweeps.journal import Account, account, note


def test_a_journal_is_added_up(tmp_path: Path):
    assert account(tmp_path) == Account()
    note(tmp_path, 'began', host='a', pid=1, launcher='slurm', queue=True)
    note(tmp_path, 'submitted', packs=['one', 'two'])
    note(tmp_path, 'lost', pack='one', seconds=60.0)
    note(tmp_path, 'submitted', packs=['one'])
    note(tmp_path, 'lost', pack='one', seconds=30.0)
    note(tmp_path, 'cancelled', pack='two')
    told = account(tmp_path)
    assert (told.lost.total(), told.retried, told.lost_seconds, told.cancelled) == (2, 1, 90.0, {'two'})
    assert told.queue and told.began and told.ended is None
    note(tmp_path, 'ended', why='the disk is full')
    assert account(tmp_path).ended == 'the disk is full'
    note(tmp_path, 'began', host='b', pid=2, launcher='local', queue=False)
    told = account(tmp_path)
    assert (told.ended, told.queue, told.cancelled, told.lost.total()) == (None, False, set(), 2)


def test_damaged_lines_are_left_out(tmp_path: Path):
    note(tmp_path, 'lost', pack='one', seconds=1.0)
    with open(tmp_path / journal.FILE, 'ab') as file:
        file.write(b'[]\n3\n{"event": "lost"}\n\xff\xfe\n{"event": "lost", "pack": "one", "seconds": "x"}\n{"event": "submi')
        file.write(b'\n{"event": "lost", "pack": "one", "seconds": 1%s}\n' % (b'0' * 400))
    assert account(tmp_path).lost.total() == 1


def test_nothing_is_added_behind_a_link(tmp_path: Path):
    (tmp_path / 'mine').write_text('mine')
    (tmp_path / journal.FILE).symlink_to(tmp_path / 'mine')
    note(tmp_path, 'lost', pack='one', seconds=1.0)
    assert (tmp_path / 'mine').read_text() == 'mine'


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / journal.FILE)
    note(tmp_path, 'ended', why='')
    assert account(tmp_path) == Account()
    note(tmp_path / 'nowhere', 'ended', why='')
