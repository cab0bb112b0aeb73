"""Parquet: images and texts in row groups, names of classes from the schema, missing columns and damage."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from sweeps.datasets.formats import archives
from sweeps.datasets.formats.parquet import class_names, count_rows, is_withheld, read_images, read_rows, read_texts

NAMES = {
    b'huggingface': json.dumps({'info': {'features': {'label': {'names': ['cat', 'dog'], '_type': 'ClassLabel'}}}}).encode()
}


def images(path, contents: list, labels: list, metadata: dict | None = None, kind=None, **options):
    struct = pa.array([None if x is None else {'bytes': x, 'path': 'a.png'} for x in contents],
                      pa.struct([('bytes', pa.binary()), ('path', pa.string())]))  # fmt: skip
    table = pa.table({'image': struct, 'label': pa.array(labels, kind)})
    parquet.write_table(table.replace_schema_metadata(metadata), path, **options)
    return path


def texts(path, values: list, column: str = 'text', **options):
    parquet.write_table(pa.table({column: pa.array(values, pa.string()), 'other': range(len(values))}), path, **options)
    return path


@pytest.mark.parametrize('compression', ['none', 'snappy', 'zstd', 'gzip'])
def test_images_in_order(tmp_path, compression):
    paths = [
        images(tmp_path / f'{shard}.parquet', [b'%d-%d' % (shard, row) for row in range(600)], [row % 2 for row in range(600)],
               row_group_size=100 + shard, compression=compression)
        for shard in range(2)
    ]  # fmt: skip
    assert count_rows(paths) == 1200
    rows = list(read_images(paths))
    assert rows == [(b'%d-%d' % (shard, row), row % 2) for shard in range(2) for row in range(600)]
    assert list(read_images(paths[0])) == rows[:600]


def test_images_as_bytes_under_other_names(tmp_path):
    path = tmp_path / 'a.parquet'
    parquet.write_table(pa.table({'img': [b'1', b'2'], 'fine_label': pa.array([5, 6], pa.uint8())}), path)
    assert list(read_images([path], image='img', label='fine_label')) == [(b'1', 5), (b'2', 6)]


def test_names_of_classes(tmp_path):
    path = images(tmp_path / 'a.parquet', [b'1', b'2'], [0, 1], NAMES)
    assert class_names(path) == ['cat', 'dog']
    for metadata in (None, {b'huggingface': b'no json'}, {b'huggingface': b'{"info": {}}'}, {b'huggingface': b'[]'}):
        assert class_names(images(path, [b'1'], [0], metadata)) is None


@pytest.mark.parametrize(
    ('contents', 'labels', 'message'),
    [
        ([b'1', None], [0, 1], "row 1: column 'image' has no bytes"),
        ([b'1', b''], [0, 1], "row 1: column 'image' has no bytes"),
        ([b'1', b'2'], [0, None], 'row 1: label None'),
        ([b'1', b'2'], [0, -1], r'row 1: label -1; allowed: 0 to 1'),
        ([b'1', b'2'], [0, 2], r'row 1: label 2; allowed: 0 to 1'),
        ([b'1', b'2'], [0.0, 0.5], 'row 0: label 0.0'),
        ([b'1', b'2'], ['0', 'cat'], "row 0: label '0'"),
    ],
)
def test_damaged_rows_are_errors_or_counted(tmp_path, contents, labels, message):
    path = images(tmp_path / 'shard.parquet', contents, labels, NAMES)
    with pytest.raises(ValueError, match=rf'shard\.parquet: {message}'):
        list(read_images([path]))
    skipped = []
    rows = list(read_images([path], skipped=skipped))
    assert len(rows) + len(skipped) == 2
    assert len(skipped) == (1 if rows else 2)


def test_texts(tmp_path):
    values = [f'text {row} ü\n' for row in range(700)]
    assert list(read_texts(texts(tmp_path / 'a.parquet', values, row_group_size=50))) == values
    path = texts(tmp_path / 'b.parquet', ['a', None, ''], column='content')
    with pytest.raises(ValueError, match="row 1: column 'content' is NoneType"):
        list(read_texts([path], 'content'))
    skipped = []
    assert list(read_texts([path], 'content', skipped=skipped)) == ['a', '']
    assert len(skipped) == 1


def test_missing_columns_name_those_there(tmp_path):
    path = texts(tmp_path / 'a.parquet', ['x'], column='content')
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'text'; there: \['content', 'other'\]"):
        list(read_texts([path]))
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'label'; there: \['content', 'other'\]"):
        list(read_images([path], image='content'))
    with pytest.raises(ValueError, match="no column 'image'"):
        list(read_images([path], label='other'))


def test_damaged_files(tmp_path):
    path = texts(tmp_path / 'a.parquet', [f'{row:x}' * 99 for row in range(5000)], row_group_size=500, compression='snappy')
    whole = path.read_bytes()
    for content in (b'', b'PAR1', whole[:-9], whole[: len(whole) // 2], b'no parquet at all' * 9):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'a\.parquet: not a Parquet file, damaged or cut short'):
            list(read_texts([path]))
    path.write_bytes(whole[:40_000] + bytes(30_000) + whole[70_000:])
    with pytest.raises(ValueError, match=r'a\.parquet: damaged after row \d+'):
        list(read_texts([path]))
    for wrong in (tmp_path / 'nothing', tmp_path):
        with pytest.raises(ValueError, match='no such file'):
            list(read_texts([wrong]))
    with pytest.raises(ValueError, match='no Parquet files'):
        list(read_texts([]))


def test_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'FREE', 1 << 20)
    path = texts(tmp_path / 'a.parquet', [' ' * (1 << 16) + str(row) for row in range(60)], compression='zstd',
                 use_dictionary=False, write_statistics=False)  # fmt: skip
    assert path.stat().st_size < 1 << 14
    with pytest.raises(ValueError, match='decompression bomb'):
        list(read_texts([path]))


def test_memory_does_not_grow_with_a_row_group(tmp_path):
    path = images(tmp_path / 'a.parquet', [bytes([row % 256]) * 20_000 + b'%d' % row for row in range(2000)], [0] * 2000,
                  compression='none', use_dictionary=False, write_batch_size=64)  # fmt: skip
    before, most = pa.total_allocated_bytes(), 0
    for _ in read_images([path]):
        most = max(most, pa.total_allocated_bytes() - before)
    assert path.stat().st_size > 40_000_000
    assert most < 16_000_000


@pytest.mark.parametrize('letter', ['x', b'x'])
def test_a_large_value_in_many_rows_is_refused(tmp_path, monkeypatch, letter):
    monkeypatch.setattr(archives, 'FREE', 1 << 16)
    path = tmp_path / 'bomb.parquet'
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 100, pa.int32()), pa.array([letter * (1 << 15)]))
    parquet.write_table(pa.table({'text': value}), path, compression='zstd')
    assert count_rows(path) == 100 and path.stat().st_size < 1 << 11
    with pytest.raises(
        ValueError, match=r'bomb.parquet: its first [23] rows hold more than [\d,]+ bytes, for a file of .* bomb'
    ):
        list(read_rows(path, ['text']))


def test_rows_of_nothing_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'FREE', 1 << 10)
    path = tmp_path / 'empty.parquet'
    parquet.write_table(pa.table({'text': [''] * 100_000}), path, compression='zstd')
    with pytest.raises(ValueError, match=r'empty.parquet: its first .* rows hold more'):
        list(read_texts(path))


def test_lists_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / 'lists.parquet'
    struct = pa.array([{'bytes': b'1', 'more': [1, 2]}], pa.struct([('bytes', pa.binary()), ('more', pa.list_(pa.int8()))]))
    parquet.write_table(pa.table({'image': struct, 'label': [1], 'text': [['a', 'b']]}), path)
    with pytest.raises(ValueError, match=r"column 'more' is list.*; allowed: texts, numbers, bytes"):
        list(read_images(path))
    with pytest.raises(ValueError, match="column 'text' is list"):
        list(read_texts(path))


@pytest.mark.parametrize(
    ('labels', 'withheld'), [([-1, -1, None], True), ([-1, 3, -1], False), ([0, 1, 2], False), ([None, None, None], True)]
)
def test_labels_are_withheld_where_no_row_has_one(tmp_path, labels, withheld):
    path = images(tmp_path / 'test.parquet', [b'x'] * 3, labels, kind=pa.int64())
    assert is_withheld(path) is withheld


def test_rows_may_hold_all_that_is_allowed_and_no_byte_more(tmp_path, monkeypatch):
    path = texts(tmp_path / 'a.parquet', ['abcde', 'fgh'])
    held = 2 * 8 + 5 + 3
    for most in (held, held - 1):
        allowed = iter([1 << 20, most])
        monkeypatch.setattr('sweeps.datasets.formats.parquet.allowed_bytes', lambda size, allowed=allowed: next(allowed))
        if most == held:
            assert [text for _, (text,) in read_rows(path, ['text'])] == ['abcde', 'fgh']
        else:
            with pytest.raises(ValueError, match=r'a\.parquet: its first 2 rows hold more than 23 bytes, for a file of'):
                list(read_rows(path, ['text']))
