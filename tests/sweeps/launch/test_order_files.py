"""Order files: what is asked of a worker and what it answers, also where files are missing or damaged."""

import os
from pathlib import Path

import pytest

from sweeps.launch import order_files


@pytest.fixture
def run(tmp_path: Path) -> Path:
    order_files.prepare(tmp_path)
    return tmp_path


def test_an_order_is_read_answered_and_cleared_away(run: Path):
    order_files.write(run, 'a', {'do': 1})
    assert order_files.read(run, 'a') == {'do': 1} and order_files.answer(run, 'a') is None
    order_files.tell(run, 'a', {'pack': 'a'})
    assert order_files.answer(run, 'a') == {'pack': 'a'}
    order_files.write(run, 'a', {'do': 2})
    assert order_files.answer(run, 'a') is None, 'an answer to an earlier order is none'
    order_files.tell(run, 'a', {})
    order_files.clear(run, 'a')
    order_files.clear(run, 'a')
    assert not list((run / order_files.FOLDER).iterdir())


def test_an_order_that_is_missing_or_damaged_is_told(run: Path):
    with pytest.raises(ValueError, match=rf"no order 'b' in {run}: .*b\.json"):
        order_files.read(run, 'b')
    for text in ('{"do": ', '[' * 100_000):
        order_files.place(run, 'b', 'json').write_text(text)
        with pytest.raises(ValueError, match=r'b\.json is damaged .*run the study again, which writes it anew'):
            order_files.read(run, 'b')


@pytest.mark.parametrize('text', ['', '{"pack"', '[]', 'null', '7'])
def test_what_is_no_answer_is_none(run: Path, text: str):
    order_files.place(run, 'a', 'answer').write_text(text)
    assert order_files.answer(run, 'a') is None


def test_a_log_is_a_file_and_is_added_to(run: Path):
    path = order_files.log(run, 'a')
    for word in (b'one\n', b'two\n'):
        with order_files.open_log(path) as log:
            log.write(word)
    assert path.read_text() == 'one\ntwo\n'
    with pytest.raises(ValueError, match='/dev/null: is no regular file; remove it: workers log there'):
        order_files.open_log(Path('/dev/null'))
    os.mkfifo(pipe := order_files.log(run, 'pipe'))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(ValueError, match=r'pipe\.log: is no regular file'):
        order_files.open_log(pipe)
    os.close(reader)
    with pytest.raises(ValueError, match=r'cannot be written \(No such file or directory\); remove it'):
        order_files.open_log(run / 'nowhere' / 'a.log')


@pytest.mark.parametrize(
    ('said', 'start', 'last'),
    [
        ('one\ntwo\nthree\nfour\n', 0, 'two / three / four'),
        ('one\ntwo\n', 0, 'one / two'),
        ('one\ntwo\n', 4, 'two'),
        ('one\n  two  \n\n', 0, 'one / two'),
        ('x' * 5000 + '\nlast\n', 0, 'x' * 4090 + ' / last'),
        ('\n \n', 0, ''),
        ('one\n', 4, ''),
        ('', 0, ''),
        (None, 0, ''),
    ],
    ids=['three', 'two', 'from a byte on', 'blank lines', 'long', 'blank', 'nothing since', 'empty', 'no log'],
)
def test_the_last_words_of_a_log(run: Path, said: str | None, start: int, last: str):
    path = order_files.log(run, 'a')
    if said is not None:
        path.write_text(said)
    assert order_files.last_words(path, start) == (f'{path} ends: {last}' if last else '')


def test_last_words_that_are_no_text_are_told_as_far_as_they_are(run: Path):
    path = order_files.log(run, 'a')
    path.write_bytes(b'no room \xff\xfe left\n')
    assert order_files.last_words(path) == f'{path} ends: no room \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} left'


@pytest.mark.parametrize(('write', 'kind'), [(order_files.write, 'json'), (order_files.tell, 'answer')])
def test_orders_and_answers_wait_for_no_disk_and_follow_no_link(run: Path, monkeypatch: pytest.MonkeyPatch, write, kind: str):
    """Whatever is lost with a machine is submitted again."""
    monkeypatch.setattr(os, 'fsync', lambda handle: pytest.fail('it waits for the disk'))
    (run / 'mine').write_text('mine')
    order_files.place(run, 'a', kind).symlink_to(run / 'mine')
    write(run, 'a', {'do': 1})
    assert (run / 'mine').read_text() == 'mine' and order_files.place(run, 'a', kind).read_text() == '{"do": 1}'
