"""Vocabularies: from text to tokens, and the number of bytes of each token.

Each has `size`; `mark`, the token between documents, which counts one byte like a line end; `unknown`, the token for all other
characters, which is never a target, or None; `lengths` [size] in bytes; and `encode(pieces of UTF-8) -> ids of each`. One
that may come from a file has a `fingerprint`, a hash of its content.
"""

import dataclasses
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sweeps.tasks import bpe


@dataclasses.dataclass(frozen=True)
class Bytes:
    """The 256 bytes and the mark. Nothing is unknown to it."""

    size = 257
    mark = 256
    unknown = None

    @property
    def lengths(self) -> np.ndarray:
        return np.ones(257, np.int64)

    def encode(self, pieces: list[bytes]) -> list[np.ndarray]:
        return [np.frombuffer(piece, np.uint8) for piece in pieces]


@dataclasses.dataclass(frozen=True)
class Characters:
    """The characters of a pool by code point, then the mark, then one token for all other characters."""

    points: np.ndarray

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> 'Characters':
        """The characters in pieces of UTF-8.

        >>> characters = Characters.of([b'abba'])
        >>> characters.size, characters.mark, characters.encode([b'bac'])[0].tolist()
        (4, 2, [1, 0, 3])
        """
        points = np.zeros(0, np.uint32)
        for piece in pieces:
            points = np.union1d(points, code_points(piece))
        return cls(points)

    @property
    def size(self) -> int:
        return len(self.points) + 2

    @property
    def mark(self) -> int:
        return len(self.points)

    @property
    def unknown(self) -> int:
        return len(self.points) + 1

    @property
    def lengths(self) -> np.ndarray:
        return np.concatenate([1 + np.searchsorted([0x80, 0x800, 0x10000], self.points, 'right'), [1, 0]]).astype(np.int64)

    def encode(self, pieces: list[bytes]) -> list[np.ndarray]:
        ids = []
        for piece in pieces:
            points = code_points(piece)
            places = np.minimum(np.searchsorted(self.points, points), len(self.points) - 1)
            ids.append(np.where(self.points[places] == points, places, self.unknown))
        return ids


@dataclasses.dataclass(frozen=True)
class BytePairs:
    """A byte-level BPE, trained or from a file: `text` is its tokenizer.json."""

    text: str
    size: int
    mark: int
    unknown = None

    @property
    def lengths(self) -> np.ndarray:
        return bpe.lengths(bpe.loaded(self.text), self.size, self.mark)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def encode(self, pieces: list[bytes]) -> list[np.ndarray]:
        return bpe.encoded(bpe.loaded(self.text), pieces, self.lengths)


def code_points(piece: bytes) -> np.ndarray:
    """The characters of UTF-8 as numbers. Raises ValueError on bytes that are not UTF-8."""
    try:
        return np.frombuffer(piece.decode('utf-8').encode('utf-32-le'), '<u4')
    except UnicodeError as error:
        raise ValueError(f"the text is not UTF-8 ({error}); use tokens='bytes'") from None


def from_file(path: Path) -> BytePairs:
    """The BPE of a tokenizer.json, or of a folder with vocab.json and merges.txt (GPT-2's form)."""
    text = bpe.read(path)
    tokenizer = bpe.loaded(text)
    mark, size = tokenizer.token_to_id(bpe.MARK), 1 + max(tokenizer.get_vocab().values())
    return BytePairs(text, size + (mark is None), size if mark is None else mark)


def from_text(text: str, size: int) -> BytePairs:
    """A BPE of `size` tokens from its tokenizer.json."""
    return BytePairs(text, size, bpe.loaded(text).token_to_id(bpe.MARK))


def trained(pieces: Iterable[bytes], size: int) -> BytePairs:
    """A byte-level BPE of `size` tokens, the mark among them, trained on pieces of UTF-8."""
    return from_text(bpe.trained(pieces, size), size)
