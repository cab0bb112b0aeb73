"""bpe: byte-level byte-pair encodings (1508.07909, in bytes as GPT-2's) by `tokenizers`, trained or read from a file."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MARK = '<|endoftext|>'
SMALLEST = 257
"""The 256 bytes and the mark."""


def trained(pieces: Iterable[bytes], size: int) -> str:
    """The tokenizer.json of a BPE of `size` tokens, the mark among them. Raises ValueError if bytes and mark are more.

    The same text gives the same tokens on all machines. A short text may have too few pairs: then some tokens are not used.
    """
    from tokenizers import Tokenizer, models, trainers

    if size < SMALLEST:
        raise ValueError(f"vocabulary={size} for tokens='bpe'; allowed: {SMALLEST} (256 bytes and the mark) or more; raise it")
    tokenizer = Tokenizer(models.BPE())
    _byte_level(tokenizer)
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[MARK], initial_alphabet=sorted(_alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator((_text(piece) for piece in pieces), trainer)
    return tokenizer.to_str()


def read(path: Path) -> str:
    """The tokenizer.json at a path, or of a folder with one, or with vocab.json and merges.txt. Raises ValueError."""
    from tokenizers import Tokenizer, models

    path = Path(path).expanduser()
    whole = path / 'tokenizer.json' if path.is_dir() else path
    pair = path / 'vocab.json', path / 'merges.txt'
    try:
        if whole.is_file():
            return Tokenizer.from_file(str(whole)).to_str()
        if all(file.is_file() for file in pair):
            tokenizer = Tokenizer(models.BPE.from_file(*map(str, pair)))
            _byte_level(tokenizer)
            return tokenizer.to_str()
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f'{path}: no tokenizer that can be read ({error}); give GPT-2 its vocab.json and merges.txt') from None
    raise ValueError(
        f'{path}: no tokenizer there; allowed: a tokenizer.json, or a folder with vocab.json and merges.txt; give such a path'
    )


def _byte_level(tokenizer: 'Tokenizer') -> None:
    """Cut words as GPT-2 does and spell each byte by a printable character, so that nothing is lost or unknown."""
    from tokenizers import decoders, pre_tokenizers

    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()


@functools.cache
def _alphabet() -> frozenset[str]:
    from tokenizers import pre_tokenizers

    return frozenset(pre_tokenizers.ByteLevel.alphabet())


@functools.lru_cache(maxsize=4)
def loaded(text: str) -> 'Tokenizer':
    """The tokenizer of a tokenizer.json. A mark that is written inside a document is ordinary text to it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(text)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def lengths(tokenizer: 'Tokenizer', size: int, mark: int) -> np.ndarray:
    """The number of bytes of each token, `[size]`; the mark counts one. Raises ValueError unless tokens are byte-level."""
    sizes = np.zeros(size, np.int64)
    special = set(tokenizer.get_added_tokens_decoder())
    alphabet = _alphabet()
    for token, number in tokenizer.get_vocab().items():
        if number in special:
            continue
        if not alphabet.issuperset(token):
            raise ValueError(
                f'the tokenizer is not byte-level (token {token!r}); allowed: byte-level BPE, such as GPT-2 has; '
                'give such a tokenizer'
            )
        sizes[number] = len(token)
    sizes[mark] = 1
    return sizes


def encoded(tokenizer: 'Tokenizer', pieces: list[bytes], lengths: np.ndarray) -> list[np.ndarray]:
    """The ids of each piece. Raises ValueError unless their bytes are as many as the piece's."""
    tokens = []
    for piece, encoding in zip(
        pieces, tokenizer.encode_batch_fast([_text(piece) for piece in pieces], add_special_tokens=False), strict=True
    ):
        ids = np.array(encoding.ids, np.int64)
        if lengths[ids].sum() != len(piece):
            raise ValueError(
                f'{len(piece)} bytes came out of the tokenizer as {lengths[ids].sum()}; allowed: a byte-level BPE that changes '
                'no text (no normalizer, no prefix space); give such a tokenizer'
            )
        tokens.append(ids)
    return tokens


def _text(piece: bytes) -> str:
    try:
        return piece.decode('utf-8')
    except UnicodeError as error:
        raise ValueError(f"the text is not UTF-8 ({error}); use tokens='bytes'") from None
