"""mixture: several languages, each written in bytes, as one task."""

import dataclasses
import math
from typing import NoReturn

import jax
import numpy as np

from sweeps.tasks.arrays import Arrays
from sweeps.tasks.joined_domains import JoinedDomains
from sweeps.tasks.kind import Kind
from sweeps.tasks.language import BITS, Language
from sweeps.tasks.lessons import SHUFFLED
from sweeps.tasks.losses import BITS_PER_NAT


@dataclasses.dataclass(frozen=True)
class Mixture(JoinedDomains, Language):
    """One causal model of several languages, written in bytes and a mark (V = 257), in shares of `weights` (equal if none).

    Source, licence and test splits: those of `parts`, task specs of one length in which every position asks for one byte: text
    with tokens='bytes', pixels, samples and the like. Which domain an example is of is not told. A replicate draws the domains'
    own tuning splits and takes of each its share of `held` and of `train` examples (0: as many as there are without repeating
    any); `tested` sealed ones are shared out in the same way, so these numbers must divide by the weights. Metric: bits per
    byte, the weighted mean of the domains' (lower is better), which records keep as `parts`; chance log2 257 = 8.006; scores of
    small models stand beside the task in ablations/tasks/text_tasks.py. `lessons` may let a study tune the shares, or teach one
    language after the other (docs/lessons.md).
    """

    parts: tuple = (
        {'kind': 'text', 'dataset': 'tiny_shakespeare'},
        {'kind': 'text', 'dataset': 'tinystories'},
        {'kind': 'text', 'dataset': 'zinc'},
    )
    weights: tuple = ()
    train: int = 0
    held: int = 510
    tested: int = 1500
    lessons: str = SHUFFLED

    NAME, unit = 'mixture', BITS
    size = 257
    STORED = np.uint16

    def __post_init__(self):
        self.check_parts()

    def declared(self) -> jax.ShapeDtypeStruct:
        shape = super().declared().shape
        if len(shape) != 2:
            self.refuse(0, f'examples {list(shape)}')
        return jax.ShapeDtypeStruct(shape, np.uint16)

    def refuse(self, number: int, wrong: str) -> NoReturn:
        raise ValueError(
            f"task 'mixture': part {number} ({self.parts[number]}) has {wrong}; allowed: one length for all parts, a "
            'byte or mark asked for at every position, in bits per byte; change the part, or take it out'
        )

    def joined(self, parts: list[Arrays]) -> Arrays:
        return dataclasses.replace(super().joined(parts), scale=BITS_PER_NAT)

    def wrong_of(self, component: Kind, arrays: Arrays, first: Arrays) -> str:
        x, y = arrays.x, arrays.y
        if x.ndim != 2 or x.shape != y.shape or x.shape[1] != first.x.shape[1]:
            return f'examples {list(x.shape)} with targets {list(y.shape)}'
        if int(y.min()) < 0 or max(int(x.max()), int(y.max())) >= self.size:
            return f'tokens from {int(y.min())} to {max(int(x.max()), int(y.max()))}'
        if not math.isclose(arrays.scale, BITS_PER_NAT):
            return f'a metric that is {arrays.scale:.4g} times nats per token'
        return ''
