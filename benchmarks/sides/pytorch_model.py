"""PyTorch model: the lab's bodies as somebody who writes PyTorch would write them, with the lab's first parameters.

Maps stay [B, H, W, C] in memory, which is PyTorch's channels-last form: products and norms need no transposes, and convolutions
take a view. Attention is PyTorch's own function after one product for queries, keys and values.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPS = 1e-6


def parameter(given: np.ndarray) -> nn.Parameter:
    """An array of the lab as a parameter of its own."""
    return nn.Parameter(torch.from_numpy(np.array(given, np.float32, order='C')))


class Given:
    """The lab's parameters by path; what is taken is gone."""

    def __init__(self, params: Mapping[str, np.ndarray]):
        self.left = dict(params)

    def has(self, path: str) -> bool:
        return path in self.left

    def take(self, path: str) -> np.ndarray:
        return self.left.pop(path)


class Linear(nn.Linear):
    """A Dense of the lab."""

    def __init__(self, given: Given, path: str):
        kernel = given.take(f'{path}/kernel')
        super().__init__(*kernel.shape, bias=given.has(f'{path}/bias'))
        self.weight = parameter(kernel.T)
        if self.bias is not None:
            self.bias = parameter(given.take(f'{path}/bias'))


class Norm(nn.Module):
    """LayerNorm or RMSNorm, by the parameters that there are."""

    def __init__(self, given: Given, path: str):
        super().__init__()
        self.scale = parameter(given.take(f'{path}/scale'))
        self.bias = parameter(given.take(f'{path}/bias')) if given.has(f'{path}/bias') else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.bias is None:
            return functional.rms_norm(x, self.scale.shape, self.scale, EPS)
        return functional.layer_norm(x, self.scale.shape, self.scale, self.bias, EPS)


class Mlp(nn.Module):
    def __init__(self, given: Given, path: str):
        super().__init__()
        self.up, self.down = Linear(given, f'{path}/up'), Linear(given, f'{path}/down')

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(functional.gelu(self.up(x)))


