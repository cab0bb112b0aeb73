"""A small file that unpacks to more rows, values, files or examples than its bytes may hold is refused while it is read."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.formats import (
    allowance,
    archives,
    columns,
    fasta,
    json_texts,
    lines,
    parquet,
    series_files,
    text_files,
    ts_files,
)
from sweeps.datasets.material import Options
from sweeps.datasets.own import prepare_own
from sweeps.datasets.sources.array_files import arrays_of_file

COUNT = 3000
TS = '@classLabel true 0 1\n@data\n'


def table(path: Path) -> list:
    return list(columns.read_table(path))


READERS: dict[str, tuple[str, str, str, Callable[[Path], object]]] = {
    'CSV': ('a.csv', 'a,b\n', '1,2\n', table),
    'empty lines of CSV': ('a.csv', 'a,b\n', '\n', table),
    'JSON lines': ('a.jsonl', '', '{"a": 1}\n', table),
    'a JSON list': ('a.json', '[{}', ', {}', table),
    'lines': ('a.txt', '', 'C\n', lambda path: list(lines.read_lines(path))),
    'FASTA': ('a.fa', '>a\n', 'C\n', lambda path: list(fasta.read_fasta(path))),
    'documents': ('a.txt', '', 'a|', lambda path: list(text_files.documents(path, '|'))),
    'texts in JSON lines': ('a.jsonl', '', '{"text": "a"}\n', lambda path: list(json_texts.read_json(path, 'text'))),
    'texts in a JSON list': ('a.json', '[{}', ', {}', lambda path: list(json_texts.read_json(path, 'text'))),
    'a list of lines': ('a.raw', '', 'a\n', text_files.all_lines),
    'ts': ('a.ts', TS, '1:1\n', ts_files.read_ts),
    'UCR': ('a.tsv', '', '1\t2\n', series_files.read_series),
}
"""Name of the file, how it begins, what is repeated, and how it is read."""
PACKERS = {'gz': gzip.compress, 'xz': lzma.compress, 'bz2': bz2.compress}
WIDE: dict[str, tuple[str, str, str, Callable[[Path], object]]] = {
    'CSV': ('a.csv', ','.join(f'c{n}' for n in range(51)) + '\n', '1,' * 50 + '\n', table),
    'ts': ('a.ts', TS, '1,' * 50 + '1:1\n', ts_files.read_ts),
    'UCR': ('a.tsv', '', '1\t' * 50 + '1\n', series_files.read_series),
    'a JSON list': ('a.json', '[1', ', 1', table),
}


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred rows and examples are free, and two thousand values."""
    for name, count in {'rows': 100, 'values': 2000, 'examples': 100}.items():
        monkeypatch.setitem(allowance.FREE, name, count)


def packed(path: Path, begin: str, row: str, count: int = COUNT, way: str = 'gz') -> Path:
    end = ']' if begin.startswith('[') else ''
    path = path.with_name(f'{path.name}.{way}')
    path.write_bytes(PACKERS[way]((begin + row * count + end).encode()))
    return path


@pytest.mark.parametrize('kind', READERS)
def test_rows_are_counted(tmp_path: Path, kind: str, strict: None):
    name, begin, row, read = READERS[kind]
    with pytest.raises(ValueError, match=r'a\.\w+\.gz: more than [\d,]+ rows from [\d,]+ bytes on the disk; allowed: 100'):
        read(packed(tmp_path / name, begin, row))
    # Unpacked, each row has its bytes.
    plain = tmp_path / name
    plain.write_text(begin + row * COUNT + ']' * begin.startswith('['))
    try:
        read(plain)
    except ValueError as error:
        assert 'on the disk' not in str(error)


@pytest.mark.parametrize('kind', WIDE)
def test_values_are_counted(tmp_path: Path, kind: str, strict: None):
    name, begin, row, read = WIDE[kind]
    with pytest.raises(ValueError, match=r'more than [0-9,]+ values from'):
        read(packed(tmp_path / name, begin, row, 300 if '\n' in row else 9000))


@pytest.mark.parametrize('way', PACKERS)
def test_however_it_is_packed(tmp_path: Path, way: str, strict: None):
    with pytest.raises(ValueError, match='decompression bomb: do not use it, or unpack it first'):
        table(packed(tmp_path / 'a.csv', 'a,b\n', '1,2\n', way=way))


