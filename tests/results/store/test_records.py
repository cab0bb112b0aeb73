"""Records: whole or not at all, written once, and damage is named and never used."""

import errno
import gzip
import hashlib
import json
import os
import threading
from pathlib import Path

import pytest

from results.store import atomic, records
from results.store.recorded import read_folder
from results.store.records import _as_committed, commit, from_line, prepare, read_file, to_line

REAL_LINK, REAL_FSYNC = os.link, os.fsync


def record(number: int, status: str = 'ok', study: str = 'mine', size: int = 3) -> dict:
    return {
        'id': f'trial-{number}',
        'study': study,
        'arm': 'base',
        'task': 'digits',
        'dataset': 'digits',
        'replicate': 0,
        'held': 'tuning',
        'optimizer': 'adamw',
        'knobs': {'lr': 0.01},
        'seed': number,
        'status': status,
        'score': 0.5,
        'pack': {'id': 'pack', 'records': size},
    }


def pack(*numbers: int, **fields: object) -> list[dict]:
    return [record(number, size=len(numbers), **fields) for number in numbers]


def names(folder) -> list[str]:
    return sorted(path.name for path in (folder / 'records').iterdir())


@pytest.fixture(params=['small', 'large'])
def runs(tmp_path, request, monkeypatch):
    """A folder that is read directly, and one that is read by way of the cache: both promise the same."""
    if request.param == 'large':
        monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    return tmp_path


def test_a_pack_comes_back_as_it_was_written(runs):
    written = pack(1, 2, 3)
    assert commit(runs, 'first', written) is True
    assert names(runs) == ['first.jsonl'], 'nothing lies beside it'
    assert read_file(runs / 'records' / 'first.jsonl', 'mine') == written
    found, skipped = read_folder(runs, 'mine')
    assert [found.whole(name) for name in found] == written
    assert skipped == []
    assert os.stat(runs / 'records' / 'first.jsonl').st_nlink == 1


def test_an_empty_or_absent_folder_holds_nothing(tmp_path):
    assert read_folder(tmp_path / 'nowhere', 'mine') == ({}, [])
    prepare(tmp_path)
    assert read_folder(tmp_path, 'mine') == ({}, [])
    assert names(tmp_path) == [], 'trying the folder leaves nothing in it'


def test_preparing_twice_changes_nothing(runs):
    commit(runs, 'first', pack(1))
    prepare(runs)
    assert names(runs) == ['first.jsonl']


def test_the_first_writer_wins(runs):
    assert commit(runs, 'first', pack(1, 2)) is True
    before = (runs / 'records' / 'first.jsonl').read_bytes()
    assert commit(runs, 'first', pack(3, 4)) is False
    assert (runs / 'records' / 'first.jsonl').read_bytes() == before
    assert names(runs) == ['first.jsonl']


def test_of_racing_writers_one_wins(runs):
    barrier, won = threading.Barrier(8), {}

    def write(number: int) -> None:
        barrier.wait()
        won[number] = commit(runs, 'first', pack(*range(number * 10, number * 10 + 5)))

    for _ in range(5):
        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [number for number, result in won.items() if result]
        assert len(winners) == 1
        found, skipped = read_folder(runs, 'mine')
        assert sorted(r['seed'] for r in found.values()) == list(range(winners[0] * 10, winners[0] * 10 + 5))
        assert skipped == []
        assert names(runs) == ['first.jsonl']
        (runs / 'records' / 'first.jsonl').unlink()


@pytest.mark.parametrize('wins', [True, False])
def test_the_link_count_tells_who_won(runs, monkeypatch, wins):
    """A network file system may answer EEXIST to the repeat of a link that it made."""
    final = runs / 'records' / 'first.jsonl'
    if not wins:
        final.write_text('another writer')

    def link(source, target):
        if wins:
            REAL_LINK(source, target)
        raise FileExistsError(errno.EEXIST, 'File exists')

    monkeypatch.setattr(os, 'link', link)
    assert commit(runs, 'first', pack(1)) is wins
    assert names(runs) == ['first.jsonl']


