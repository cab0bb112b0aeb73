"""Sequence records: proteins and nucleic acids of FASTA files as texts, a record each, without their headers.

A header tells what a record is, so no model sees it. Lower case marks masked regions, which is annotation: all letters are
made capital. A * at the end of a protein says that it ends, which the end says too: it is left out, and so equal proteins are
equal. Gaps belong to an alignment, not to a sequence: they are refused.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ablations.option_words import option
from ablations.tasks.own_task import SEQUENCES
from sweeps.datasets.formats.fasta import read_fasta
from sweeps.datasets.material import Block, Material, Options, blocks, by_split
from sweeps.datasets.sources.locate import PACKED, with_endings
from sweeps.datasets.sources.texts import cut
from sweeps.datasets.writing import example_hash

FASTA = tuple(
    f'{form}{packed}' for form in ('.fasta', '.fa', '.fna', '.faa', '.ffn', '.frn', '.fas', '.fsa') for packed in PACKED
)
NUCLEOTIDES, AMINO_ACIDS = SEQUENCES
ALLOWED = {NUCLEOTIDES: b'ACGTURYSWKMBDHVN', AMINO_ACIDS: b'ACDEFGHIKLMNPQRSTVWYBJOUXZ*'}
"""The letters of each, with those of IUPAC for ambiguous residues; * is a stop codon."""
UNIT = {NUCLEOTIDES: 'base', AMINO_ACIDS: 'residue'}
COMMON = b'ACGTUN'
PAIRS = bytes.maketrans(b'ACGTRYSWKMBDHVN', b'TGCAYRSWMKVHDBN')
"""What stands opposite of each letter in the other strand of DNA."""
GAPS = b'-.~'
SURE, UNSURE = 0.9, 0.6
"""Letters are nucleotides where this share of them is COMMON, amino acids where at most that is; in proteins a quarter is."""
LOOKED_AT, FEWEST = 100_000, 20
"""Letters of the first records that tell what they are, about; of fewer it is asked."""
LONG = 60
"""A record of so many letters among proteins that may all be nucleotides, and mostly COMMON, is no protein."""


def fasta(source: Path, options: Options) -> Material:
    """The records of FASTA files; the test split is that of the file names, else by hash of content, records whole.

    Of a single record, such as a chromosome, the last tenth is the test split. A nucleic acid and its reverse complement share
    a group. Raises ValueError where it is not plain whether they are nucleotides or amino acids, and for letters of neither.
    """
    paths = with_endings(source, FASTA)
    split = by_split(paths, source, options.split)
    kind = options.form or _kind(split.pool)
    notes, skipped = [], []
    told = _Told(kind, stated=options.form is not None, skipped=skipped if options.skip_damaged else None)

    def stream(some: list[Path]) -> Iterator[np.ndarray]:
        return (letters for path in some for letters in told.letters(path))

    def pool(letters: Iterable[np.ndarray]) -> Iterator[Block]:
        # The pool is read last: then all is counted.
        yield from _blocks(letters, kind)
        notes.extend(told.notes())
        facts['letters'] = told.counts()

    facts: dict = {'alphabet': kind}
    more = {'notes': notes, 'skipped': skipped, 'facts': facts}
    more['grouped'] = 'equal or its reverse complement' if kind == NUCLEOTIDES else ''
    whole = stream(split.pool)
    if split.test:
        return Material('texts', pool(whole), _blocks(stream(split.test), kind), paths, split=split.said, **more)
    first = list(itertools.islice(whole, 2))
    if len(first) == 1:
        share = options.share or 0.1
        parts = cut(first[0], share)
        last = 'tenth' if options.share is None else f'share of {options.share:g}'
        more['notes'] = [*told.notes(), f'one record: its last {last} is the test split']
        facts['letters'] = told.counts()
        of_parts = [blocks([(part, None)]) for part in parts]
        return Material('texts', *of_parts, paths, split=f'the last {last} of the record', by_hash=True, **more)
    return Material('texts', pool(itertools.chain(first, whole)), None, paths, **more)


def _kind(paths: list[Path]) -> str:
    """Whether the first records are of nucleotides or of amino acids. Raises ValueError where that is not plain."""
    seen = Counter()
    for record in itertools.chain.from_iterable(read_fasta(path, []) for path in paths):
        seen.update(record.letters.upper())
        if seen.total() >= LOOKED_AT:
            break
    share = sum(seen[letter] for letter in COMMON) / max(seen.total(), 1)
    if seen.total() < FEWEST or UNSURE < share < SURE:
        raise ValueError(
            f'{paths[0]}: of its first {seen.total():,} letters {share:.0%} are A, C, G, T, U or N; whether they are '
            f'nucleotides or amino acids can not be known; give {option("form", NUCLEOTIDES)} or {option("form", AMINO_ACIDS)}'
        )
    return NUCLEOTIDES if share >= SURE else AMINO_ACIDS


def _blocks(letters: Iterable[np.ndarray], kind: str) -> Iterator[Block]:
    """Records in blocks; those of nucleotides with a hash that a record shares with its reverse complement."""
    for xs, ys in blocks((one, None) for one in letters):
        yield (xs, ys, [_strands_hash(one) for one in xs]) if kind == NUCLEOTIDES else (xs, ys)


def _strands_hash(letters: np.ndarray) -> bytes:
    # RNA has U where DNA has T.
    one = letters.tobytes().replace(b'U', b'T')
    return example_hash(np.frombuffer(min(one, one.translate(PAIRS)[::-1]), np.uint8))


class _Told:
    """The letters of records, checked and made capital, and what is told of all of them afterwards.

    `stated`: whether a user said what they are, and not the letters. `skipped`: where damaged records are told of; None refuses
    them.
    """

    def __init__(self, kind: str, stated: bool, skipped: list[str] | None):
        self.kind, self.stated, self.skipped = kind, stated, skipped
        self.seen = np.zeros(256, np.int64)
        self.records = self.masked = self.ends = self.comments = 0

    def letters(self, path: Path) -> Iterator[np.ndarray]:
        """The letters of each record of a file, uint8."""
        for record in read_fasta(path, self.skipped):
            capital = record.letters.upper()
            ends = self.kind == AMINO_ACIDS and capital.endswith(b'*') and bool(capital.strip(b'*'))
            capital = capital.rstrip(b'*') if ends else capital
            if wrong := self._wrong(capital):
                if self.skipped is None:
                    raise ValueError(f'{record.place} {wrong}')
                self.skipped.append(f'{record.place} {wrong}')
                continue
            letters = np.frombuffer(capital, np.uint8)
            self.seen += np.bincount(letters, minlength=256)
            self.records += 1
            self.masked += len(record.letters) - len(record.letters.translate(None, b'abcdefghijklmnopqrstuvwxyz'))
            self.ends += ends
            self.comments += record.comments
            yield letters

    def _wrong(self, capital: bytes) -> str:
        """What is wrong with the letters of a record, '' if nothing is."""
        allowed = ALLOWED[self.kind]
        named = f'{self.kind.replace("_", " ")} ({allowed.decode()})'
        if others := capital.translate(None, allowed):
            if any(letter in GAPS for letter in others):
                return f'has a gap ({others[:1].decode()}); allowed: {named}; give the sequences without their alignment'
            letter = others[:1].decode('latin-1')
            mixed = 'is it a protein? one set holds one kind; ' if others.isalpha() and self.kind == NUCLEOTIDES else ''
            return f'holds {letter!r}; allowed: {named}; {mixed}mend it, or take it out'
        plain = len(capital) - len(capital.translate(None, COMMON))
        alike = not capital.translate(None, ALLOWED[NUCLEOTIDES]) and plain >= SURE * len(capital)
        if self.kind == AMINO_ACIDS and alike and len(capital) >= LONG and not self.stated:
            return (
                f'looks like nucleotides among amino acids; one set holds one kind; take it out, or say what all are: '
                f'{option("form", AMINO_ACIDS)}'
            )
        return ''

    def counts(self) -> dict[str, int]:
        """How often each letter comes, the commonest first."""
        return {chr(letter): int(self.seen[letter]) for letter in np.argsort(-self.seen, kind='stable') if self.seen[letter]}

    def notes(self) -> list[str]:
        """Sentences on what was changed."""
        total, unit = int(self.seen.sum()), UNIT[self.kind]
        said = [f'{self.kind.replace("_", " ")}: {self.records:,} records of {total:,} {unit}s, without their headers']
        if self.masked:
            said.append(f'{self.masked:,} small letters (masked regions) were made capital')
        if self.ends:
            said.append(f'{self.ends:,} records ended with *, which was left out: the end says it')
        if self.comments:
            said.append(f'{self.comments:,} lines of comment (;) were left out')
        return said