def test_rows_of_parquet_and_arrays_are_counted(tmp_path: Path, strict: None):
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({'a': pyarrow.array(np.zeros(9000, np.int8))}), tmp_path / 'a.parquet')
    with pytest.raises(ValueError, match=r'a\.parquet: more than [0-9,]+ rows'):
        list(parquet.read_rows(tmp_path / 'a.parquet', ['a']))
    np.savez_compressed(tmp_path / 'a.npz', x=np.zeros((9000, 2), np.int8))
    with pytest.raises(ValueError, match=r'a\.npz: more than [0-9,]+ rows'):
        arrays_of_file(tmp_path / 'a.npz', Options(form='table'))
    np.save(tmp_path / 'x.npy', np.zeros((9000, 0), np.float32))
    with pytest.raises(ValueError, match=r'more than [0-9,]+ rows'):
        arrays_of_file(tmp_path, Options(form='table'))
    np.save(tmp_path / 'x.npy', np.zeros((90, 0), np.float32))
    with pytest.raises(ValueError, match=r'x \[90, 0\]: examples without a value'):
        arrays_of_file(tmp_path, Options(form='table'))


def zipped(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, one in content.items():
            archive.writestr(name, one)
    return path


def test_archives_and_folders_have_one_allowance(tmp_path: Path, strict: None):
    """A table in an archive counts with the bytes that it took there, and all files of a folder count together."""
    rows = b'a\n' + b'a\nb\n' * 1500
    with pytest.raises(ValueError, match='rows from'):
        prepare_own('lines', zipped(tmp_path / 'a.zip', {'a.txt': rows}), 'mine', Options(), tmp_path)
    inner = zipped(tmp_path / 'b.zip', {'a.txt.gz': gzip.compress(b'a\n' * 10**6, 1)})
    with pytest.raises(ValueError, match='rows from'):
        prepare_own('lines', inner, 'mine', Options(), tmp_path)
    few = gzip.compress(b'a\n' * 90)
    (tmp_path / 'some').mkdir()
    for number in range(9):
        (tmp_path / 'some' / f'{number}.txt.gz').write_bytes(few)
        assert len(list(lines.read_lines(tmp_path / 'some' / f'{number}.txt.gz'))) == 90
    with pytest.raises(ValueError, match=r'more than [0-9,]+ (rows|examples) from'):
        prepare_own('lines', tmp_path / 'some', 'mine', Options(), tmp_path)


def test_members_count_also_where_they_are_empty(tmp_path: Path, strict: None):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode='w:gz') as archive:
        for number in range(300):
            member = tarfile.TarInfo(f'{number}')
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
    (tmp_path / 'a.tar.gz').write_bytes(content.getvalue())
    with pytest.raises(ValueError, match=r'a\.tar\.gz: more than'):
        list(archives.members(tmp_path / 'a.tar.gz'))


def test_columns_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: None):
    monkeypatch.setattr(columns, 'COLUMNS', 3)
    (tmp_path / 'a.csv').write_text('a,b,c,d\n1,2,3,4\n')
    with pytest.raises(ValueError, match='4 columns; allowed: up to 3'):
        table(tmp_path / 'a.csv')
    (tmp_path / 'a.jsonl').write_text(''.join(f'{{"name{number}": 1}}\n' for number in range(99)))
    with pytest.raises(ValueError, match=r'99 objects with 99 names, of which an object has 1\.0 on average'):
        table(tmp_path / 'a.jsonl')


def test_a_file_of_an_archive_counts_with_its_share_of_it(tmp_path: Path):
    place, archive, beside = tmp_path / 'place', tmp_path / 'a.zip', tmp_path / 'large'
    (place / 'deep').mkdir(parents=True)
    for path, size in ((place / 'a', 60), (place / 'deep' / 'b', 40), (archive, 50), (beside, 5000)):
        path.write_bytes(bytes(size))
    (place / 'link').symlink_to(beside)
    own = allowance.Allowance()
    own.of_archives(place, [archive])
    assert [own.bytes_of(path) for path in (place / 'a', place / 'deep' / 'b', beside)] == [30, 20, 5000], (
        'links are not packed'
    )
    own.of_archives(place, [beside])
    assert own.bytes_of(place / 'a') == 60, 'no file counts for more than it has'
