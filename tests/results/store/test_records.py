"""Records: whole or not at all, written once, and damage is named and never used."""

import errno
import json
import os
import threading

import pytest
from made_packs import pack, record

from results.store.recorded import read_folder
from results.store.records import (
    DEEP,
    _as_committed,
    commit,
    content,
    doubles,
    file_name,
    from_line,
    listing,
    order,
    pack_of,
    prepare,
    read_file,
    replaces,
    to_line,
    too_deep,
)

REAL_LINK = os.link


def names(folder) -> list[str]:
    return sorted(path.name for path in (folder / 'records').iterdir())


def test_a_pack_comes_back_as_it_was_written(runs):
    written = pack(1, 2, 3)
    assert commit(runs, 'first', written) is True
    assert names(runs) == ['first.jsonl'], 'nothing lies beside it'
    assert read_file(runs / 'records' / 'first.jsonl', 'mine') == written
    records, skipped = read_folder(runs, 'mine')
    assert [records.whole(name) for name in records] == written
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
        records, skipped = read_folder(runs, 'mine')
        assert sorted(r['seed'] for r in records.values()) == list(range(winners[0] * 10, winners[0] * 10 + 5))
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


def test_records_of_another_study_are_named_and_skipped(runs):
    commit(runs, 'own', pack(1))
    commit(runs, 'foreign', pack(2, study='theirs'))
    records, skipped = read_folder(runs, 'mine')
    assert list(records) == ['trial-1']
    assert len(skipped) == 1
    assert "foreign.jsonl holds records of study 'theirs', not 'mine'; move the file" in skipped[0]


def test_a_file_that_mixes_studies_is_skipped_whole(runs):
    commit(runs, 'mixed', [record(1, size=2), record(2, study='theirs', size=2)])
    records, skipped = read_folder(runs, 'mine')
    assert (records, len(skipped)) == ({}, 1)


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
    records, skipped = read_folder(runs, 'mine')
    assert records.whole('trial-1')['file'] == wanted
    assert skipped == []


def test_lines_are_json_for_other_programs(runs):
    line = to_line(record(1))
    assert {k: v for k, v in json.loads(line).items() if k != 'check'} == record(1)
    assert from_line(line) == record(1)
    assert from_line(line + '\n') == record(1)


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


@pytest.mark.parametrize(
    ('name', 'place'),
    [
        ('0f3a.jsonl', ('0f3a', 1)),
        ('0f3a-2.jsonl', ('0f3a', 2)),
        ('0f3a-10.jsonl.gz', ('0f3a', 10)),
        ('records.jsonl.gz', ('records', 1)),
        ('a-b.jsonl', ('a-b', 1)),
        ('a-b-3.jsonl', ('a-b', 3)),
        ('a-.jsonl', ('a-', 1)),
        ('a-²', ('a-²', 1)),
    ],
)
def test_attempts_at_a_pack_are_in_their_order(name: str, place: tuple):
    assert order(name) == place and pack_of(name) == place[0]


def test_the_first_attempt_at_a_pack_has_its_name():
    assert [file_name('a', attempt) for attempt in (1, 2, 11)] == ['a', 'a-2', 'a-11']


def test_only_record_files_are_listed_by_size_and_in_order(runs):
    folder = runs / 'records'
    for name in ('b.jsonl', 'a-10.jsonl', 'a-2.jsonl', 'a.jsonl', 'c.jsonl.gz', 'notes.txt', 'd.json', 'e.gz'):
        (folder / name).write_text('x' * len(name))
    (folder / 'z.jsonl').symlink_to('nowhere')
    made = listing(runs)
    assert list(made) == ['a.jsonl', 'a-2.jsonl', 'a-10.jsonl', 'b.jsonl', 'c.jsonl.gz', 'z.jsonl']
    assert [size for size, _ in made.values()] == [7, 9, 10, 7, 10, 0] and made['z.jsonl'] == [0, 0]
    assert made['a.jsonl'][1] == (folder / 'a.jsonl').stat().st_mtime_ns
    assert read_folder(runs, 'mine')[1][-1].startswith(f'{folder / "z.jsonl"} cannot be read (No such file')
    assert listing(runs / 'nowhere') == {} == listing(folder / 'a.jsonl')


