"""Pythia against GPTNeoXForCausalLM of transformers: scores with the same numbers."""

import numpy as np
import parity

from arch.published.decoders import pythia

WIDTH, DEPTH, HEADS, VOCABULARY = 16, 2, 2, 11


def reference():
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        attn_implementation='eager',
    )
    return parity.randomised(GPTNeoXForCausalLM(config))


def mapped(config: dict, tensors: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """The reference's tensors as our parameters; queries, keys and values of a head stand together there."""

    def dense(name: str) -> dict:
        return {'kernel': tensors[f'{name}.weight'].T, 'bias': tensors[f'{name}.bias']}

    def norm(name: str) -> dict:
        return {'scale': tensors[f'{name}.weight'], 'bias': tensors[f'{name}.bias']}

    params = {
        'stem': {'embedding': tensors['gpt_neox.embed_in.weight']},
        'head': {'norm': norm('gpt_neox.final_layer_norm'), 'head': {'kernel': tensors['lm_head.weight'].T}},
    }
    for number in range(DEPTH):
        layer = f'gpt_neox.layers.{number}'
        joint = dense(f'{layer}.attention.query_key_value')
        parts = {
            name: {leaf: own.reshape(*own.shape[:-1], HEADS, 3, -1)[..., place, :].reshape(*own.shape[:-1], -1)
                   for leaf, own in joint.items()}
            for place, name in enumerate(('query', 'key', 'value'))
        }  # fmt: skip
        params[f'block_{number}'] = {
            'norm': norm(f'{layer}.input_layernorm'),
            'norm_channel': norm(f'{layer}.post_attention_layernorm'),
            'mixer': {**parts, 'output': dense(f'{layer}.attention.dense')},
            'channel': {'up': dense(f'{layer}.mlp.dense_h_to_4h'), 'down': dense(f'{layer}.mlp.dense_4h_to_h')},
        }
    return params, {}


def test_scores_agree():
    config = pythia(WIDTH, DEPTH, HEADS)
    config['stem']['vocabulary'] = config['head']['outputs'] = VOCABULARY
    parity.same_logits(config, mapped, reference(), parity.ids(VOCABULARY, 3, 7))
