"""As much of PyTorch as a model of the benchmarks calls, forward only, in numpy and float64, as PyTorch's own pages define it.

The models on PyTorch's side are tried with it where PyTorch is not installed. `install` puts it in the place of the package.
"""

import math
import sys
from types import ModuleType

import numpy as np
import pytest


class Tensor(np.ndarray):
    """An array with the methods of a tensor that are called here."""

    def permute(self, *axes: int) -> 'Tensor':
        return np.ndarray.transpose(self, axes)

    def transpose(self, one: int, other: int) -> 'Tensor':
        return np.swapaxes(self, one, other)

    def flatten(self, first: int = 0, last: int = -1) -> 'Tensor':
        last = last % self.ndim
        return self.reshape(*self.shape[:first], -1, *self.shape[last + 1 :])

    def view(self, *shape: object) -> 'Tensor':
        # numpy's own view is by type or class, PyTorch's by shape.
        return super().view(*shape) if isinstance(shape[0], type) else self.reshape(*shape)

    def unbind(self, axis: int) -> list['Tensor']:
        return [np.take(self, i, axis) for i in range(self.shape[axis])]

    def numel(self) -> int:
        return self.size

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    def long(self) -> 'Tensor':
        return self.astype(np.int64)

    def float(self) -> 'Tensor':
        return self.astype(np.float64)

    def to(self, memory_format: object) -> 'Tensor':
        return self


def tensor(array: np.ndarray) -> Tensor:
    array = np.asarray(array)
    return np.array(array, np.float64 if array.dtype.kind == 'f' else array.dtype).view(Tensor)


class Module:
    """A module that knows its parameters, also those of its parts, and takes none before it is begun, as PyTorch's."""

    def __init__(self):
        self.begun = True

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, (Module, Parameter)) and 'begun' not in vars(self):
            raise AttributeError('cannot assign parts before Module.__init__() call')
        super().__setattr__(name, value)

    def __call__(self, *given: Tensor) -> Tensor:
        return self.forward(*given)

    def register_buffer(self, name: str, array: Tensor) -> None:
        setattr(self, name, array)

    def parameters(self) -> list[Tensor]:
        own = []
        for part in vars(self).values():
            own += part.parameters() if isinstance(part, Module) else [part] if isinstance(part, Parameter) else []
        return own


class Parameter(Tensor):
    def __new__(cls, array: np.ndarray) -> 'Parameter':
        return array.view(cls)


class Linear(Module):
    def __init__(self, inputs: int, outputs: int, bias: bool):
        super().__init__()
        self.weight = tensor(np.full((outputs, inputs), np.nan))
        self.bias = tensor(np.full(outputs, np.nan)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Identity(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Sequential(Module):
    def __init__(self, *parts: Module):
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def parameters(self) -> list[Tensor]:
        return [leaf for part in self.parts for leaf in part.parameters()]


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x @ weight.T + (0 if bias is None else bias)


def layer_norm(x: Tensor, shape: tuple[int, ...], weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    assert shape == x.shape[-1:]
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias


def rms_norm(x: Tensor, shape: tuple[int, ...], weight: Tensor, eps: float) -> Tensor:
    assert shape == x.shape[-1:]
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight


def gelu(x: Tensor) -> Tensor:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def softmax(x: Tensor) -> Tensor:
    raised = np.exp(x - x.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
    scores = query @ key.swapaxes(-1, -2) / math.sqrt(query.shape[-1])
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return (softmax(scores) @ value).view(Tensor)


def pad(x: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Zeros before and after: the last axis comes first."""
    pairs = [sides[i : i + 2] for i in range(0, len(sides), 2)]
    return np.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]).view(Tensor)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor, padding: tuple[int, int], groups: int) -> Tensor:
    """Depthwise alone: a filter for each channel."""
    assert groups == x.shape[1] == len(weight) and weight.shape[1] == 1
    (rows, columns), (down, right) = padding, weight.shape[2:]
    x = pad(x, (columns, columns, rows, rows))
    windows = np.lib.stride_tricks.sliding_window_view(x, (down, right), (2, 3))
    return (np.einsum('bchwij,cij->bchw', windows, weight[:, 0]) + bias[:, None, None]).view(Tensor)


def avg_pool2d(x: Tensor, side: int) -> Tensor:
    batch, channels, height, width = x.shape
    return x.reshape(batch, channels, height // side, side, width // side, side).mean((3, 5))


def embedding(ids: Tensor, table: Tensor) -> Tensor:
    return table[ids]


def cross_entropy(scores: Tensor, classes: Tensor) -> float:
    return -np.log(softmax(scores)[np.arange(len(classes)), classes]).mean()


def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Put all of this where `import torch` looks; gives the module."""
    torch, nn, functional = ModuleType('torch'), ModuleType('torch.nn'), ModuleType('torch.nn.functional')
    for made in (Module, Parameter, Linear, Identity, Sequential):
        setattr(nn, made.__name__, made)
    for made in (
        *(linear, layer_norm, rms_norm, gelu, scaled_dot_product_attention, pad, conv2d, avg_pool2d, embedding),
        cross_entropy,
    ):
        setattr(functional, made.__name__, made)
    torch.Tensor, torch.from_numpy, torch.channels_last = Tensor, tensor, 'channels_last'
    torch.zeros_like, torch.cat = lambda x: tensor(np.zeros(x.shape)), lambda parts: np.concatenate(parts).view(Tensor)
    torch.nn, nn.functional = nn, functional
    for name, module in (('torch', torch), ('torch.nn', nn), ('torch.nn.functional', functional)):
        monkeypatch.setitem(sys.modules, name, module)
    return torch