@pytest.mark.parametrize(
    ('new', 'old', 'replaced', 'twice'),
    [
        ('ok', 'failed', True, False),
        ('diverged', 'failed', True, False),
        ('stopped', 'failed', True, False),
        ('failed', 'failed', False, False),
        ('failed', 'ok', False, False),
        ('ok', 'ok', False, True),
        ('ok', 'diverged', False, True),
        ('diverged', 'stopped', False, True),
    ],
)
def test_of_two_records_of_a_trial_the_first_that_did_not_fail_counts(new: str, old: str, replaced: bool, twice: bool):
    assert replaces({'status': new}, {'status': old}) is replaced and doubles({'status': new}, {'status': old}) is twice
    assert replaces({'status': new}, None)


@pytest.mark.parametrize(('levels', 'deep'), [(1, False), (DEEP, False), (DEEP + 1, True)])
def test_json_may_be_so_deep_and_no_deeper(levels: int, deep: bool):
    assert too_deep(b'[' * levels + b']' * levels) is deep
    assert too_deep(b'{"a": ' * levels + b'1' + b'}' * levels) is deep
    assert not too_deep(b'[],' * 3 * levels + b'[{}]')


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'status': 'ok', 'score': None}, "its status is 'ok' and its score None; allowed: a finite number"),
        ({'status': 'ok', 'score': True}, "its status is 'ok' and its score True"),
        ({'status': 'diverged', 'score': None}, None),
        ({'status': 'failed', 'score': None, 'reason': 'it broke'}, None),
        ({'status': 'stopped', 'score': None, 'until': 3, 'score_until': 0.5}, None),
        ({'cost': None, 'parts': None, 'curve': None, 'environment': None, 'leak': None, 'diverged_at': None}, None),
        ({'cost': {'flops': None, 'seconds': 1}, 'parts': {'a': 0.5}, 'turns': {}, 'n_held': 3, 'checksum': 'a'}, None),
        ({'curve': {'step': [0, 3], 'score': [None, 0.5]}}, None),
        ({'curve': {}}, None),
        ({'curve': {'step': [0, True]}}, 'its curve is '),
        (
            {'pack': {'id': 'pack', 'records': 1, 'lane': 0, 'lanes': 8, 'splits': 1, 'strategy': 'map', 'compile_seconds': 2}},
            None,
        ),
        ({'pack': {'id': 'pack', 'records': 1, 'compile_seconds': 'long'}}, 'its pack is '),
        ({'pack': {'id': 'pack', 'records': True}}, 'its pack is '),
        ({'pack': {'id': 'pack', 'records': 1, 'splits': None}}, 'its pack is '),
        ({'knobs': {}}, None),
        ({'knobs': {'lr': True}}, 'its knobs is '),
        ({'steps': 'x' * 100}, f"its steps is '{'x' * 60}'$"),
    ],
    ids=str,
)
def test_a_record_has_what_its_status_asks_for(fields: dict, said: str | None):
    line = to_line({**record(1, size=1), **fields})
    if said is None:
        assert from_line(line + '\n') == {**record(1, size=1), **fields}
    else:
        with pytest.raises(ValueError, match=said):
            from_line(line)


def test_only_compressed_files_are_unpacked(runs):
    for name in ('a.jsonl', 'a.gz'):
        (runs / 'records' / name).write_bytes(b'x')
        assert content(runs / 'records' / name) == b'x'
    (runs / 'records' / 'a.jsonl.gz').write_bytes(b'x')
    with pytest.raises(ValueError, match='it cannot be unpacked: '):
        content(runs / 'records' / 'a.jsonl.gz')


def test_of_several_other_studies_the_first_by_name_is_told(runs):
    names = ['theirs', 'ours', 'hers', 'yours', 'his']
    commit(runs, 'mixed', [record(number, study=name, size=5) for number, name in enumerate(names, 1)])
    with pytest.raises(ValueError, match=r"holds records of study 'hers', not 'mine'; move the file out of the folder$"):
        read_file(runs / 'records' / 'mixed.jsonl', 'mine')


def test_of_long_values_sixty_letters_are_told(runs, monkeypatch):
    line = to_line({**record(1, size=1), 'environment': 'x' * 100})
    with pytest.raises(ValueError, match=f"^its environment is '{'x' * 60}'$"):
        from_line(line)
    monkeypatch.setattr('results.store.records.own_id', lambda known: 'another')
    line = to_line({**record(1, size=1), 'id': 'y' * 100})
    with pytest.raises(ValueError, match=f"^its id is '{'y' * 60}', and what it describes has the id 'another'$"):
        from_line(line)
