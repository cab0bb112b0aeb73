"""Code use: which codes of a learned book a model gives to the patches of its inputs, and how many of them."""

from collections.abc import Mapping

import jax
import numpy as np
from flax import linen as nn

from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.scalar_quantization import book_size, code_numbers
from arch.patch_codes import PatchCodes
from arch.sockets import TABLES

BATCH = 128
"""How many examples go through the model at a time."""


def patch_code_numbers(
    config: dict, params: dict, state: dict, x: np.ndarray, tables: Mapping[str, Mapping[str, type]] = TABLES
) -> np.ndarray:
    """The number of the code of each whole patch, outside training: tokens `[B, N] -> [B, N/patch]` int32.

    Raises ValueError for a model without codes.
    """
    model, body = build(config, tables), _coded_body(config, tables)
    heard: list[jax.Array] = []

    def listen(call, args, kwargs, context):
        made = call(*args, **kwargs)
        if isinstance(context.module, PatchCodes) and context.method_name == 'codes':
            heard.append(code_numbers(made, context.module.levels))
        return made

    @jax.jit
    def numbers(params: dict, state: dict, x: jax.Array) -> jax.Array:
        with nn.intercept_methods(listen):
            model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=False)
        return heard.pop()[:, : x.shape[1] // body.patch]

    # Batches of one size, so that one program serves all.
    batch = min(len(x), BATCH)
    filled = np.resize(x, (-(-len(x) // batch) * batch, x.shape[1]))
    return np.concatenate([numbers(params, state, filled[at : at + batch]) for at in range(0, len(x), batch)])[: len(x)]


def code_use(
    config: dict, params: dict, state: dict, x: np.ndarray, tables: Mapping[str, Mapping[str, type]] = TABLES
) -> dict[str, float]:
    """How a model uses its code book for the whole patches of tokens `x` [B, N].

    codes: the size of the book; patches; used: the share of the book that has a patch at all; perplexity: 2^H of the shares of
    patches that codes have, the number of codes that would be used as much if all were used equally; bits_per_token: H / patch,
    the most that large blocks can be told of a token. Raises ValueError for a model without codes.
    """
    body = _coded_body(config, tables)
    numbers = patch_code_numbers(config, params, state, x, tables).ravel()
    size = book_size(body.code_levels)
    counts = np.unique(numbers, return_counts=True)[1]
    shares = counts / max(len(numbers), 1)
    bits = -float((shares * np.log2(shares)).sum())
    return {
        'codes': size,
        'patches': len(numbers),
        'used': len(counts) / size,
        'perplexity': 2**bits,
        'bits_per_token': bits / body.patch,
    }


def _coded_body(config: dict, tables: Mapping[str, Mapping[str, type]]) -> nn.Module:
    body = Sockets(config, tables).make('body', name=None)
    if not getattr(body, 'code_levels', ()):
        kind = config['body']['kind']
        raise ValueError(
            f"body '{kind}' has no learned codes; allowed: body 'patched' with code_levels, such as [8, 5, 5, 5]; give a model "
            'with codes'
        )
    return body
