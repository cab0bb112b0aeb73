"""What is read at a time: blocks change nothing, no more is held than was said, and no file stays open."""

import gzip
import io
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import made_sets
import numpy as np
import pytest
from own_sources import REVIEWS, TABLE, X, Y, npz_of
from packed import as_tar, as_zip
from packed_sets import colours

from sweeps.datasets import intact, prepared
from sweeps.datasets.aside import locked, unpacked_aside
from sweeps.datasets.formats import parquet
from sweeps.datasets.formats.archives import members, open_stream, read_exactly
from sweeps.datasets.formats.image_files import decode_all
from sweeps.datasets.formats.text_files import raw_lines
from sweeps.datasets.formats.token_bin import read_tokens
from sweeps.datasets.growing import Growing
from sweeps.datasets.intact import check, checksum
from sweeps.datasets.material import Options
from sweeps.datasets.own import options_of, prepare_own
from sweeps.datasets.prepared import Part, channel_moments, moments, write
from sweeps.datasets.sources.tables import tables

DRAW = np.random.default_rng(4)


@pytest.mark.parametrize('block', [1, 40, 1 << 22])
def test_moments_are_those_of_all_numbers_whatever_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(prepared, 'BLOCK', block)
    x = (DRAW.normal(size=(11, 5, 2)) + (3, -1e6)).astype(np.float64)
    mean, deviation = moments(x, 'pool')
    assert np.allclose(mean, x.mean((0, 1))) and np.allclose(deviation, x.std((0, 1)))
    with pytest.raises(ValueError, match='test: number 1 of an example is missing or infinite'):
        moments(np.where(np.arange(2) == 1, np.inf, x), 'test')
    grey = DRAW.integers(0, 256, (7, 3, 2, 3), np.uint8)
    mean, deviation = channel_moments(grey)
    assert np.allclose(mean, grey.mean((0, 1, 2)) / 255) and np.allclose(deviation, grey.std((0, 1, 2)) / 255)


def test_moments_of_nothing_are_none_at_all():
    assert moments(np.zeros((0, 2)), 'test') == ([0.0, 0.0], [0.0, 0.0])
    assert channel_moments(np.zeros((0, 2, 2, 1), np.uint8)) == ([0.0], [0.0])
    assert channel_moments(np.full((2, 2, 2, 1), 9, np.uint8)) == ([9 / 255], [pytest.approx(0, abs=1e-8)])


def test_images_are_decoded_so_many_ahead_and_no_more():
    taken = []

    def examples():
        for number, content in enumerate(colours(30)):
            taken.append(number)
            yield content, number

    stream = decode_all(examples(), None, threads=2)
    assert next(stream)[1] == 0 and len(taken) == 8
    assert next(stream)[1] == 1 and len(taken) == 9
    assert [label for _, label in stream] == list(range(2, 30))


def test_a_long_piece_is_read_in_parts():
    asked = []

    class Stream(io.BytesIO):
        def read(self, count: int = -1) -> bytes:
            asked.append(count)
            return super().read(min(count, 3))

    assert read_exactly(Stream(b'abcdefgh'), 1 << 40) == b'abcdefgh' and max(asked) == 16 << 20
    asked.clear()
    assert read_exactly(Stream(b'abcdefgh'), 5) == b'abcde' and asked == [5, 2]


