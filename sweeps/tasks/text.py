"""text: language modelling of any prepared set of text, in bytes, characters or pairs of bytes."""

import dataclasses

import jax
import numpy as np

from sweeps.tasks.arrays import Arrays
from sweeps.tasks.language import BITS, NATS, Language, check_unit, scale_of
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.taught_windows import TaughtWindows
from sweeps.tasks.token_streams import TOKENS, Spelling, Stream
from sweeps.tasks.vocabularies import Bytes
from sweeps.tasks.windows import blocks, codes, cut, drawn, spread


@dataclasses.dataclass(frozen=True)
class Text(SetKind, TaughtWindows, Language):
    """Causal language modelling of a prepared set of text, of molecules line after line, or of shards of tokens.

    Source, licence and test split: those of `dataset` (`archlab data show NAME`); scores of small models stand beside each task
    in ablations/tasks/text_tasks.py. `tokens`: 'bytes' (257: the 256 and a mark after each document), 'characters' (those of
    the pool, the mark, and one for all others, which is never asked for), 'bpe' (byte-level, `vocabulary` tokens, trained on
    the pool) or 'file' (a byte-level BPE from `tokenizer`, a file, a folder or a name in the data folder's tokenizers/). Shards
    are taken as they are; `vocabulary` is then their tokenizer's size.

    Examples are windows of `length` tokens, each token the target of those before it in the window. Training windows start
    at multiples of `spacing` tokens (0: length + 1, no token twice). Held-out windows never overlap, and none reads as a
    training window. A replicate draws whole blocks of text as tuning validation, `held` windows of them, and learns from
    `train` windows (0: all) of the others; see sweeps/tasks/windows.py. The sealed windows are `tested` of the test split,
    evenly spread (0: all). Training sees the first `taught` tokens of a window (0: all), and whole windows are scored, to ask
    what holds past the length of training (2108.12409); `ablations.shapes.longer` makes such a task of another.

    Metric: `unit` 'bits per byte' (bits of all tokens asked for over the bytes that they stand for, a mark one; it compares
    tokenizers at equal text) or 'nats per token'; lower is better; chance log2 V times tokens per byte, or ln V.
    """

    dataset: str = 'tiny_shakespeare'
    tokens: str = 'bytes'
    vocabulary: int = 0
    tokenizer: str = ''
    length: int = 64
    spacing: int = 0
    train: int = 0
    held: int = 512
    tested: int = 2048
    unit: str = BITS
    taught: int = 0

    NAME, SETS = 'text', ('texts', 'molecules', 'tokens')

    def __post_init__(self):
        check_unit('text', self.unit)
        if self.tokens not in TOKENS:
            raise ValueError(f"task 'text': tokens '{self.tokens}'; allowed: {list(TOKENS)}; choose one")
        least = {'length': 1, 'spacing': 0, 'train': 0, 'held': 1, 'tested': 0, 'vocabulary': 0}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"task 'text': {name}={getattr(self, name)}; allowed: {value} or more; raise it")
        self.check_taught()

    @property
    def size(self) -> int:
        """The number of tokens V; the model's stem and head need as many."""
        return self._stream('pool').size

    @property
    def declared_size(self) -> int | None:
        if not self.absent():
            return self.size
        if self.entry().kind == 'tokens':
            return self.vocabulary or None
        return {'bytes': Bytes.size, 'bpe': self.vocabulary}.get(self.tokens)

    def declared(self) -> jax.ShapeDtypeStruct:
        size = self.declared_size
        return jax.ShapeDtypeStruct((1, self.length), np.int32 if size is None else np.min_scalar_type(size - 1))

    def lengths(self) -> np.ndarray | None:
        return self._stream('pool').lengths

    def pool(self) -> Arrays:
        stream = self._stream('pool')
        x, y = self._windows(stream, self._spacing)
        counts = stream.counts() if self.unit == BITS else np.ones(1)
        in_bytes = None if self.unit == NATS else int(counts @ stream.lengths)
        scale = scale_of(int(counts.sum()), int(counts.sum()), in_bytes)
        return Arrays(x, y, blocks(stream, self.length, self._spacing), scale)

    def test(self) -> Arrays:
        """The sealed windows, without those that equal one of the pool."""
        stream, known = self._stream('test'), self._stream('pool')
        x, y = self._windows(stream, self.length + 1)
        own = codes(cut(stream.tokens, self.length, self.length + 1))
        new = np.flatnonzero(~np.isin(own, codes(cut(known.tokens, self.length, self._spacing))))
        chosen = new[spread(len(new), self.tested)]
        return self.part(Arrays(x, y, np.arange(len(x))), chosen)

    def test_size(self) -> int | None:
        return self.tested or None

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        code = codes(cut(self._stream('pool').tokens, self.length, self._spacing))
        return drawn(pool.group, code, seed, self.held, self.train, -(-(self.length + 1) // self._spacing))

    @property
    def _spacing(self) -> int:
        return self.spacing or self.length + 1

    def messages(self, sealed: bool) -> list[bytes]:
        """The documents as bytes, a line end for the mark, as a reference coder gets them."""
        prepared = self.prepared
        if prepared.about['kind'] == 'tokens':
            raise ValueError(f"task 'text': '{self.dataset}' holds tokens, not text; a reference coder needs its bytes")
        part = prepared.test() if sealed else prepared.pool()
        ending = b'\n' if prepared.about['sizes']['pool'] > 1 else b''
        return [part.example(number).tobytes() + ending for number in range(len(part))]

    def _stream(self, split: str) -> Stream:
        stream = Spelling(self.tokens, self.vocabulary, self.tokenizer).stream(self.prepared, split)
        if stream.lengths is None and self.unit != NATS:
            raise ValueError(
                f"task 'text': the bytes of the tokens of '{self.dataset}' are not known; give tokenizer=PATH, or unit='{NATS}'"
            )
        return stream

    def _windows(self, stream: Stream, spacing: int) -> tuple[np.ndarray, np.ndarray]:
        windows = cut(stream.tokens, self.length, spacing)
        x, y = windows[:, :-1], windows[:, 1:]
        if stream.unknown is not None:
            y = np.where(y == stream.unknown, -1, y.astype(np.min_scalar_type(-stream.size)))
        return x, y
