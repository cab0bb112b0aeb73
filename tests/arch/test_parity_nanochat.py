"""nanochat against NanoChatForCausalLM of transformers: its sizes, and scores and gradients with the same numbers."""

import numpy as np
import parity
import pytest

from arch.published.nanochat import VOCABULARY, nanochat
from arch.published.tensors import Tensors
from arch.published.weight_map import dense, in_form


def reference(depth: int, vocabulary: int):
    from transformers import NanoChatConfig, NanoChatForCausalLM

    width = 64 * depth
    config = NanoChatConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=depth,
        num_attention_heads=width // 128,
        rms_norm_eps=2.0**-23,
        final_logit_softcapping=15.0,
        rope_parameters={'rope_type': 'default', 'rope_theta': 10000.0},
        pad_token_id=None,
        attn_implementation='eager',
    )
    return NanoChatForCausalLM(config)


def from_transformers(config: dict, tensors) -> tuple[dict, dict]:
    """Our (params, state). Channels turn the other way round there, so both halves of each query and key change places."""
    given = Tensors({name.removeprefix('model.'): tensor for name, tensor in tensors.items()})
    width, vocabulary, heads = config['body']['width'], config['stem']['vocabulary'], config['mixer']['heads']

    def swapped(name: str) -> dict:
        kernel = given.linear(f'{name}.weight', width, width).reshape(width, heads, 2, -1)
        return {'kernel': np.flip(kernel, 2).reshape(width, width)}

    params = {
        'stem': {'embedding': given.take('embed_tokens.weight', (vocabulary, width))},
        'head': {'head': dense(given, 'lm_head', width, vocabulary, bias=False)},
    }
    for number in range(config['body']['depth']):
        layer = f'layers.{number}'
        params[f'block_{number}'] = {
            'mixer': {
                'query': swapped(f'{layer}.self_attn.q_proj'),
                'key': swapped(f'{layer}.self_attn.k_proj'),
                'value': dense(given, f'{layer}.self_attn.v_proj', width, width, bias=False),
                'output': dense(given, f'{layer}.self_attn.o_proj', width, width, bias=False),
            },
            'channel': {
                'up': dense(given, f'{layer}.mlp.fc1', width, 4 * width, bias=False),
                'down': dense(given, f'{layer}.mlp.fc2', 4 * width, width, bias=False),
            },
        }
    given.finish('NanoChatForCausalLM')
    return in_form(config, params), {}


def drawn():
    return parity.randomised(reference(2, 17), deviation=0.1)


def test_scores_agree():
    parity.same_logits(nanochat(2, 17), from_transformers, drawn(), parity.ids(17, 3, 12), modes=(False,))


def test_gradients_agree():
    x = parity.ids(17, 3, 13)
    parity.same_gradients(nanochat(2, 17), from_transformers, drawn(), x[:, :-1], x[:, 1:])


@pytest.mark.parametrize(('depth', 'parameters'), [(12, 185_597_952), (16, 335_544_320), (20, 560_988_160)])
def test_parameters_are_as_many(depth, parameters):
    with parity.torch.device('meta'):
        assert sum(parameter.numel() for parameter in reference(depth, VOCABULARY).parameters()) == parameters