def test_records_that_json_cannot_hold_are_not_half_written(runs):
    for value in (float('nan'), object()):
        with pytest.raises((ValueError, TypeError)):
            commit(runs, 'first', [*pack(1), {**record(2), 'score': value}])
        assert names(runs) == []


# Damage.

LINES = [to_line(item) for item in pack(1, 2, 3)]


WRONG = [
    *(('steps', value) for value in (None, 1.5, 'many', [1], True)),
    *(('environment', value) for value in (5, 'here', ['here'])),
    *(('checksum', []), ('blocks', {}), ('reason', None), ('phase', 5), ('data', 'digits'), ('model', [])),
    *(('cost', value) for value in (5, [1], {'seconds': 'long'}, {'seconds': [1]})),
    *(('curve', value) for value in ('steep', [[0], [1]], {'step': 5}, {'step': {}})),
    *(('score_se', 'small'), ('final_loss', [2.0]), ('diverged_at', 'the end'), ('leak', 5), ('n_held', None)),
    *(('parts', {'one': 'x'}), ('parts', [1]), ('pack', {'id': 'pack', 'records': 1, 'lane': 'first'})),
    ('pack', {'id': 'pack', 'records': 1, 'strategy': 5}),
]
"""Entries of other types than the lab writes, under a right check."""


def _edited(line: str, old: str, new: str) -> str:
    assert old in line
    return line.replace(old, new, 1)


@pytest.mark.parametrize(
    ('lines', 'said'),
    [
        ([_edited(LINES[0], '0.5', '0.9'), *LINES[1:]], 'line 1: its check does not match'),
        ([*LINES[:2], _edited(LINES[2], 'trial-3', 'trial-4')], 'line 3: its check does not match'),
        ([LINES[0], LINES[1][:-40], LINES[2]], 'line 2: its check does not match'),
        ([*LINES[:2], LINES[2][:20]], 'line 3: its check does not match'),
        ([LINES[0], '', *LINES[1:]], 'line 2: its check does not match'),
        ([LINES[0], 'null', LINES[2]], 'line 2: its check does not match'),
        ([*LINES[:2], LINES[2] + ' '], 'line 3: its check does not match'),
        ([*LINES[:2], LINES[2].rpartition(', "check"')[0] + '}'], 'line 3: its check does not match'),
        (LINES[:2], 'it has 2 lines, not what was committed'),
        ([LINES[0]], 'it has 1 lines'),
        ([*LINES, LINES[0]], 'it has 4 lines'),
        ([], 'it has 0 lines'),
        ([to_line({k: v for k, v in record(1).items() if k != 'knobs'})], "it lacks ['knobs']"),
        ([to_line({**record(1), 'status': 'fine'})], "its status is 'fine'"),
        *(([to_line({**record(1), 'phase': 'tune', name: value})], f'its {name} is ') for name, value in WRONG),
    ],
    ids=range(14 + len(WRONG)),
)
def test_damage_is_named_and_skipped(runs, lines, said):
    """One line of a pack that cannot be trusted condemns the file: what else was done to it cannot be known."""
    commit(runs, 'sound', pack(7))
    path = runs / 'records' / 'broken.jsonl'
    path.write_text(''.join(line + '\n' for line in lines))
    with pytest.raises(ValueError) as caught:
        read_file(path, 'mine')
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert 'move the file out of the folder; its trials then run again' in str(caught.value)
    found, skipped = read_folder(runs, 'mine')
    assert list(found) == ['trial-7']
    assert skipped == [str(caught.value)]


@pytest.mark.parametrize('curve', [{'step': [0, 1], 'score': [0.1]}, {'step': [0], 'score': ['high']}])
def test_a_curve_that_cannot_be_drawn_is_named_where_it_is_read_whole(tmp_path, curve):
    prepare(tmp_path)
    commit(tmp_path, 'first', [{**record(1, size=1), 'curve': curve}])
    with pytest.raises(ValueError, match='its curve is '):
        read_file(tmp_path / 'records' / 'first.jsonl', 'mine')


