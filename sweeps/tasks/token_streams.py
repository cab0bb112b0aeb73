"""Token streams: the tokens of one split of a prepared set, document by document, made once and memory-mapped.

They lie beside the prepared sets, in DATA/tokens/NAME-KEY, where KEY is a hash of the set's content and of the vocabulary. The
folder holds `vocabulary` (learned from the pool alone), `pool` and `test`, each made on first use. Shards of tokens are read
from their own files, and so are the bytes of a set of one document.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ablations.locations import data_folder
from results.store import atomic, regular
from sweeps.datasets.aside import FIX, locked
from sweeps.datasets.growing import Growing
from sweeps.datasets.intact import check, checksum
from sweeps.datasets.prepared import Part, Prepared
from sweeps.tasks import vocabularies
from sweeps.tasks.vocabularies import BytePairs, Bytes, Characters

FORM = 2
SUMS = 'checksums.json'
"""The sha256 of each file of a split, beside them."""
PIECE = 2**20
"""Longer documents, in bytes, are cut at the end of a line before they are encoded."""
BATCH = 2**24
"""Bytes that are encoded at a time."""
LEARNED = 2**28
"""The most bytes of text to train a BPE on; of a larger pool each k-th document is used."""
TOKENS = ('bytes', 'characters', 'bpe', 'file')


@dataclasses.dataclass(frozen=True)
class Stream:
    """Tokens [T]; where each document starts [D + 1]; its group [D], shared by identical documents; bytes of each token [V]."""

    tokens: np.ndarray
    starts: np.ndarray
    group: np.ndarray
    lengths: np.ndarray | None
    size: int
    unknown: int | None = None

    def counts(self) -> np.ndarray:
        """How often each token occurs, [V]; read in blocks."""
        counts = np.zeros(self.size, np.int64)
        for start in range(0, len(self.tokens), BATCH):
            counts += np.bincount(self.tokens[start : start + BATCH], minlength=self.size)
        return counts


@dataclasses.dataclass(frozen=True)
class Spelling:
    """How text becomes tokens. `tokens`: one of TOKENS. `vocabulary`: the size of a BPE. `tokenizer`: the file of one.

    For token shards `vocabulary` is the size of their tokenizer's vocabulary.
    """

    tokens: str
    vocabulary: int = 0
    tokenizer: str = ''

    def stream(self, prepared: Prepared, split: str) -> Stream:
        """The tokens of a split, `pool` or `test`. Raises ValueError if the set is no text."""
        part = getattr(prepared, split)()
        if prepared.about['kind'] == 'tokens':
            return self._shards(part)
        if prepared.about['kind'] not in ('texts', 'molecules'):
            raise ValueError(
                f"dataset '{prepared.about['name']}' is of kind '{prepared.about['kind']}'; allowed: texts, molecules, tokens; "
                'see `archlab data list`'
            )
        vocabulary = self.read(prepared)
        marked = prepared.about['sizes']['pool'] > 1
        if isinstance(vocabulary, Bytes) and not marked and len(part) == 1:
            tokens, starts, group = part.x, part.offsets, part.group
        else:
            folder = self._folder(prepared, vocabulary) / split
            if not folder.exists():
                _write(folder, part, vocabulary, marked)
            _check(folder)
            tokens, starts, group = (np.load(folder / f'{name}.npy', mmap_mode='r') for name in ('tokens', 'starts', 'group'))
        return Stream(tokens, starts, group, vocabulary.lengths, vocabulary.size, vocabulary.unknown)

    def _shards(self, part: Part) -> Stream:
        """Tokens as stored. Their lengths in bytes are known if their tokenizer is."""
        starts = np.array([0, len(part.x)]) if part.offsets is None else part.offsets
        known = self.vocabulary if not self.tokenizer else vocabularies.from_file(self._path()).size
        largest = int(part.x.max()) if len(part.x) else 0
        if known and largest >= known:
            raise ValueError(
                f'token shards hold token {largest}, and the vocabulary has {known}; give vocabulary={largest + 1} or more, '
                'or the tokenizer that they were made with; of shards without a header also the type '
                'of tokens that they were prepared with'
            )
        if not self.tokenizer:
            if not self.vocabulary:
                raise ValueError('token shards: vocabulary=0; give the number of tokens (GPT-2: 50257), or tokenizer=PATH')
            return Stream(part.x, starts, part.group, None, self.vocabulary)
        vocabulary = vocabularies.from_file(self._path())
        return Stream(part.x, starts, part.group, vocabulary.lengths, vocabulary.size)

    def read(self, prepared: Prepared) -> Bytes | Characters | BytePairs:
        """The vocabulary. A learned one is learned from the pool alone, once, and saved beside the set."""
        if self.tokens == 'bytes':
            return Bytes()
        if self.tokens == 'file':
            return vocabularies.from_file(self._path())
        folder = self._folder(prepared) / 'vocabulary'
        if not folder.exists():
            with locked(folder):
                if not folder.exists():
                    self._learn(prepared, folder)
        # A vocabulary that an older version has learned has no sums.
        if (folder / SUMS).exists():
            _check(folder)
        if self.tokens == 'characters':
            return Characters(np.load(folder / 'characters.npy'))
        text = (folder / 'tokenizer.json').read_text(encoding='utf-8')
        return vocabularies.from_text(text, self.vocabulary)

    def _learn(self, prepared: Prepared, folder: Path) -> None:
        part = prepared.pool()
        step = 1 if self.tokens == 'characters' else -(-len(part.x) // LEARNED)
        documents = batches(part, np.arange(0, len(part), step))
        with atomic.replacing_folder(folder, FIX) as place:
            if self.tokens == 'characters':
                whole = (b''.join(piece for piece, _ in batch) for batch in documents)
                np.save(place / 'characters.npy', Characters.of(whole).points)
            else:
                pairs = vocabularies.trained((piece for batch in documents for piece, _ in batch), self.vocabulary)
                (place / 'tokenizer.json').write_text(pairs.text, encoding='utf-8')
            _sum(place)

    def _folder(self, prepared: Prepared, vocabulary: Bytes | Characters | BytePairs | None = None) -> Path:
        known = [FORM, prepared.about['digest'], self.tokens, self.vocabulary if self.tokens == 'bpe' else 0]
        known += [vocabulary.fingerprint] if self.tokens == 'file' else []
        key = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
        return prepared.folder.parents[1] / 'tokens' / f'{prepared.about["name"]}-{key}'

    def _path(self) -> Path:
        """The tokenizer's file: a path, or a name in DATA/tokenizers."""
        if not self.tokenizer:
            raise ValueError(
                "tokens='file' without a tokenizer; give tokenizer=PATH or a name in the data folder's tokenizers/"
            )
        named = data_folder() / 'tokenizers' / self.tokenizer
        return named if named.exists() else Path(self.tokenizer)


