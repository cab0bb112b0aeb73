"""Tensors: the tensors of a reference implementation by name, taken one by one; a tensor that is not taken is an error."""

from collections.abc import Mapping, Sequence

import numpy as np


class Tensors:
    """Gives tensors by the reference's names, and records which are missing, misshapen or never taken.

    Every tensor of a model is taken once. Then `finish` raises one ValueError for all mistakes, so that a user sees the whole
    difference between config and weights at once. Tensors with names that end in one of `ignored` need not be taken.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], ignored: Sequence[str] = ()):
        self.tensors = tensors
        self.left = {name for name in tensors if not name.endswith(tuple(ignored))}
        self.missing: list[str] = []
        self.misshapen: list[str] = []

    def take(self, name: str, shape: Sequence[int]) -> np.ndarray:
        """The tensor `name` in float32, in the reference's layout; zeros of `shape` where it is missing or misshapen."""
        self.left.discard(name)
        if name not in self.tensors:
            self.missing.append(name)
        elif tuple(self.tensors[name].shape) != tuple(shape):
            self.misshapen.append(f'{name} is {list(self.tensors[name].shape)}, wanted {list(shape)}')
        elif np.issubdtype(self.tensors[name].dtype, np.integer):
            self.misshapen.append(f'{name} is {self.tensors[name].dtype}, wanted floats: quantised weights are not read')
        else:
            return np.asarray(self.tensors[name], np.float32)
        return np.zeros(shape, np.float32)

    def size(self, name: str, axis: int, otherwise: int) -> int:
        """The size of one axis of a tensor, for what no config says (the channels of an image)."""
        shape = tuple(self.tensors[name].shape) if name in self.tensors else ()
        return shape[axis] if axis < len(shape) else otherwise

    def linear(self, name: str, inputs: int, outputs: int) -> np.ndarray:
        """The kernel [inputs, outputs] of a linear layer, which torch keeps as [outputs, inputs]."""
        return self.take(name, (outputs, inputs)).T

    def convolution(self, name: str, taps: int, inputs: int, outputs: int) -> np.ndarray:
        """The kernel [taps, taps, inputs, outputs] of a convolution, which torch keeps as [outputs, inputs, taps, taps]."""
        return self.take(name, (outputs, inputs, taps, taps)).transpose(2, 3, 1, 0)

    def depthwise(self, name: str, taps: int, channels: int) -> np.ndarray:
        """The filters [taps, taps, channels] of a depthwise convolution, which torch keeps as [channels, 1, taps, taps]."""
        return self.take(name, (channels, 1, taps, taps))[:, 0].transpose(1, 2, 0)

    def patches(self, name: str, patch: int, inputs: int, outputs: int) -> np.ndarray:
        """The kernel [patch patch inputs, outputs] of a convolution of size and stride `patch`: rows first, channels last."""
        return self.convolution(name, patch, inputs, outputs).reshape(patch * patch * inputs, outputs)

    def finish(self, about: str) -> None:
        """Raise ValueError for tensors that were missing, had another shape or were not taken; `about` says of what model."""
        faults = {'missing': self.missing, 'of another shape or type': self.misshapen, 'not used': sorted(self.left)}
        wrong = [f'{len(names)} {what}: {_some(names)}' for what, names in faults.items() if names]
        if wrong:
            raise ValueError(
                f'the tensors given are not those of {about}: {"; ".join(wrong)}; give the whole state dict of that model, or '
                'a config of the same widths, depths and kinds'
            )


def _some(names: Sequence[str], most: int = 6) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - most
    return ', '.join(names[:most]) + (f' and {rest} more' if rest > 0 else '')