@pytest.mark.parametrize('keep', [1, 100, -1, -2])
def test_a_file_cut_anywhere_is_damaged(runs, keep):
    commit(runs, 'first', pack(1, 2, 3))
    path = runs / 'records' / 'first.jsonl'
    content = path.read_bytes()
    path.write_bytes(content[:keep])
    found, skipped = read_folder(runs, 'mine')
    if keep == -1:
        assert len(found) == 3, 'only the last newline is gone'
    else:
        assert found == {}
        assert len(skipped) == 1
        assert 'is damaged' in skipped[0]


def test_every_flipped_character_is_seen(runs):
    line = to_line(record(1, size=1))
    for position in range(0, len(line), 7):
        flipped = line[:position] + chr(ord(line[position]) ^ 1) + line[position + 1 :]
        with pytest.raises(ValueError):
            from_line(flipped)


def test_bytes_that_are_no_text_are_damage(runs):
    path = runs / 'records' / 'binary.jsonl'
    path.write_bytes(b'\xff\xfe\x00' * 50)
    assert 'is damaged (it is no text' in read_folder(runs, 'mine')[1][0]


def test_records_of_another_study_are_named_and_skipped(runs):
    commit(runs, 'own', pack(1))
    commit(runs, 'foreign', pack(2, study='theirs'))
    found, skipped = read_folder(runs, 'mine')
    assert list(found) == ['trial-1']
    assert len(skipped) == 1
    assert "foreign.jsonl holds records of study 'theirs', not 'mine'; move the file" in skipped[0]


def test_a_file_that_mixes_studies_is_skipped_whole(runs):
    commit(runs, 'mixed', [record(1, size=2), record(2, study='theirs', size=2)])
    found, skipped = read_folder(runs, 'mine')
    assert (found, len(skipped)) == ({}, 1)


def test_what_a_kill_leaves_beside_is_never_read(runs):
    """A writer killed before the link leaves a hidden file; it is no record."""
    (runs / 'records' / '.first.abc').write_text(to_line(record(1)) + '\n')
    assert read_folder(runs, 'mine') == ({}, [])


@pytest.mark.parametrize(
    ('files', 'wanted'),
    [
        ({'a': 'failed', 'b': 'ok'}, 'b'),
        ({'a': 'ok', 'b': 'failed'}, 'a'),
        ({'a': 'failed', 'b': 'diverged'}, 'b'),
        ({'a': 'failed', 'b': 'failed'}, 'a'),
        ({'a': 'failed', 'b': 'failed', 'c': 'ok'}, 'c'),
        ({'a': 'diverged', 'b': 'ok'}, 'a'),
    ],
)
def test_a_failed_run_is_superseded_by_one_that_is_not(runs, files, wanted):
    for name, status in files.items():
        commit(runs, name, [{**record(1, status, size=1), 'file': name}])
    found, skipped = read_folder(runs, 'mine')
    assert found.whole('trial-1')['file'] == wanted
    assert skipped == []


# Folders and disks that do not do what is needed. Root may write anywhere, so the system's answers are simulated.


def _raising(number: int):
    def call(*_, **__):
        raise OSError(number, os.strerror(number))

    return call


FULL = 'the disk is full; nothing recorded is lost: free space and run again'
FORBIDDEN = 'give --runs a folder that you may write to'
LINKLESS = 'makes no hard links'


