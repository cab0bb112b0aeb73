"""Token shards: `.bin` files of nanoGPT (tokens alone) and of llm.c and modded-nanogpt (a header before them)."""

from pathlib import Path

import numpy as np

HEADER = 256
"""Whole numbers of four bytes in a header: magic, version, count of tokens, then zeros."""
MAGICS = {20240520: (1, '<u2'), 20240801: (7, '<u4')}
"""Version and type of the tokens by magic number: the GPT-2 and the Llama 3 vocabulary of llm.c."""


def read_tokens(path: Path, header: bool | None = None, vocabulary: int | None = None) -> np.ndarray:
    """The tokens of a shard, [n] uint16 or uint32, memory-mapped.

    `header`: whether the file has one; None looks. Raises ValueError on a wrong magic, version or count, on half a token, and
    on a token outside `vocabulary` where given.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f'{path}: no such file; check the path')
    size = path.stat().st_size
    with path.open('rb') as file:
        head = np.frombuffer(file.read(4 * HEADER), np.uint8)
    numbers = head.view('<i4') if len(head) == 4 * HEADER else np.zeros(0, np.int32)
    if header is None:
        # No text has 500 zero tokens in a row at its start, so a header of another kind is not read as tokens.
        header = len(numbers) == HEADER and (int(numbers[0]) in MAGICS or not numbers[3:].any())
    tokens = _after_header(path, numbers, size) if header else _alone(path, size)
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
    wanted, dtype = MAGICS[magic]
    if version != wanted:
        raise ValueError(f'{path}: version {version} with magic number {magic}; allowed: {wanted}; make the shard again')
    there = size - 4 * HEADER
    if count < 1 or there != count * np.dtype(dtype).itemsize:
        raise ValueError(
            f'{path}: its header says {count:,} tokens of {np.dtype(dtype).itemsize} bytes, after it are {there:,} bytes; '
            'get it again'
        )
    return np.memmap(path, dtype, 'r', 4 * HEADER, (count,))


def _alone(path: Path, size: int) -> np.ndarray:
    if path.suffix in ('.gz', '.xz', '.bz2', '.zip'):
        raise ValueError(f'{path}: a packed file; allowed: plain .bin files; unpack it')
    if not size or size % 2:
        raise ValueError(f'{path}: {size:,} bytes; allowed: a multiple of 2 (tokens are uint16), 2 or more; get it again')
    return np.memmap(path, '<u2', 'r', 0, (size // 2,))
