"""Damage at random: whatever bytes a file has, a reader gives examples or a ValueError, and writes nothing."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from packed import as_tar, as_zip
from PIL import Image
from pyarrow import parquet

from sweeps.datasets.formats.archives import members
from sweeps.datasets.formats.cifar import read_cifar
from sweeps.datasets.formats.fasta import read_fasta
from sweeps.datasets.formats.idx import read_idx
from sweeps.datasets.formats.image_files import decode
from sweeps.datasets.formats.json_texts import read_json
from sweeps.datasets.formats.lines import read_lines
from sweeps.datasets.formats.parquet import read_images
from sweeps.datasets.formats.pickles import load_pickle
from sweeps.datasets.formats.series_files import read_columns, read_series
from sweeps.datasets.formats.text_files import documents
from sweeps.datasets.formats.token_bin import read_tokens
from sweeps.datasets.formats.wav import read_wav
from sweeps.datasets.formats.webdataset import read_webdataset

GENERATOR = np.random.default_rng(0)
NOISE = GENERATOR.integers(0, 256, (24, 20, 3), np.uint8)


def stored(form: str, **options) -> bytes:
    target = io.BytesIO()
    Image.fromarray(NOISE).save(target, form, **options)
    return target.getvalue()


def table() -> bytes:
    target = io.BytesIO()
    images = [{'bytes': stored('PNG'), 'path': None}] * 9
    parquet.write_table(pa.table({'image': images, 'label': list(range(9))}), target, row_group_size=4)
    return target.getvalue()


BATCH = pickle.dumps({b'data': GENERATOR.integers(0, 256, (2, 3072), np.uint8), b'labels': [1, 2]}, 2)
FILES = {'0.jpg': stored('JPEG'), '0.cls': b'1', '1.jpg': b'x' * 700, '1.json': b'{"label": 2}'}
IDX = struct.pack('>BBBB3I', 0, 0, 8, 3, 4, 5, 5) + bytes(range(100))
TEXT = 'Grüße\n<|endoftext|>\nzwei 🙂\n'.encode() * 9


def everything(stream) -> None:
    for _ in stream:
        pass


def read_members(path: Path) -> None:
    for _, stream in members(path):
        stream.read()


CASES = {
    'idx': ('a.idx', IDX, read_idx),
    'idx_gzip': ('a.idx.gz', gzip.compress(IDX), read_idx),
    'idx_xz': ('a.idx.xz', lzma.compress(IDX), read_idx),
    'idx_bzip2': ('a.idx.bz2', bz2.compress(IDX), read_idx),
    'tar': ('a.tar', as_tar(FILES), read_members),
    'tar_gzip': ('a.tar.gz', as_tar(FILES, 'w:gz'), read_members),
    'zip': ('a.zip', as_zip(FILES), read_members),
    'cifar_python': ('a.tar', as_tar({'data_batch_1': BATCH, 'test_batch': BATCH}), lambda x: read_cifar(x, partial=True)),
    'pickle': ('a', BATCH, lambda x: load_pickle(x.read_bytes(), 'a')),
    'pickle_5': ('a', pickle.dumps([np.arange(3), {'a': (1, 'b')}], 5), lambda x: load_pickle(x.read_bytes(), 'a')),
    'jpeg': ('a', stored('JPEG', exif=b'Exif\0\0II*\0\x08\0\0\0\0\0'), lambda x: decode(x.read_bytes(), 8)),
    'png': ('a', stored('PNG'), lambda x: decode(x.read_bytes(), 8)),
    'webp': ('a', stored('WEBP'), lambda x: decode(x.read_bytes(), 8)),
    'gif': ('a', stored('GIF'), lambda x: decode(x.read_bytes(), 8)),
    'tiff': ('a', stored('TIFF', compression='tiff_lzw'), lambda x: decode(x.read_bytes(), 8)),
    'bmp': ('a', stored('BMP'), lambda x: decode(x.read_bytes(), 8)),
    'parquet': ('a.parquet', table(), lambda x: everything(read_images([x]))),
    'webdataset': ('a.tar', as_tar(FILES), lambda x: everything(read_webdataset([x]))),
    'tokens': ('a.bin', struct.pack('<256i', 20240520, 1, 9, *[0] * 253) + bytes(18), read_tokens),
    'text': ('a.txt', TEXT, lambda x: everything(documents(x, '<|endoftext|>'))),
    'lines': ('a.smi', b'CCO\nC#N\n' * 20, lambda x: everything(read_lines(x))),
    'fasta': ('a.fa', b'>one\nACGT\nAC\n;no\n>two\nGG\n' * 9, lambda x: everything(read_fasta(x))),
    'json': ('a.json', json.dumps([{'text': 'a'}] * 9).encode(), lambda x: everything(read_json(x, 'text'))),
    'json_lines': ('a.jsonl', b'{"text": "a"}\n' * 9, lambda x: everything(read_json(x, 'text'))),
    'wav': (
        'a.wav',
        b'RIFF\x44\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x20\0\0\0' + bytes(32),
        read_wav,
    ),
    'series': ('a.tsv', b'1\t0.5\t2\n2\t3\t4\n' * 9, read_series),
    'arff': ('a.arff', b'@relation x\n@attribute a numeric\n@data\n1,2,3\n4,5,6\n', read_series),
    'columns': ('a.csv', b'a,b\n"1",2\n3,4\n' * 3, lambda x: read_columns(x, ['a'])),
}


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
    """One of: bytes changed, a piece taken out, a piece doubled, the end cut, noise after the end."""
    values = bytearray(content)
    start, stop = sorted(generator.integers(0, len(values) + 1, 2).tolist())
    kind = generator.integers(5)
    if kind == 0:
        for place in generator.integers(0, len(values), generator.integers(1, 6)).tolist():
            values[place] = generator.integers(256)
    elif kind == 1:
        del values[start:stop]
    elif kind == 2:
        values[stop:stop] = values[start:stop]
    elif kind == 3:
        del values[start:]
    else:
        values += generator.bytes(stop - start)
    return bytes(values)


@pytest.mark.parametrize('name', CASES)
def test_any_damage_is_an_answer_or_a_value_error(tmp_path, name):
    file, content, read = CASES[name]
    path = tmp_path / file
    path.write_bytes(content)
    read(path)
    generator, refused = np.random.default_rng(1), 0
    for _ in range(60):
        path.write_bytes(damaged(content, generator))
        try:
            read(path)
        except ValueError as error:
            refused += 1
            assert str(error), 'an error without a message'
    assert refused > (0 if name == 'bmp' else 5)
    assert [entry.name for entry in tmp_path.iterdir()] == [file]