def _break(monkeypatch, what: str, number: int) -> None:
    """Let one call of the system fail; writing fails after half of what was to be written."""
    if what == 'write':

        class Half:
            def __init__(self, *args, **named):
                self.file = open(*args, **named)  # noqa: SIM115 (closed on exit, as the file it stands for)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.file.close()

            def fileno(self):
                return self.file.fileno()

            def write(self, text):
                self.file.write(text[: len(text) // 2])
                self.file.flush()
                raise OSError(number, os.strerror(number))

        monkeypatch.setattr(atomic, 'open', Half, raising=False)
    elif what == 'open':
        monkeypatch.setattr(atomic, 'open', _raising(number), raising=False)
    else:
        monkeypatch.setattr(os, what, _raising(number))


@pytest.mark.parametrize(
    ('what', 'number', 'said'),
    [
        ('fsync', errno.ENOSPC, FULL),
        ('fsync', errno.EDQUOT, FULL),
        ('write', errno.ENOSPC, FULL),
        ('write', errno.EFBIG, FULL),
        ('open', errno.ENOSPC, FULL),
        ('open', errno.EACCES, FORBIDDEN),
        ('open', errno.EROFS, FORBIDDEN),
        ('fsync', errno.EIO, FORBIDDEN),
        ('link', errno.ENOSPC, FULL),
        ('link', errno.EPERM, LINKLESS),
        ('link', errno.EOPNOTSUPP, LINKLESS),
    ],
)
def test_a_commit_that_fails_leaves_nothing_and_loses_nothing(runs, monkeypatch, what, number, said):
    commit(runs, 'first', pack(1, 2))
    before = (runs / 'records' / 'first.jsonl').read_bytes()
    with monkeypatch.context() as patch:
        _break(patch, what, number)
        with pytest.raises(ValueError) as caught:
            commit(runs, 'second', pack(3, 4))
    assert said in str(caught.value)
    assert 'second.jsonl' in str(caught.value)
    assert '\n' not in str(caught.value)
    assert names(runs) == ['first.jsonl']
    assert (runs / 'records' / 'first.jsonl').read_bytes() == before
    assert commit(runs, 'second', pack(3, 4)) is True, 'with space again, it goes on'
    assert len(read_folder(runs, 'mine')[0]) == 4


def test_a_folder_that_does_not_sync_still_holds_whole_files(runs, monkeypatch):
    """The last step, syncing the folder, may fail when the file is there already: then it is there whole."""
    calls = []

    def second(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EIO, 'Input/output error')
        REAL_FSYNC(handle)

    monkeypatch.setattr(os, 'fsync', second)
    with pytest.raises(ValueError, match='cannot be written'):
        commit(runs, 'first', pack(1, 2))
    assert names(runs) == ['first.jsonl']
    assert len(read_folder(runs, 'mine')[0]) == 2


@pytest.mark.parametrize(('number', 'said'), [(errno.EACCES, FORBIDDEN), (errno.EROFS, FORBIDDEN), (errno.ENOSPC, FULL)])
@pytest.mark.parametrize('where', ['mkdir', 'open'])
def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path, monkeypatch, number, said, where):
    def begun(path, *_):
        path.touch()
        raise OSError(number, os.strerror(number))

    if where == 'mkdir':
        monkeypatch.setattr(Path, 'mkdir', _raising(number))
    else:
        monkeypatch.setattr(atomic, 'open', begun, raising=False)
    with pytest.raises(ValueError) as caught:
        prepare(tmp_path / 'runs')
    assert said in str(caught.value)
    assert str(tmp_path / 'runs') in str(caught.value)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / 'runs').write_text('in the way')
    with pytest.raises(ValueError, match=FORBIDDEN):
        prepare(tmp_path / 'runs')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_without_permission_is_refused(tmp_path):
    (tmp_path / 'runs').mkdir(mode=0o500)
    with pytest.raises(ValueError, match=FORBIDDEN):
        prepare(tmp_path / 'runs')


