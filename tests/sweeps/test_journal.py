"""The journal of a run: what those who watch it are told, also where lines are damaged."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps import journal
from sweeps.journal import Account, account, note
from sweeps.presence import everybody
from sweeps.run import Run


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


def test_what_is_retried_was_lost_and_submitted_once_more(tmp_path: Path):
    for pack, submitted, lost in (('never', 0, 2), ('once', 1, 1), ('again', 3, 1), ('given up', 3, 3)):
        for _ in range(submitted):
            note(tmp_path, 'submitted', packs=[pack])
        for _ in range(lost):
            note(tmp_path, 'lost', pack=pack, seconds=-5.0 if pack == 'once' else 1.0)
    told = account(tmp_path)
    assert told.retried == 0 + 0 + 1 + 2 and told.lost_seconds == 6.0, 'a clock that was set back takes no time away'


def test_the_last_run_alone_says_where_its_data_lie_and_whether_it_has_a_queue(tmp_path: Path):
    note(tmp_path, 'began', queue=True, data='/there')
    assert (account(tmp_path).data, account(tmp_path).queue) == ('/there', True)
    note(tmp_path, 'began')
    note(tmp_path, 'something new', why='of a later version')
    told = account(tmp_path)
    assert (told.data, told.queue, told.ended) == ('', False, None) and abs(told.began - time.time()) < 60


class QuietLauncher:
    """A launcher of which only its name is asked, and whether its orders go on without the run."""

    outlives = True


@pytest.mark.parametrize(
    ('error', 'why'),
    [
        (None, ''),
        (KeyboardInterrupt(), 'it was stopped'),
        (SystemExit(3), 'it was stopped'),
        (ValueError('the disk\n  is full'), 'the disk is full'),
        (ValueError('x' * 500), 'x' * 300),
        (ValueError(), 'ValueError()'),
    ],
)
def test_a_run_notes_that_it_is_at_work_and_how_it_ended(tmp_path: Path, error: BaseException | None, why: str):
    def work() -> None:
        with Run._told(SimpleNamespace(launcher=QuietLauncher(), folder=tmp_path)):
            (one,) = everybody(tmp_path)
            assert (one.name, one.about) == ('run', {'launcher': 'quiet'}) and account(tmp_path).ended is None
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)):
            work()
    told = account(tmp_path)
    assert (told.ended, told.queue) == (why, True) and Path(told.data).is_absolute() and everybody(tmp_path) == []


@pytest.mark.parametrize(('idle', 'said'), [(None, []), (0.25, ['workers had nothing to do for 25.0% of their time'])])
def test_a_run_says_how_much_of_their_time_workers_had_nothing_to_do(idle: float | None, said: list[str]):
    told = []
    Run._tell_idle(SimpleNamespace(launcher=SimpleNamespace(idle=lambda: idle), watch=SimpleNamespace(tell=told.append)))
    assert told == said


def test_a_line_of_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal.time, 'time', lambda: 1234.56789)
    note(tmp_path, 'lost', pack='a', seconds=1.5)
    note(tmp_path, 'ended', why='\u00e4 disk\nis full')
    assert (tmp_path / journal.FILE).read_text() == (
        '{"at": 1234.568, "event": "lost", "pack": "a", "seconds": 1.5}\n'
        '{"at": 1234.568, "event": "ended", "why": "\\u00e4 disk\\nis full"}\n'
    )
