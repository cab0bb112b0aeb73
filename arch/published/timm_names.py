"""Names of timm: tensors of its vision transformers by the names of transformers, q, k and v apart."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

MARK = 'patch_embed.proj.weight'
"""The tensor by which a file of timm is known."""
COMMON = (
    (r'^patch_embed\.proj\.', 'embeddings.patch_embeddings.projection.'),
    (r'\.norm1\.', '.layernorm_before.'),
    (r'\.norm2\.', '.layernorm_after.'),
    (r'\.attn\.proj\.', '.attention.o_proj.'),
    (r'^norm\.', 'layernorm.'),
    (r'^head\.(fc\.)?', 'classifier.'),
)
"""What ViT and Swin share: parts of names, and what they are called in transformers."""


def by_transformers_names(tensors: Mapping[str, np.ndarray], own: Sequence[tuple[str, str]]) -> Mapping[str, np.ndarray]:
    """Tensors of timm by the names of transformers, `own` beside COMMON; others as they are.

    >>> joint = {MARK: np.zeros(1), 'blocks.0.attn.qkv.bias': np.arange(6)}
    >>> named = by_transformers_names(joint, ((r'^blocks', 'layers'),))
    >>> named['layers.0.attention.k_proj.bias']
    array([2, 3])
    """
    if MARK not in tensors:
        return tensors
    named = {}
    for name, tensor in tensors.items():
        for old, new in (*own, *COMMON):
            name = re.sub(old, new, name)
        head, joint, leaf = name.partition('.attn.qkv.')
        if joint and np.ndim(tensor) and len(tensor) % 3 == 0:
            for part, piece in zip('qkv', np.split(tensor, 3), strict=True):
                named[f'{head}.attention.{part}_proj.{leaf}'] = piece
        else:
            named[name] = tensor
    return named
