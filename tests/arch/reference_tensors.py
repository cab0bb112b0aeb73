"""Tensors of published models as their references name them, at sizes of a test."""

import jax
import numpy as np

from arch.published import gpt2, llama, swin, swin_v2, vit
from arch.roles import names

STEP = 10_000
"""Each tensor has the numbers from a multiple of this on, which says where a number is from."""


def numbered(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Tensors of these shapes in which no number occurs twice."""
    return {
        name: (STEP * number + np.arange(np.prod(shape)).reshape(shape)).astype(np.float32)
        for number, (name, shape) in enumerate(shapes.items())
    }


def arrived(made: tuple, tensors: dict[str, np.ndarray]) -> str:
    """Where the numbers of `numbered` tensors stand in (params, state), a line a leaf; each has to be there once."""
    before, after = (
        np.sort(np.concatenate([np.ravel(one) for one in some])) for some in (tensors.values(), jax.tree.leaves(made))
    )
    assert np.array_equal(before, after)
    called, told = list(tensors), []
    for path, leaf in jax.tree.leaves_with_path(made):
        number, numbers = int(leaf.min()) // STEP, np.ravel(leaf).astype(int) % STEP
        told.append(f'{"/".join(names(path[1:]))} {list(leaf.shape)} is {called[number]}, from {numbers[:5].tolist()}')
    return '\n'.join(told)


def linear(name: str, inputs: int, outputs: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f'{name}.weight': (outputs, inputs), **({f'{name}.bias': (outputs,)} if bias else {})}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f'{name}.weight': (channels,), f'{name}.bias': (channels,)}


def vit_layer(layer: str, width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    shapes = {**norm(f'{layer}.layernorm_before', width), **norm(f'{layer}.layernorm_after', width)}
    for part in 'qkvo':
        shapes |= linear(f'{layer}.attention.{part}_proj', width, width)
    return shapes | linear(f'{layer}.mlp.fc1', width, hidden) | linear(f'{layer}.mlp.fc2', hidden, width)


def vit_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {
        'vit.embeddings.cls_token': (1, 1, 8),
        'vit.embeddings.position_embeddings': (1, 5, 8),
        'vit.embeddings.patch_embeddings.projection.weight': (8, 3, 4, 4),
        'vit.embeddings.patch_embeddings.projection.bias': (8,),
    }
    for number in range(2):
        shapes |= vit_layer(f'vit.layers.{number}', 8, 16)
    return shapes | norm('vit.layernorm', 8) | linear('classifier', 8, 3)


def gpt2_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {'transformer.wte.weight': (11, 8), 'transformer.wpe.weight': (6, 8)}
    for number in range(2):
        layer = f'transformer.h.{number}'
        shapes |= norm(f'{layer}.ln_1', 8) | norm(f'{layer}.ln_2', 8)
        # These kernels are not transposed.
        shapes |= linear(f'{layer}.attn.c_attn', 24, 8) | linear(f'{layer}.attn.c_proj', 8, 8)
        shapes |= linear(f'{layer}.mlp.c_fc', 16, 8) | linear(f'{layer}.mlp.c_proj', 8, 16)
        for name, outputs in (('attn.c_attn', 24), ('attn.c_proj', 8), ('mlp.c_fc', 16), ('mlp.c_proj', 8)):
            shapes[f'{layer}.{name}.bias'] = (outputs,)
    return shapes | norm('transformer.ln_f', 8)


def llama_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {'model.embed_tokens.weight': (11, 8), 'model.norm.weight': (8,), 'lm_head.weight': (11, 8)}
    for number in range(2):
        layer = f'model.layers.{number}'
        shapes |= {f'{layer}.input_layernorm.weight': (8,), f'{layer}.post_attention_layernorm.weight': (8,)}
        for name, inputs, outputs in (
            *(('self_attn.q_proj', 8, 8), ('self_attn.k_proj', 8, 4), ('self_attn.v_proj', 8, 4), ('self_attn.o_proj', 8, 8)),
            *(('mlp.gate_proj', 8, 12), ('mlp.up_proj', 8, 12), ('mlp.down_proj', 12, 8)),
        ):
            shapes |= linear(f'{layer}.{name}', inputs, outputs, bias=False)
    return shapes


def swin_shapes() -> dict[str, tuple[int, ...]]:
    stem = 'swin.embeddings.patch_embeddings.projection'
    shapes = {f'{stem}.weight': (8, 3, 4, 4), f'{stem}.bias': (8,), **norm('swin.embeddings.norm', 8)}
    for stage, width in enumerate((8, 16)):
        for number in range(2):
            layer = f'swin.encoder.layers.{stage}.blocks.{number}'
            shapes |= vit_layer(layer, width, 2 * width)
            table = f'{layer}.attention.relative_position_bias.relative_position_bias_table'
            shapes[table] = (9, width // 4)
    shapes |= norm('swin.encoder.layers.0.downsample.norm', 32)
    shapes |= linear('swin.encoder.layers.0.downsample.reduction', 32, 16, bias=False)
    return shapes | norm('swin.layernorm', 16) | linear('classifier', 16, 3)


def swin_v2_shapes() -> dict[str, tuple[int, ...]]:
    """As Swin, with the norm of a downsample after its product; no biases of keys, no table."""
    shapes = {name.replace('swin.', 'swinv2.'): shape for name, shape in swin_shapes().items()}
    shapes |= norm('swinv2.encoder.layers.0.downsample.norm', 16)
    for table in [name for name in shapes if name.endswith('bias_table')]:
        layer, heads = table.removesuffix('.relative_position_bias.relative_position_bias_table'), shapes.pop(table)[1]
        del shapes[f'{layer}.k_proj.bias']
        shapes[f'{layer}.logit_scale'] = (heads, 1, 1)
        shapes |= linear(f'{layer}.continuous_position_bias_mlp.0', 2, 512)
        shapes |= linear(f'{layer}.continuous_position_bias_mlp.2', 512, heads, bias=False)
    return shapes


CASES = {
    'vit': (vit.vit(3, 8, 4, 8, 2, 2, ratio=2.0), vit_shapes(), (8, 8, 3), vit.from_transformers),
    'gpt2': (gpt2.gpt2(11, 6, 8, 2, 2, ratio=2.0), gpt2_shapes(), (6,), gpt2.from_transformers),
    'llama': (llama.llama(11, 8, 2, 4, 2, 12), llama_shapes(), (6,), llama.from_transformers),
    'swin': (swin.swin(3, [8, 16], [2, 2], 4, 2, ratio=2.0), swin_shapes(), (16, 16, 3), swin.from_transformers),
    'swinv2': (swin_v2.swin_v2(3, [8, 16], [2, 2], 4, 2, ratio=2.0), swin_v2_shapes(), (16, 16, 3), swin_v2.from_transformers),
}


def tensors(family: str) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in CASES[family][1].items()}