class Depthwise(nn.Module):
    """Depthwise convolution of maps, or of tokens as maps of one row; causal ones are padded in front."""

    def __init__(self, given: Given, path: str, causal: bool):
        super().__init__()
        kernel = given.take(f'{path}/depthwise/kernel')
        self.rows, taps = kernel.ndim == 3, kernel.shape[0]
        kernel = kernel if self.rows else kernel[None]
        weight = torch.from_numpy(np.array(kernel.transpose(2, 0, 1)[:, None], np.float32, order='C'))
        self.weight = nn.Parameter(weight.to(memory_format=torch.channels_last))
        self.bias = parameter(given.take(f'{path}/depthwise/bias'))
        self.before = taps - 1 if causal else 0
        self.padding = (taps // 2 if self.rows else 0, 0 if causal else taps // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = x if self.rows else functional.pad(x, (0, 0, self.before, 0))[:, None]
        y = functional.conv2d(maps.permute(0, 3, 1, 2), self.weight, self.bias, padding=self.padding, groups=x.shape[-1])
        y = y.permute(0, 2, 3, 1)
        return y if self.rows else y[:, 0]


class Attention(nn.Module):
    """Softmax attention; the key has no bias, which a softmax would cancel."""

    def __init__(self, given: Given, path: str, heads: int, causal: bool):
        super().__init__()
        kernels = [given.take(f'{path}/{part}/kernel').T for part in ('query', 'key', 'value')]
        self.weight = parameter(np.concatenate(kernels))
        self.query, self.value = (parameter(given.take(f'{path}/{part}/bias')) for part in ('query', 'value'))
        self.register_buffer('key', torch.zeros_like(self.query))
        self.output, self.heads, self.causal = Linear(given, f'{path}/output'), heads, causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape, channels = x.shape, x.shape[-1]
        tokens = x.reshape(len(x), -1, channels)
        three = functional.linear(tokens, self.weight, torch.cat([self.query, self.key, self.value]))
        heads = three.view(*tokens.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*heads.unbind(0), is_causal=self.causal)
        return self.output(mixed.transpose(1, 2).reshape(shape))


class Block(nn.Module):
    """One layer: one branch of mixer, norm, MLP, or two branches with norms at their starts."""

    def __init__(self, given: Given, path: str, config: dict):
        super().__init__()
        causal, kind = config['body'].get('causal', False), config['mixer']['kind']
        self.two = config['block']['kind'] == 'two_branch'
        if kind == 'attention':
            self.mixer = Attention(given, f'{path}/mixer', config['mixer']['heads'], causal)
        else:
            self.mixer = nn.Identity() if kind == 'identity' else Depthwise(given, f'{path}/mixer', causal)
        if self.two:
            self.norm_mixer = Norm(given, f'{path}/norm_mixer')
        self.norm = Norm(given, f'{path}/norm_channel' if self.two else f'{path}/norm')
        self.channel = Mlp(given, f'{path}/channel')

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.two:
            x = x + self.mixer(self.norm_mixer(x))
            return x + self.channel(self.norm(x))
        return x + self.channel(self.norm(self.mixer(x)))


class Patches(nn.Module):
    """Squares of a map and one product."""

    def __init__(self, given: Given, path: str, patch: int):
        super().__init__()
        self.linear, self.patch = Linear(given, path), patch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, height, width, channels = x.shape
        side = self.patch
        x = x.view(batch, height // side, side, width // side, side, channels).transpose(2, 3)
        return self.linear(x.reshape(batch, height // side, width // side, -1))


class Shrink(nn.Module):
    """Norm, mean over squares, one product, between stages."""

    def __init__(self, given: Given, path: str, factor: int):
        super().__init__()
        self.norm, self.linear, self.factor = Norm(given, f'{path}/norm'), Linear(given, f'{path}/project'), factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(self.norm(x).permute(0, 3, 1, 2), self.factor)
        return self.linear(pooled.permute(0, 2, 3, 1))


class Model(nn.Module):
    """A body of `ablations.tasks.bases` as PyTorch, from its config and the lab's parameters by path.

    Raises ValueError where a parameter of the lab is left over.
    """

    def __init__(self, config: dict, params: Mapping[str, np.ndarray]):
        super().__init__()
        given, stem, body = Given(params), config['stem'], config['body']
        self.ids, self.pooled = stem['kind'] == 'tokens', config['head']['kind'] == 'classifier'
        parts = [nn.Identity() if self.ids else Patches(given, 'stem/patches', stem['patch'])]
        if self.ids:
            self.table = parameter(given.take('stem/embedding'))
        if stem['kind'] == 'patchify_norm':
            parts.append(Norm(given, 'stem/norm'))
        self.stem = nn.Sequential(*parts)
        places = config['position']['kind'] == 'learned'
        self.places = parameter(given.take('position/embedding')) if places else None
        layers, number = [], 0
        for stage, depth in enumerate(body['depths'] if 'depths' in body else [body['depth']]):
            if stage:
                layers.append(Shrink(given, f'downsample_{stage}', config['downsample']['factor']))
            layers += [Block(given, f'block_{number + i}', config) for i in range(depth)]
            number += depth
        self.layers = nn.Sequential(*layers)
        self.norm, self.head = Norm(given, 'head/norm'), Linear(given, 'head/head')
        if given.left:
            raise ValueError(f'the PyTorch model has no place for {sorted(given.left)}; allowed: the kinds of the bases')

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.embedding(x, self.table) if self.ids else self.stem(x)
        if self.places is not None:
            x = x + self.places[: x[0, ..., 0].numel()].view(1, *x.shape[1:])
        x = self.norm(self.layers(x))
        return self.head(x.flatten(1, -2).mean(1) if self.pooled else x)

    def loss(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy of a batch."""
        scores = self(x)
        return functional.cross_entropy(scores.flatten(0, -2), y.flatten())