@pytest.mark.parametrize('number', [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_file_system_without_hard_links_is_refused_at_the_start(tmp_path, monkeypatch, number):
    monkeypatch.setattr(os, 'link', _raising(number))
    with pytest.raises(ValueError, match=r'makes no hard links .* give --runs a folder on a local disk or NFS'):
        prepare(tmp_path)
    assert names(tmp_path) == []


def test_a_file_system_that_copies_instead_of_linking_is_refused(tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(os, 'link', shutil.copy)
    with pytest.raises(ValueError, match='makes no hard links'):
        prepare(tmp_path)
    assert names(tmp_path) == []


def test_lines_are_json_for_other_programs(runs):
    line = to_line(record(1))
    assert {k: v for k, v in json.loads(line).items() if k != 'check'} == record(1)
    assert from_line(line) == record(1)
    assert from_line(line + '\n') == record(1)


WRONG = {
    'replicate': ['0', 1.5, True, None],
    'seed': ['1', [1]],
    'knobs': [[], {'lr': '0.1'}, {'lr': None}, None],
    'item_scores': [[0.5], None, 1.0],
    'arm': [1, None, ['base']],
    'status': [['ok'], 'fine', None],
    'pack': [[], {}, {'id': 'p'}, {'id': 1, 'records': 1}],
}


@pytest.mark.parametrize(('name', 'value'), [(name, value) for name, values in WRONG.items() for value in values], ids=str)
def test_a_right_check_and_a_wrong_type_is_damage(runs, name: str, value: object):
    """As another program may write it; read directly and by way of the cache the same is said."""
    commit(runs, 'own', pack(1))
    commit(runs, 'wrong', [{**pack(2)[0], name: value}])
    found, skipped = read_folder(runs, 'mine')
    assert list(found) == ['trial-1'] and len(skipped) == 1
    assert f'wrong.jsonl is damaged (line 1: its {name} is' in skipped[0]


def test_json_that_is_nested_too_deeply_is_damage(runs):
    body = json.dumps({**pack(2)[0], 'curve': 0})[:-1].replace('"curve": 0', '"curve": ' + '[' * 100_000 + ']' * 100_000)
    check = hashlib.sha256(body.encode()).hexdigest()[:16]
    (runs / 'records' / 'deep.jsonl').write_text(f'{body}, "check": "{check}"}}\n')
    with pytest.raises(ValueError, match=r'deep.jsonl is damaged \(line 1: its JSON is nested more than 200 levels\)'):
        read_file(runs / 'records' / 'deep.jsonl', 'mine')


NO_FILES = {'pipe': os.mkfifo, 'device': lambda path: path.symlink_to('/dev/zero'), 'folder': Path.mkdir}


@pytest.mark.parametrize('make', NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_named_and_not_waited_for(runs, make):
    commit(runs, 'own', pack(1))
    make(runs / 'records' / 'odd.jsonl')
    found, skipped = read_folder(runs, 'mine')
    assert list(found) == ['trial-1']
    assert 'odd.jsonl cannot be read' in skipped[0] and 'move' not in skipped[0]


def test_a_file_that_unpacks_without_end_is_damage(runs, monkeypatch):
    monkeypatch.setattr(records, 'UNPACKED', 10**4)
    (runs / 'records' / 'bomb.jsonl.gz').write_bytes(gzip.compress(b'0' * 10**6))
    assert 'bomb.jsonl.gz is damaged (it unpacks to more than 100 times its size' in read_folder(runs, 'mine')[1][0]


def test_a_record_of_a_later_form_is_refused_and_one_without_a_form_is_read(runs):
    """Records of before there was a form say nothing of it."""
    commit(runs, 'old', pack(1))
    commit(runs, 'new', [{**pack(2)[0], 'format': 1}])
    commit(runs, 'later', [{**pack(3)[0], 'format': 2}])
    with pytest.raises(ValueError, match=r'its format is 2, this version reads 1; use the version of the lab that wrote it'):
        read_file(runs / 'records' / 'later.jsonl', 'mine')
    assert {'trial-1', 'trial-2'} <= set(read_folder(runs, 'mine')[0])


def gathered(*packs: list[dict]) -> list[dict]:
    """The lines of a file that holds several packs."""
    return [json.loads(to_line(one)) for lines in packs for one in lines]


def test_a_file_of_many_packs_states_each():
    first = pack(1, 2)
    second = [{**one, 'pack': {'id': 'other', 'records': 2}} for one in pack(3, 4)]
    assert _as_committed(gathered(first, second), many=True)
    assert not _as_committed(gathered(first, second[:1]), many=True)
    assert not _as_committed(gathered(first[:1], second), many=True), 'a group of two packs is none'
    assert not _as_committed(gathered([first[0], second[0]]), many=True)


@pytest.mark.parametrize('size', [0, -1])
def test_a_pack_of_no_records_is_none_and_does_not_hang(size: int):
    assert not _as_committed([{**record(1), 'pack': {'id': 'pack', 'records': size}}], many=True)