def _write(folder: Path, part: Part, vocabulary: Bytes | Characters | BytePairs, marked: bool) -> None:
    """Encode a split, identical documents side by side, a mark after each where there are several."""
    with locked(folder):
        if folder.exists():
            return
        order = np.argsort(part.group, kind='stable')
        dtype = np.min_scalar_type(vocabulary.size - 1)
        counts = []
        with atomic.replacing_folder(folder, FIX) as place:
            with contextlib.closing(Growing(place / 'tokens.npy', dtype)) as file:
                for batch in batches(part, order):
                    ids = vocabulary.encode([piece for piece, _ in batch])
                    ends = [vocabulary.mark] if marked else []
                    whole = [np.append(own, ends if last else []) for own, (_, last) in zip(ids, batch, strict=True)]
                    file.append(np.concatenate(whole).astype(dtype))
                    counts += [(len(own), last) for own, (_, last) in zip(whole, batch, strict=True)]
            ends = np.cumsum([count for count, _ in counts], dtype=np.int64)[[last for _, last in counts]]
            np.save(place / 'starts.npy', np.concatenate([[0], ends]).astype(np.int64))
            np.save(place / 'group.npy', part.group[order])
            _sum(place)


def _sum(place: Path) -> None:
    """Write the checksums of the files of a folder beside them."""
    sums = {path.name: checksum(path) for path in sorted(place.iterdir())}
    (place / SUMS).write_text(json.dumps(sums), encoding='utf-8')


def _check(folder: Path) -> None:
    """Raise ValueError with the file's name if a file of a folder is not as written."""
    fix = f'remove {folder}: it is made again from the set'
    try:
        sums = json.loads(regular.read(folder / SUMS))
    except OSError as error:
        raise ValueError(f'{folder / SUMS}: cannot be read ({error.strerror}); {fix}') from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{folder / SUMS} is damaged ({error}); {fix}') from None
    if not isinstance(sums, dict) or not sums:
        raise ValueError(f'{folder / SUMS} is damaged: it names no file; {fix}')
    check(folder, sums, sums, fix)


def batches(part: Part, order: np.ndarray) -> Iterator[list[tuple[bytes, bool]]]:
    """The documents in an order, about BATCH bytes at a time: pieces, each with whether it is the last of its document."""
    batch, total = [], 0
    for number in order:
        document = part.example(number)
        start = 0
        while start < len(document) or not start:
            piece = document[start : start + PIECE].tobytes()
            if start + PIECE < len(document):
                piece = piece[: _end(piece)]
            start += max(len(piece), 1)
            batch.append((piece, start >= len(document)))
            total += len(piece)
            if total >= BATCH:
                yield batch
                batch, total = [], 0
    if batch:
        yield batch


def _end(piece: bytes) -> int:
    """The place to cut a piece: after its last line end, else before its last character."""
    line = piece.rfind(b'\n') + 1
    if line:
        return line
    end = len(piece) - 1
    while end > 1 and piece[end] & 0xC0 == 0x80:
        end -= 1
    return end
