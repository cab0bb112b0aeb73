"""protein_families: residues of made protein families as a language, byte by byte."""

import dataclasses
import functools

import numpy as np

from ablations.seeds import derive
from arch.make import positive
from sweeps.tasks.byte_sequences import ByteSequences
from sweeps.tasks.probes.profile_hmm import RESIDUES, HiddenMarkovModel, families
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints

LETTERS = np.frombuffer(RESIDUES.encode(), np.uint8)
LARGEST = 512
"""The most match states of all families: the forward algorithm takes a square of the states for each residue."""
LONGEST = 4096
"""The most residues of a sequence, and of a linker on average."""


@dataclasses.dataclass(frozen=True)
class ProteinFamilies(ByteSequences):
    """Causal modelling of `length` residues of proteins that the lab makes, written as bytes (one-letter codes).

    The source is a hidden Markov model: domains of `families` families, each a profile HMM of `positions` positions with
    insertions and deletions, and between them a `linker` of background residues (see `profile_hmm.py`; `number` tells one set
    of families from another). A sequence is a window of an endless chain. Where residues are not `linked`, each is drawn by
    itself with the same frequencies: a control, in which nothing tells of anything.

    Source: made by the lab, no licence; background frequencies of Robinson and Robinson (1991). Split: 512 sealed sequences,
    `train` + `held` others, no sequence on two sides; all have the same families, as relatives of known proteins would. Metric:
    bits per residue (lower is better), margin 0.02; chance 8, a uniform guess among bytes. Who knows the frequencies alone
    needs `marginal_bits`, and the source itself, by the forward algorithm, `least_bits`: no model needs fewer but by chance.
    Reached scores stand beside the task in ablations/tasks/probe_tasks.py.
    """

    NAME, TEST = 'protein_families', 512
    SPARE = 64
    """How many sequences the pool has beyond `train` + `held`, so that a split can keep equal ones together."""

    families: int = 4
    positions: int = 16
    conserved: float = 0.75
    insertion: float = 0.05
    deletion: float = 0.05
    linker: float = 4.0
    number: int = 0
    length: int = 64
    linked: bool = True
    train: int = 8192
    held: int = 512

    def __post_init__(self):
        positive(self.NAME, families=self.families, positions=self.positions, train=self.train, held=self.held)
        if self.families * self.positions > LARGEST:
            raise ValueError(
                f"task '{self.NAME}': families={self.families} of positions={self.positions}; allowed: {LARGEST} positions in "
                'all; lower one'
            )
        for name, low, high in (('conserved', 0, 1), ('insertion', 0, 1), ('deletion', 0, 0.9), ('linker', 1, LONGEST)):
            if not low <= (value := getattr(self, name)) <= high:
                raise ValueError(f"task '{self.NAME}': {name}={value}; allowed: {low} to {high}; change {name}")
        for name, low, high in (('number', 0, 2**32), ('length', 1, LONGEST)):
            if not low <= (value := getattr(self, name)) <= high:
                raise ValueError(f"task '{self.NAME}': {name}={value}; allowed: {low:,} to {high:,}; change {name}")

    @functools.cached_property
    def source(self) -> HiddenMarkovModel:
        """The model that emits the residues."""
        chances = self.conserved, self.insertion, self.deletion, self.linker
        return families(self.families, self.positions, *chances, self.number)

    def residues(self, sealed: bool) -> np.ndarray:
        """The numbers of the residues of the test split or of the pool among RESIDUES: `[n, length]`.

        A sequence is sealed if its hash is divisible by 8, so that none is in the pool, however large that is. Raises
        ValueError where too few are different.
        """
        count = self.TEST if sealed else self.train + self.held + self.SPARE
        names = ('families', 'positions', 'conserved', 'insertion', 'deletion', 'linker', 'number', 'length', 'linked')
        rule = [f'{name}={getattr(self, name)}' for name in names]
        generator = np.random.default_rng(derive(self.NAME, 'test' if sealed else 'pool', *rule))
        drawn = self.source.walk if self.linked else self.source.alone
        rows = drawn(generator, 2 * count * (SEALED_SHARE if sealed else 1), self.length)
        rows = rows[(fingerprints(rows) % SEALED_SHARE == 0) == sealed][:count]
        times = np.unique(fingerprints(rows), return_counts=True)[1]
        if len(rows) < count or 2 * len(times) < count or times.max() > self.SPARE:
            split = 'a test split' if sealed else 'a pool'
            raise ValueError(
                f"task '{self.NAME}': {len(times)} different sequences of length={self.length}, one of them "
                f'{max(times, default=0)} times, for {split} of {count}; allowed: half of them '
                f'different and each at most {self.SPARE} times; give a longer length, or ask for fewer'
            )
        return rows

    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        rows = self.residues(sealed)
        return LETTERS[rows], np.arange(len(rows))

    def least_bits(self, sealed: bool = True) -> float:
        """Bits per residue of the source itself on the sealed sequences, or on the pool: the floor, but for chance."""
        return float(self.source.bits(self.residues(sealed)).mean()) if self.linked else self.marginal_bits(sealed)

    def marginal_bits(self, sealed: bool = True) -> float:
        """The same for who knows how often each residue comes, and nothing of those before it."""
        return float(-np.log2(self.source.marginal)[self.residues(sealed)].mean())
