"""Weight map: the common steps of all maps from a reference's tensors to our parameters."""

from collections.abc import Mapping

import jax
import numpy as np

from arch.depth import stacked
from arch.make import fields
from arch.model_sockets import Sockets
from arch.published.tensors import Tensors
from arch.sockets import TABLES

FREE = ('activation', 'initial')
"""Sockets without parameters, so that any kind fits the weights."""
DECIDED = ('biases', 'bias', 'causal', 'scores', 'norm')
"""Fields that the weights determine; sizes are the config's own."""


def plain_names(tensors: Mapping[str, np.ndarray], prefix: str, older: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The tensors by names without the model's `prefix`, parts of the names in `older` replaced by newer ones, in order.

    Raises ValueError where two tensors get one name.
    """
    named, origin = {}, {}
    for name, tensor in tensors.items():
        plain = name.removeprefix(prefix)
        for old, new in older.items():
            plain = plain.replace(old, new)
        if plain in named:
            raise ValueError(
                f"the tensors hold both '{origin[plain]}' and '{name}', two names of one tensor; leave one of them out"
            )
        named[plain], origin[plain] = tensor, name
    return named


def check_kinds(config: dict, like: dict, about: str) -> None:
    """Raise ValueError for the first socket of `config` that is not filled as in `like`, the config of `about`'s weights.

    Sizes may differ; fields that the weights determine may not.
    """
    sockets = Sockets(config, TABLES)
    for family in like:
        wanted, given = like[family]['kind'], sockets.kind(family)
        if family not in FREE and given != wanted:
            raise ValueError(
                f"the weights of {about} are for {family} '{wanted}', the config has '{given}'; "
                f"swap('{family}', '{wanted}') or draw the parameters with init"
            )
        made = sockets.make(family, name=None, features=1)
        unsaid = {name: field.default for name, field in fields(type(made)).items() if name not in like[family]}
        told = {name: like[family][name] for name in DECIDED if name in like[family]}
        for field, wanted in {**told, **({} if family in FREE else unsaid)}.items():
            given = getattr(made, field)
            if given != wanted:
                raise ValueError(
                    f'the weights of {about} are for {family}.{field}={wanted!r}, the config has {given!r}; '
                    f"put('{family}.{field}', {wanted!r}) or draw the parameters with init"
                )


def dense(tensors: Tensors, name: str, inputs: int, outputs: int, bias: bool = True) -> dict:
    """A product on the channels, which torch calls a linear layer."""
    kernel = {'kernel': tensors.linear(f'{name}.weight', inputs, outputs)}
    return {**kernel, 'bias': tensors.take(f'{name}.bias', (outputs,))} if bias else kernel


def layer_norm(tensors: Tensors, name: str, channels: int) -> dict:
    """A norm with a scale and a bias for each channel."""
    return {'scale': tensors.take(f'{name}.weight', (channels,)), 'bias': tensors.take(f'{name}.bias', (channels,))}


def hidden_channels(config: dict, width: int) -> int:
    """The hidden channels of the channel block at a width."""
    return max(1, round(config['channel']['ratio'] * width))


def image_channels(tensors: Mapping[str, np.ndarray], name: str) -> int:
    """The channels of the images for the first convolution; only the data tell them: 3 where it can't be seen."""
    shape = np.shape(tensors.get(name, 0))
    return shape[1] if len(shape) == 4 else 3


def in_form(config: dict, params: dict) -> dict:
    """Parameters in the form of the config's body, from one module for each block: stacked if the body scans."""
    body = Sockets(config, TABLES).make('body', name=None)
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32, order='C'), params)
    return stacked(params, body.blocks()) if body.over_depth == 'scan' else params
