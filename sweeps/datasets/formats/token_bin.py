"""Token shards: `.bin` files of nanoGPT (tokens alone) and of llm.c and modded-nanogpt (a header before them)."""

from pathlib import Path

import numpy as np

from ablations.option_words import option

HEADER = 256
"""Whole numbers of four bytes in a header: magic, version, count of tokens, then zeros."""
END_OF_TEXT = 50256
"""GPT-2's end-of-text token. It begins (llm.c) or ends (nanoGPT) each document of a shard."""
MAGICS = {20240520: (1, '<u2', END_OF_TEXT), 20240801: (7, '<u4', 128000)}
"""Version, type of the tokens and the one between documents, by magic number: GPT-2 and Llama 3 of llm.c."""
TYPES = {'uint16': '<u2', 'uint32': '<u4'}
WIDE = 16
"""Below this is the upper half of every token of 32 bits: no vocabulary has a million tokens."""
LOOKED_AT = 1 << 22
"""Tokens at the start of a shard that its type is told by."""


def separator_of(path: Path, dtype: str | None = None) -> int:
    """The token between the documents of a shard: that of its header's vocabulary, or GPT-2's where it is the largest token.

    Raises ValueError where it cannot be known.
    """
    magic = int.from_bytes(_head(path)[:4].tobytes(), 'little')
    if magic in MAGICS:
        return MAGICS[magic][2]
    largest = int(read_tokens(path, dtype=dtype).max())
    if largest != END_OF_TEXT:
        raise ValueError(
            f'{path}: no header, and its largest token is {largest}, not {END_OF_TEXT}, which separates documents in GPT-2; '
            f'which token does can not be known: {option("separator", "TOKEN")} (Llama 3: 128000), or '
            f'{option("separator", "none")} where nothing does'
        )
    return END_OF_TEXT


def _head(path: Path) -> np.ndarray:
    if not path.is_file():
        raise ValueError(f'{path}: no such file; check the path')
    with path.open('rb') as file:
        return np.frombuffer(file.read(4 * HEADER), np.uint8)


def read_tokens(path: Path, header: bool | None = None, vocabulary: int | None = None, dtype: str | None = None) -> np.ndarray:
    """The tokens of a shard, [n] uint16 or uint32, memory-mapped.

    `header`: whether the file has one; None looks. `dtype`: the type of tokens without a header, one of TYPES; where it is not
    given it must be plain from the file. Raises ValueError on a wrong magic, version or count, on half a token, on an unknown
    type, and on a token outside a given `vocabulary`.
    """
    path = Path(path)
    head, size = _head(path), path.stat().st_size
    numbers = head.view('<i4') if len(head) == 4 * HEADER else np.zeros(0, np.int32)
    if header is None:
        # No text has 500 zero tokens in a row at its start, so a header of another kind is not read as tokens.
        header = len(numbers) == HEADER and (int(numbers[0]) in MAGICS or not numbers[3:].any())
    tokens = _after_header(path, numbers, size) if header else _alone(path, size, dtype)
    if vocabulary is not None:
        for start in range(0, len(tokens), 1 << 24):
            largest = int(tokens[start : start + (1 << 24)].max())
            if largest >= vocabulary:
                raise ValueError(
                    f'{path}: token {largest}; allowed: 0 to {vocabulary - 1}; it is of another tokeniser, or (without a '
                    'header) of another type than uint16'
                )
    return tokens


def _after_header(path: Path, numbers: np.ndarray, size: int) -> np.ndarray:
    if len(numbers) < HEADER:
        raise ValueError(f'{path}: {size} bytes; a header has {4 * HEADER}; it is cut short, or has none (header=False)')
    magic, version, count = (int(number) for number in numbers[:3])
    if magic not in MAGICS:
        raise ValueError(f'{path}: magic number {magic} in its header; allowed: {list(MAGICS)}; make the shard with llm.c')
    wanted, dtype, _ = MAGICS[magic]
    if version != wanted:
        raise ValueError(f'{path}: version {version} with magic number {magic}; allowed: {wanted}; make the shard again')
    there = size - 4 * HEADER
    if count < 1 or there != count * np.dtype(dtype).itemsize:
        raise ValueError(
            f'{path}: its header says {count:,} tokens of {np.dtype(dtype).itemsize} bytes, after it are {there:,} bytes; '
            'get it again'
        )
    return np.memmap(path, dtype, 'r', 4 * HEADER, (count,))


def _alone(path: Path, size: int, dtype: str | None) -> np.ndarray:
    if path.suffix in ('.gz', '.xz', '.bz2', '.zip'):
        raise ValueError(f'{path}: a packed file; allowed: plain .bin files; unpack it')
    if dtype is not None and dtype not in TYPES:
        raise ValueError(f'{option("token_type", dtype)}; allowed: {", ".join(TYPES)}')
    width = np.dtype(TYPES[dtype or 'uint16']).itemsize
    if not size or size % width:
        raise ValueError(
            f'{path}: {size:,} bytes; allowed: a multiple of {width} (tokens are {dtype or "uint16"}), {width} or more; get it '
            'again'
        )
    tokens = np.memmap(path, TYPES[dtype or 'uint16'], 'r', 0, (size // width,))
    if dtype is None and size % 4 == 0 and not (tokens[1 : 2 * LOOKED_AT : 2] >= WIDE).any():
        raise ValueError(
            f'{path}: no header, and every second number of 16 bits is below {WIDE}, as in tokens of 32 bits; which they are '
            f'can not be known: {option("token_type", "uint16")} or {option("token_type", "uint32")}'
        )
    return tokens
