"""Llama: causal transformers with RMS norms, rotary positions and gated channels, and their weights from transformers.

The architecture is that of Llama 2 (2307.09288), which TinyLlama (2401.02385) shares.
"""

from collections.abc import Mapping

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.weight_map import check_kinds, dense, hidden_channels, in_form, plain_names

REFERENCE = 'LlamaForCausalLM'
FREQUENCIES = ('.rotary_emb.inv_freq',)
"""The speeds of the rotation, which older files hold beside the weights."""


def llama(
    vocabulary: int, width: int, depth: int, heads: int, kv_heads: int, hidden: int, base: float = 10000.0, eps: float = 1e-5
) -> dict:
    """A causal transformer, norm first, whose queries and keys turn by their positions; `hidden` channels between products."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': vocabulary},
        position={'kind': 'rotary', 'base': base},
        mixer={'kind': 'grouped_query_attention', 'heads': heads, 'kv_heads': kv_heads, 'biases': 'none'},
        norm={'kind': 'rms_norm', 'eps': eps},
        channel={'kind': 'gated', 'ratio': hidden / width},
        activation={'kind': 'silu'},
        head={'kind': 'next_token', 'outputs': vocabulary, 'bias': False},
        initial={'kind': 'normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `llama` config from the state dict of LlamaForCausalLM of transformers.

    Both turn channel i of a head with channel i + D/2, so no channel changes its place. Raises ValueError where the config
    is of another kind, or for missing, misshapen or unused tensors.
    """
    check_kinds(config, llama(1, 1, 1, 1, 1, 1), REFERENCE)
    given = Tensors(plain_names(tensors, 'model.', {}), ignored=FREQUENCIES)
    width, mixer = config['body']['width'], config['mixer']
    hidden, narrow = hidden_channels(config, width), width // mixer['heads'] * mixer['kv_heads']

    def norm(name: str) -> dict:
        return {'scale': given.take(f'{name}.weight', (width,))}

    params = {
        'stem': {'embedding': given.take('embed_tokens.weight', (config['stem']['vocabulary'], width))},
        'head': {
            'norm': norm('norm'),
            'head': dense(given, 'lm_head', width, config['head']['outputs'], bias=False),
        },
    }
    for number in range(config['body']['depth']):
        layer = f'layers.{number}'
        params[f'block_{number}'] = {
            'norm_mixer': norm(f'{layer}.input_layernorm'),
            'mixer': {
                'query': dense(given, f'{layer}.self_attn.q_proj', width, width, bias=False),
                'key': dense(given, f'{layer}.self_attn.k_proj', width, narrow, bias=False),
                'value': dense(given, f'{layer}.self_attn.v_proj', width, narrow, bias=False),
                'output': dense(given, f'{layer}.self_attn.o_proj', width, width, bias=False),
            },
            'norm_channel': norm(f'{layer}.post_attention_layernorm'),
            'channel': {
                'gate': dense(given, f'{layer}.mlp.gate_proj', width, hidden, bias=False),
                'up': dense(given, f'{layer}.mlp.up_proj', width, hidden, bias=False),
                'down': dense(given, f'{layer}.mlp.down_proj', hidden, width, bias=False),
            },
        }
    given.finish(f'{REFERENCE} of {config["body"]["depth"]} layers of width {width}')
    return in_form(config, params), {}


MODELS = {
    'tinyllama_1.1b': Published(
        config=llama(32000, 2048, 22, 32, 4, 5632),
        example=(2048,),
        paper='2401.02385',
        about='TinyLlama 1.1B: 22 layers of width 2048, 32 heads that share 4 keys and values',
        weights=from_transformers,
    ),
    'llama_2_7b': Published(
        config=llama(32000, 4096, 32, 32, 32, 11008),
        example=(4096,),
        paper='2307.09288',
        about='Llama 2 7B: 32 layers of width 4096, 32 heads, each with keys and values of its own',
        weights=from_transformers,
    ),
}
