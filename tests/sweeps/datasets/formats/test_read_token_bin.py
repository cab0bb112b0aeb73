"""Token shards: with and without a header, and headers that are wrong."""

import struct

import numpy as np
import pytest

from sweeps.datasets.formats.token_bin import read_tokens, separator_of

TOKENS = [50256, 1, 2, 65535, 0, 7]


def headed(magic: int = 20240520, version: int = 1, count: int = len(TOKENS), letter: str = 'H') -> bytes:
    return struct.pack('<256i', magic, version, count, *[0] * 253) + struct.pack(f'<{len(TOKENS)}{letter}', *TOKENS)


@pytest.mark.parametrize('header', [None, True])
@pytest.mark.parametrize(
    ('content', 'dtype'), [(headed(), np.uint16), (headed(20240801, 7, letter='I'), np.uint32)], ids=['llm.c', 'llama3']
)
def test_with_a_header(packed, content, dtype, header):
    tokens = read_tokens(packed('shard.bin', content), header)
    assert isinstance(tokens, np.memmap)
    assert tokens.dtype == dtype
    assert tokens.tolist() == TOKENS
    with pytest.raises(ValueError, match='read-only'):
        tokens[0] = 1


@pytest.mark.parametrize('header', [None, False])
@pytest.mark.parametrize('repeats', [1, 500])
def test_without_a_header(packed, header, repeats):
    tokens = read_tokens(packed('train.bin', struct.pack(f'<{len(TOKENS)}H', *TOKENS) * repeats), header)
    assert tokens.dtype == np.uint16
    assert tokens.tolist() == TOKENS * repeats


def test_a_header_read_as_tokens_where_asked(packed):
    assert len(read_tokens(packed('shard.bin', headed()), header=False)) == 512 + len(TOKENS)


@pytest.mark.parametrize(
    ('content', 'header', 'message'),
    [
        (headed(20240521), None, r'magic number 20240521 in its header; allowed: \[20240520, 20240801\]'),
        (headed(20240521), True, 'magic number 20240521'),
        (headed(version=2), None, 'version 2 with magic number 20240520; allowed: 1'),
        (headed(20240801, 1, letter='I'), None, 'version 1 with magic number 20240801; allowed: 7'),
        (headed(count=7), None, r'7 tokens of 2 bytes, after it are 12 bytes'),
        (headed(count=5), None, '5 tokens of 2 bytes'),
        (headed(count=-1), None, '-1 tokens'),
        (headed(count=0)[:1024], None, '0 tokens'),
        (headed()[:-1], None, 'after it are 11 bytes'),
        (headed(letter='I'), None, 'after it are 24 bytes'),
        (headed()[:1000], True, '1000 bytes; a header has 1024'),
        (b'abc', None, '3 bytes; allowed: a multiple of 2'),
        (b'', None, '0 bytes'),
        (b'', False, '0 bytes'),
    ],
    ids=lambda value: 'file' if isinstance(value, bytes) else str(value),
)
def test_wrong_shards(packed, content, header, message):
    with pytest.raises(ValueError, match=rf'shard\.bin: .*{message}'):
        read_tokens(packed('shard.bin', content), header)


def test_other_wrong_files(packed, tmp_path):
    with pytest.raises(ValueError, match='unpack it'):
        read_tokens(packed('shard.bin.gz', headed()))
    with pytest.raises(ValueError, match='no such file'):
        read_tokens(tmp_path / 'nothing.bin')
    with pytest.raises(ValueError, match='token 65535; allowed: 0 to 50256; it is of another tokeniser'):
        read_tokens(packed('shard.bin', headed()), vocabulary=50257)
    assert len(read_tokens(packed('shard.bin', headed()), vocabulary=65536)) == len(TOKENS)


@pytest.mark.parametrize(
    ('content', 'dtype', 'separator'),
    [
        (headed(), None, 50256),
        (headed(20240801, 7, letter='I'), None, 128000),
        (struct.pack('<4H', 7, 50256, 8, 9), None, 50256),
        (struct.pack('<4I', 7, 50256, 8, 9), 'uint32', 50256),
    ],
    ids=['llm.c', 'llama3', 'nanoGPT', '32 bits'],
)
def test_the_token_between_documents(packed, content, dtype, separator):
    assert separator_of(packed('shard.bin', content), dtype) == separator


@pytest.mark.parametrize('largest', [50255, 50257])
def test_a_separator_that_cannot_be_known_is_asked_for(packed, largest):
    path = packed('shard.bin', struct.pack('<3H', 7, largest, 1))
    with pytest.raises(ValueError, match=rf'no header, and its largest token is {largest}, not 50256.*--separator TOKEN'):
        separator_of(path)


def test_the_type_of_tokens_without_a_header(packed):
    wide = packed('shard.bin', struct.pack('<3I', 1, 70000, 5))
    assert read_tokens(wide, dtype='uint32').tolist() == [1, 70000, 5]
    assert read_tokens(wide, dtype='uint16').tolist() == [1, 0, 70000 - 65536, 1, 5, 0]
    with pytest.raises(ValueError, match=r'every second number of 16 bits is below 16.*--token-type uint16 or --token-type u'):
        read_tokens(wide)
    assert read_tokens(packed('shard.bin', struct.pack('<4H', 1, 2, 3, 16))).tolist() == [1, 2, 3, 16]
    assert read_tokens(packed('shard.bin', struct.pack('<3H', 1, 2, 3))).tolist() == [1, 2, 3], 'half of 32 bits is none'
    with pytest.raises(ValueError, match='--token-type int64; allowed: uint16, uint32'):
        read_tokens(wide, dtype='int64')
    with pytest.raises(ValueError, match=r'12 bytes|6 bytes; allowed: a multiple of 4 \(tokens are uint32\), 4 or more'):
        read_tokens(packed('shard.bin', bytes(6)), dtype='uint32')


def test_the_type_of_tokens_is_told_by_the_first_of_them(packed, monkeypatch):
    monkeypatch.setattr('sweeps.datasets.formats.token_bin.LOOKED_AT', 2)
    assert read_tokens(packed('shard.bin', struct.pack('<6H', 1, 0, 1, 99, 1, 0))).tolist() == [1, 0, 1, 99, 1, 0]
    with pytest.raises(ValueError, match='every second number of 16 bits is below 16'):
        read_tokens(packed('shard.bin', struct.pack('<6H', 1, 0, 1, 0, 1, 99)))
