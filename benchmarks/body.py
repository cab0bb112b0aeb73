"""Body: a model of the lab's own sockets with data and a batch, to be trained by whoever can."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping

from ablations.tasks import bases
from ablations.tasks.decoders import CONVOLUTION
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.digits import Digits
from sweeps.tasks.kind import Kind
from sweeps.tasks.stdlib_bytes import StdlibBytes

KNOBS = {'lr': 1e-3, 'weight_decay': 0.05}
"""The recipe of every training here: AdamW, all else as the lab has it."""


@dataclasses.dataclass(frozen=True)
class LargeDigits(Digits):
    """The handwritten digits with every pixel as a square and three equal channels: images of `size` pixels a side."""

    size: int = 32

    NAME, METRIC = 'large_digits', ('accuracy', 'higher')

    def pool(self) -> Arrays:
        pool = super().pool()
        times = self.size // pool.x.shape[1]
        return dataclasses.replace(pool, x=pool.x.repeat(times, 1).repeat(times, 2).repeat(3, 3))


@dataclasses.dataclass(frozen=True)
class Body:
    """A config, the data that it is trained on, and the examples of a step."""

    name: str
    config: dict
    task: Kind
    batch: int

    @property
    def tokens(self) -> bool:
        """Whether the inputs are ids."""
        return 'vocabulary' in self.config['stem']


def digits(width: int = 16, depth: int = 1, kernel: int = 3, batch: int = 64) -> Body:
    """The ConvNeXt of task digits: 8 x 8 pixels, two stages."""
    return Body('digits', bases.convnext(10, 2, [width, 2 * width], [depth, depth], kernel), Digits(), batch)


def tokens(width: int = 32, depth: int = 2, length: int = 32, batch: int = 16) -> Body:
    """The decoder of task stdlib_bytes: causal convolutions over bytes."""
    return Body('bytes', bases.decoder(256, length, width, depth, CONVOLUTION, 2.0), StdlibBytes(length), batch)


def vit(width: int = 96, depth: int = 4, heads: int = 3, patch: int = 4, size: int = 32, batch: int = 64) -> Body:
    """A middle-sized vision transformer."""
    config = bases.vit(10, patch, (size // patch) ** 2, width, depth, heads)
    return Body('vit', config, LargeDigits(size=size), batch)


def decoder(width: int = 128, depth: int = 4, heads: int = 4, length: int = 128, batch: int = 16) -> Body:
    """A middle-sized causal transformer over bytes."""
    mixer = {'kind': 'attention', 'heads': heads, 'biases': 'needed'}
    return Body('decoder', bases.decoder(256, length, width, depth, mixer, 4.0), StdlibBytes(length), batch)


def convnext(width: int = 64, depth: int = 2, kernel: int = 7, patch: int = 2, size: int = 32, batch: int = 64) -> Body:
    """A middle-sized ConvNeXt of two stages."""
    config = bases.convnext(10, patch, [width, 2 * width], [depth, depth], kernel)
    return Body('convnext', config, LargeDigits(size=size), batch)


BODIES: dict[str, Callable[..., Body]] = {
    'digits': digits,
    'bytes': tokens,
    'vit': vit,
    'decoder': decoder,
    'convnext': convnext,
}
TINY = ('digits', 'bytes')


def body_of(name: str, sizes: Mapping[str, int], config: dict | None = None) -> Body:
    """A body by name, with some of its sizes replaced, or its config.

    >>> body_of('vit', {'depth': 12}).config['body']['depth']
    12

    Raises ValueError on a name or a size that there is not.
    """
    if name not in BODIES:
        raise ValueError(f"unknown body '{name}'; allowed: {list(BODIES)}; mend the name")
    allowed = list(inspect.signature(BODIES[name]).parameters)
    unknown = [size for size in sizes if size not in allowed]
    if unknown:
        raise ValueError(f"body '{name}' has no size {unknown}; allowed: {allowed}; mend the name")
    wrong = [f'{size}={value}' for size, value in sizes.items() if value < 1]
    if wrong:
        raise ValueError(f"body '{name}': {', '.join(wrong)}; allowed: whole numbers from 1; raise it")
    body = BODIES[name](**sizes)
    return body if config is None else dataclasses.replace(body, config=config)


def flat(tree: Mapping, before: str = '') -> dict:
    """The leaves of a tree by their paths.

    >>> flat({'head': {'kernel': 1, 'bias': 2}})
    {'head/kernel': 1, 'head/bias': 2}
    """
    leaves = {}
    for name, part in tree.items():
        leaves |= flat(part, f'{before}{name}/') if isinstance(part, Mapping) else {f'{before}{name}': part}
    return leaves
