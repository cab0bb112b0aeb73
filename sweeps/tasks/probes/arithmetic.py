"""arithmetic, arithmetic_answers: sums and products of integers, written out."""

import dataclasses
import math

import numpy as np

from sweeps.tasks.losses import BITS_PER_NAT, next_token
from sweeps.tasks.probes.synthetic import Synthetic

ALPHABET = '0123456789+*=\n'
OPERATIONS, ORDERS = ('+', '*'), ('plain', 'reversed')


def _written(numbers: np.ndarray, size: int) -> np.ndarray:
    """The decimal digits of numbers, filled up with zeros in front: `[n] -> [n, size]`."""
    return numbers[:, None] // 10 ** np.arange(size - 1, -1, -1) % 10


@dataclasses.dataclass(frozen=True)
class Lines(Synthetic):
    """Lines such as `12+34=046`: a number of `digits` digits, an operation, another number, and the result.

    Zeros in front make all lines equally long; with `order='reversed'` the result's last digit comes first, which is easier
    to learn (2307.03381). A line is one example, begun by the end of the line before; a + b and b + a are always in the
    same split. The alphabet has 14 characters: the digits, + * = and the end of the line.
    """

    SPARE = 1

    operation: str = '+'
    digits: int = 2
    order: str = 'reversed'
    train: int = 6144

    def __post_init__(self):
        super().__post_init__()
        if self.operation not in OPERATIONS:
            raise ValueError(f"{self.NAME}: operation='{self.operation}'; allowed: {list(OPERATIONS)}; choose one")
        if self.order not in ORDERS:
            raise ValueError(f"{self.NAME}: order='{self.order}'; allowed: {list(ORDERS)}; choose one")
        if not 0 < self.digits <= 8:
            raise ValueError(f'{self.NAME}: digits={self.digits}; allowed: 1 to 8; change it')

    @property
    def result(self) -> int:
        """How many digits a result has."""
        return self.digits + 1 if self.operation == '+' else 2 * self.digits

    def identity(self, x: np.ndarray) -> np.ndarray:
        pairs = np.stack([x[:, 1 : 1 + self.digits], x[:, 2 + self.digits : 2 + 2 * self.digits]], 1)
        return np.sort(pairs @ 10 ** np.arange(self.digits - 1, -1, -1), 1)

    def lines(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Random lines, each with the end of the line before it: int32 `[count, N]`."""
        a, b = generator.integers(0, 10**self.digits, (2, count))
        result = _written(a + b if self.operation == '+' else a * b, self.result)
        result = result[:, ::-1] if self.order == 'reversed' else result
        operation, equals, end = (np.full((count, 1), ALPHABET.index(sign)) for sign in (self.operation, '=', '\n'))
        parts = (end, _written(a, self.digits), operation, _written(b, self.digits), equals, result, end)
        return np.concatenate(parts, 1).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Arithmetic(Lines):
    """Lines such as `12+34=046` (see `Lines`), character by character.

    Source: made by the lab, no licence. Split: 512 sealed lines, `train` + `held` others, all different. Metric: bits per
    character (lower is better), margin 0.01; chance log2(14) = 3.807. The best possible model scores `least_bits`, 1.329 for
    sums of two digits; who cannot add stays at 2.0. The small base of two layers of attention reaches 1.37 in 3,000 steps: it
    finds one digit of the result after the other, each by a sudden drop.
    """

    NAME = 'arithmetic'
    METRIC, SCALE = ('bits', 'lower'), BITS_PER_NAT

    losses = staticmethod(next_token)

    def messages(self, sealed: bool) -> list[bytes]:
        """The lines, each with the end of the line before it, which is given."""
        arrays = self.test() if sealed else self.pool()
        letters = np.frombuffer(ALPHABET.encode(), np.uint8)
        return [row.tobytes() for row in letters[np.concatenate([arrays.x[:, :1], arrays.y], 1)]]

    def given(self) -> int:
        return 1

    def bits_per_byte(self) -> float:
        return 1.0

    def least_bits(self, sealed: bool = True) -> float:
        """The lower bound in bits per character: the digits of the two numbers are random, and all else follows from them."""
        return 2 * self.digits * math.log2(10) / (2 * self.digits + self.result + 3)

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        lines = self.lines(generator, count)
        return lines[:, :-1], lines[:, 1:]


@dataclasses.dataclass(frozen=True)
class ArithmeticAnswers(Lines):
    """Lines such as `12+34=046` (see `Lines`), scored on the digits of the result alone.

    Source: made by the lab, no licence. Split: 512 sealed lines, `train` + `held` others, all different. Metric: share of right
    digits, each told from the right ones before it (higher is better), margin 0.02; chance 1 / 10. Two layers of attention
    solve sums of two digits (small base: 0.999 after 1,000 steps); a model without a mixer gets a third at most, by the carry
    that is 0 or 1 (0.29).
    """

    NAME = 'arithmetic_answers'

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        lines = self.lines(generator, count)
        x, y = lines[:, :-1], lines[:, 1:]
        asked = np.arange(y.shape[1]) - (2 * self.digits + 2)
        return x, np.where((asked >= 0) & (asked < self.result), y, np.int32(-1))