def test_rows_of_parquet_are_counted_by_the_larger_number_and_read_a_few_at_a_time():
    def metadata(rows: int, groups: list[int], size: int) -> SimpleNamespace:
        column = SimpleNamespace(total_uncompressed_size=size)
        own = [SimpleNamespace(num_rows=one, num_columns=2, column=lambda number: column) for one in groups]
        return SimpleNamespace(num_rows=rows, num_row_groups=len(own), row_group=lambda number: own[number])

    assert [parquet._rows(metadata(rows, [3, 4], 1)) for rows in (5, 7, 9)] == [7, 7, 9]
    sizes = (1, parquet.HELD // 64, parquet.HELD // 63, parquet.HELD // 3, parquet.HELD, 2 * parquet.HELD)
    assert [parquet._batch(metadata(5, [5], size)) for size in sizes] == [64, 64, 63, 3, 1, 1]
    assert parquet._batch(metadata(0, [], 1)) == 64 and parquet._batch(metadata(5, [5], 0)) == 64


@pytest.mark.parametrize('place', [0, (1 << 24) - 1, 1 << 24, (1 << 24) + 9])
def test_every_token_of_a_long_shard_is_compared_with_the_vocabulary(tmp_path: Path, place: int):
    path = tmp_path / 'a.bin'
    with open(path, 'wb') as file:
        # A gap takes no room on the disk.
        file.truncate(2 * ((1 << 24) + 10))
        file.seek(2 * place)
        file.write(bytes([9, 0]))
    assert len(read_tokens(path, header=False, vocabulary=10, dtype='uint16')) == (1 << 24) + 10
    with pytest.raises(ValueError, match=r'a\.bin: token 9; allowed: 0 to 8; it is of another tokeniser'):
        read_tokens(path, header=False, vocabulary=9, dtype='uint16')


def open_files() -> int:
    return len(os.listdir('/dev/fd'))


@pytest.mark.skipif(not os.path.isdir('/dev/fd'), reason='this system does not tell what is open')
def test_no_file_stays_open(tmp_path: Path):
    (tmp_path / 'a.gz').write_bytes(gzip.compress(b'line\n' * 9))
    (tmp_path / 'a.tar').write_bytes(as_tar({'a': b'1', 'b': b'2'}))
    (tmp_path / 'a.tar.gz').write_bytes(gzip.compress(as_tar({'a': b'1', 'b': b'2'})))
    (tmp_path / 'a.zip').write_bytes(as_zip({'a': b'1', 'b': b'2'}))
    (tmp_path / 'none.gz').write_bytes(b'')
    before, held = open_files(), []
    stream = open_stream(tmp_path / 'a.gz')
    held.append(stream)
    stream.close()
    stream.close()
    assert stream.closed and open_files() == before
    assert len(list(raw_lines(tmp_path / 'a.gz'))) == 9 and open_files() == before
    for name in ('a.tar', 'a.tar.gz', 'a.zip'):
        assert [one for one, _ in members(tmp_path / name)] == ['a', 'b'] and open_files() == before
    with pytest.raises(ValueError, match='it is empty') as caught:
        open_stream(tmp_path / 'none.gz')
    held.append(caught)
    assert open_files() == before
    growing = Growing(tmp_path / 'x.npy', np.int8)
    growing.close()
    with locked(tmp_path / 'set'):
        assert open_files() == before + 1
    assert open_files() == before


def test_a_header_that_has_no_room_is_an_error(tmp_path: Path):
    file = Growing(tmp_path / 'x.npy', np.int8)
    file._room -= 1
    with pytest.raises(RuntimeError, match=r'the \.npy header grew from 127 to 128 bytes'):
        file.close()
    file.abandon()


def test_a_place_aside_may_be_gone_when_it_is_left(tmp_path: Path):
    with unpacked_aside(tmp_path / 'set') as place:
        (place / 'a').write_text('a')
        assert place.parent == tmp_path and place.name.startswith('.set.unpacked-')
        shutil.rmtree(place)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), unpacked_aside(tmp_path / 'set') as place:
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_files_that_were_compared_are_remembered_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    part = Part(np.zeros((3, 4), np.float32), None, np.arange(3))
    folder = write(tmp_path / 'mine', {'kind': 'series'}, part, part).folder
    names = ['pool/x.npy', 'pool/group.npy']
    sums = {name: checksum(folder / name) for name in names}
    check(folder, names[:1], sums, 'mend it')
    check(folder, names[1:], sums, 'mend it')
    known = json.loads((folder / intact.REMEMBERED).read_text())
    about = [(folder / name).stat() for name in names]
    assert known == {
        name: [one.st_size, one.st_mtime_ns, one.st_ctime_ns, sums[name]] for name, one in zip(names, about, strict=True)
    }
    # A sum that differs from what was asked for is read anew, and what is remembered may be anything.
    with pytest.raises(ValueError, match=r'pool/x\.npy is damaged: its content is not what was prepared; mend it'):
        check(folder, names, {**sums, names[0]: '0'}, 'mend it')
    for content in ('[1]', '{', '[' * 9999):
        (folder / intact.REMEMBERED).write_text(content)
        check(folder, names, sums, 'mend it')
        assert json.loads((folder / intact.REMEMBERED).read_text()) == known
    with pytest.raises(ValueError, match=r'pool/none\.npy: cannot be read \(No such file or directory\); mend it'):
        check(folder, ['pool/none.npy'], {}, 'mend it')
    monkeypatch.setattr(intact, 'BLOCK', 7)
    assert checksum(folder / names[0]) == sums[names[0]]


@pytest.mark.parametrize(
    ('module', 'reader', 'source', 'options'),
    [
        ('tables', 'csv', TABLE, {'inputs': ('age', 'weight'), 'target': ('risk',), 'group': 'site'}),
        ('tables', 'json_lines', REVIEWS, {'inputs': ('text',), 'form': 'text', 'share': 0.4}),
        ('array_files', 'arrays', npz_of(x=X, y=Y), {'form': 'table', 'share': 0.4}),
        ('array_files', 'arrays', npz_of(x=np.array([f'C{"C" * n}' for n in range(40)])), {'form': 'smiles', 'share': 0.4}),
    ],
    ids=['table', 'texts', 'arrays', 'molecules'],
)
def test_examples_are_the_same_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch, module: str, reader: str, source, options: dict
):
    made = []
    for rows in (1024, 7, 1):
        monkeypatch.setattr(sys.modules[f'sweeps.datasets.sources.{module}'], 'ROWS', rows)
        (at := tmp_path / str(rows)).mkdir()
        told: list[tuple] = []
        own = options_of(reader, options)
        one, _ = prepare_own(reader, source(at), 'mine', own, at, progress=lambda *said, told=told: told.append(said))
        made.append(one.about['checksums'])
        done = [number for stage, number, _ in told if stage == 'examples']
        pool = one.about['sizes']['pool']
        assert done == [min(start + rows, pool) for start in range(0, pool, rows)]
    assert made[0] == made[1] == made[2]


def test_many_columns_are_told_by_the_first_of_them(tmp_path: Path):
    names = [*(f'c{n}' for n in range(13)), 'y', *(f'u{n}' for n in range(11)), '', 'v']
    rows = [[*(f'{n * m % 7}.5' for m in range(13)), 'ab'[n % 2], *['-'] * 11, '1', '2'] for n in range(40)]
    path = made_sets.table(tmp_path / 'a.csv', [names, *rows])
    for inputs, unused in (([f'c{n}' for n in range(1, 13)], 14), ([f'c{n}' for n in range(13)], 13)):
        material = tables(path, Options(inputs=tuple(inputs), target=('y',)), 'csv')
        notes = [note for note in material.notes if 'features' in note or 'not used' in note]
        features = ', '.join(inputs[:12])
        left = ['c0', *(f'u{n}' for n in range(11))] if unused == 14 else [*(f'u{n}' for n in range(11)), "'' (without a name)"]
        assert notes == [
            f'columns that are not used: {", ".join(left)} ...',
            f'{len(inputs)} features: {features}{" ..." if len(inputs) > 12 else ""}',
        ]
