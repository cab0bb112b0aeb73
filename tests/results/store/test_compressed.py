"""Compressed records: the same bytes whenever they are written, every record once, and nothing lost on the way."""

import gzip
import time
from pathlib import Path

import golden_texts
import pytest
from field_edges import refusals
from made_packs import record

from results.store.compressed import FILE, compress, packed
from results.store.records import EMPTY, FOLDER, OPTIONAL, REQUIRED, from_line, read_file, to_line


def line(number: int) -> bytes:
    return to_line(record(number, size=1)).encode() + b'\n'


def write(folder: Path, name: str, lines: list[bytes]) -> None:
    (folder / FOLDER).mkdir(exist_ok=True)
    text = b''.join(lines)
    (folder / FOLDER / name).write_bytes(gzip.compress(text) if name.endswith('.gz') else text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / FOLDER).iterdir())


def test_the_same_lines_are_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch):
    first = packed(line(1) * 50)
    monkeypatch.setattr(time, 'time', lambda: 2e9)
    assert packed(line(1) * 50) == first and gzip.decompress(first) == line(1) * 50
    assert first[4:8] == bytes(4), 'no time of writing'
    assert len(first) < len(line(1)) * 5


def test_all_records_are_in_one_file_once(tmp_path: Path):
    write(tmp_path, 'a.jsonl', [line(2)])
    write(tmp_path, 'b.jsonl', [line(3)])
    write(tmp_path, 'c.jsonl', [line(1)])
    write(tmp_path, 'd.jsonl', [line(3)])
    assert compress(tmp_path, 'mine') == 3
    assert names(tmp_path) == [FILE]
    whole = (tmp_path / FOLDER / FILE).read_bytes()
    assert gzip.decompress(whole) == line(2) + line(3) + line(1), 'by the names of files, each as it stood there'
    before = (tmp_path / FOLDER / FILE).stat().st_mtime_ns
    assert compress(tmp_path, 'mine') == 3
    assert (tmp_path / FOLDER / FILE).stat().st_mtime_ns == before, 'what is there already is not written again'
    write(tmp_path, 'a.jsonl', [line(0)])
    assert compress(tmp_path, 'mine') == 4
    assert gzip.decompress((tmp_path / FOLDER / FILE).read_bytes()) == line(2) + line(3) + line(1) + line(0), 'the file first'
    assert len(list(read_file(tmp_path / FOLDER / FILE, 'mine'))) == 4 and names(tmp_path) == [FILE]


def test_nothing_is_compressed_to_nothing_and_damage_leaves_all_as_it_was(tmp_path: Path):
    (tmp_path / FOLDER).mkdir()
    assert compress(tmp_path, 'mine') == 0 and names(tmp_path) == []
    write(tmp_path, 'a.jsonl', [line(1)])
    write(tmp_path, 'b.jsonl', [b'{"id": 5\n'])
    with pytest.raises(ValueError, match=r'b\.jsonl'):
        compress(tmp_path, 'mine')
    assert names(tmp_path) == ['a.jsonl', 'b.jsonl'] and (tmp_path / FOLDER / 'a.jsonl').read_bytes() == line(1)


def test_what_no_record_may_have_is_told_as_it_was():
    """Each entry with values of other kinds, as a line that holds its check."""
    fine = {**record(1, size=1), 'pack': {'id': 'p', 'records': 1, 'lane': 0}}
    other = (
        None,
        'x',
        '',
        5,
        -1,
        1.5,
        True,
        [],
        {},
        {'a': 'b'},
        {'a': 1.5},
        {'a': None},
        {'id': 'p', 'records': 1},
        {'a': [1, None]},
    )
    fields = {**fine, **dict.fromkeys([*OPTIONAL, *EMPTY], None), **dict.fromkeys(REQUIRED), **fine}
    more = {'status': (*other, 'ok', 'diverged', 'failed', 'stopped'), 'curve': (*other, {'a': [1], 'b': [1, 2]}, {'a': ['x']})}
    packs = ({'id': 'p'}, {'id': 5, 'records': 1}, {'id': 'p', 'records': 1, 'lane': 'x'}, {'id': 'p', 'records': True})
    packs += ({'id': 'p', 'records': 1, 'strategy': 5}, {'id': 'p', 'records': 1, 'compile_seconds': 'x'})

    def read(**entries: object) -> dict:
        return from_line(to_line({name: value for name, value in entries.items() if value is not None or name in EMPTY}))

    given = {**dict.fromkeys(fields, other), **more, 'pack': (*other, *packs)}
    golden_texts.hold('edges_record', '\n'.join(refusals('record', read, fields, given)))
