"""DeepSeek-V3 against DeepseekV3ForCausalLM of transformers: its size, and scores and gradients with the same numbers."""

import numpy as np
import parity
import pytest

from arch.ops.lowering import lowering
from arch.published.deepseek import MODELS, deepseek_v3
from arch.published.tensors import Tensors
from arch.published.weight_map import dense, in_form

SIZES = {'heads': 2, 'head_size': 6, 'turned': 4, 'latent': 10, 'query_latent': 14, 'value_size': 8}
EXPERTS = {'experts': 8, 'top': 3, 'shared': 2, 'groups': 4, 'top_groups': 2}
HIDDEN, EXPERT = 40, 12


def reference(config: dict):
    """The reference's model of the same sizes, not drawn."""
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

    width, mixer, channel, first = config['body']['width'], config['mixer'], config['channel'], config['body']['stack'][0]
    sizes = DeepseekV3Config(
        vocab_size=config['stem']['vocabulary'],
        hidden_size=width,
        num_hidden_layers=config['body']['depth'],
        first_k_dense_replace=first['times'],
        intermediate_size=round(first['channel']['ratio'] * width),
        moe_intermediate_size=round(channel['ratio'] * width),
        num_attention_heads=mixer['heads'],
        num_key_value_heads=mixer['heads'],
        qk_nope_head_dim=mixer['head_size'],
        qk_rope_head_dim=mixer['turned'],
        kv_lora_rank=mixer['latent'],
        q_lora_rank=mixer['query_latent'],
        v_head_dim=mixer['value_size'],
        n_routed_experts=channel['experts'],
        num_experts_per_tok=channel['top'],
        n_shared_experts=channel['shared'],
        n_group=channel['groups'],
        topk_group=channel['top_groups'],
        routed_scaling_factor=channel['scale'],
        rope_parameters={'rope_type': 'default', 'rope_theta': 10000.0},
        attn_implementation='eager',
    )
    return DeepseekV3ForCausalLM(sizes)


def halves(kernel: np.ndarray, still: int) -> np.ndarray:
    """Kernels [..., D] whose channels from `still` on turn in pairs of neighbours there, and with those D / 2 apart here."""
    turned = kernel[..., still:]
    return np.concatenate([kernel[..., :still], turned[..., 0::2], turned[..., 1::2]], -1)


def from_transformers(config: dict, tensors) -> tuple[dict, dict]:
    """Our (params, state) from the reference's state dict, or from its gradients, which have no biases of experts."""
    given = Tensors({name.removeprefix('model.'): tensor for name, tensor in tensors.items()})
    width, mixer, channel = config['body']['width'], config['mixer'], config['channel']
    heads, size, turned, latent = (mixer[name] for name in ('heads', 'head_size', 'turned', 'latent'))
    hidden, experts = round(channel['ratio'] * width), channel['experts']

    def norm(name: str, channels: int = width) -> dict:
        return {'scale': given.take(f'{name}.weight', (channels,))}

    def attention(name: str) -> dict:
        query = given.linear(f'{name}.q_b_proj.weight', mixer['query_latent'], heads * (size + turned))
        query = halves(query.reshape(-1, heads, size + turned), size)
        down = given.linear(f'{name}.kv_a_proj_with_mqa.weight', width, latent + turned)
        up = given.linear(f'{name}.kv_b_proj.weight', latent, heads * (size + mixer['value_size']))
        up = up.reshape(latent, heads, -1)
        return {
            'query_latent': dense(given, f'{name}.q_a_proj', width, mixer['query_latent'], bias=False),
            'query_latent_norm': norm(f'{name}.q_a_layernorm', mixer['query_latent']),
            'query': {'kernel': query.reshape(len(query), -1)},
            'latent': {'kernel': down[:, :latent]},
            'norm': norm(f'{name}.kv_a_layernorm', latent),
            'key_turned': {'kernel': halves(down[:, latent:], 0)},
            'key': {'kernel': up[..., :size].reshape(latent, -1)},
            'value': {'kernel': up[..., size:].reshape(latent, -1)},
            'output': dense(given, f'{name}.o_proj', heads * mixer['value_size'], width, bias=False),
        }

    def mlp(name: str, channels: int) -> dict:
        ends = {'gate': (width, channels), 'up': (width, channels), 'down': (channels, width)}
        return {part: dense(given, f'{name}.{part}_proj', *shape, bias=False) for part, shape in ends.items()}

    def mixture(name: str) -> dict:
        both = given.take(f'{name}.experts.gate_up_proj', (experts, 2 * hidden, width)).transpose(0, 2, 1)
        down = given.take(f'{name}.experts.down_proj', (experts, width, hidden)).transpose(0, 2, 1)
        return {
            'router': dense(given, f'{name}.gate', width, experts, bias=False),
            'gate': {'kernel': both[..., :hidden]},
            'up': {'kernel': both[..., hidden:]},
            'down': {'kernel': down},
            'shared_experts': mlp(f'{name}.shared_experts', channel['shared'] * hidden),
        }

    vocabulary, first = config['stem']['vocabulary'], config['body']['stack'][0]
    params = {
        'stem': {'embedding': given.take('embed_tokens.weight', (vocabulary, width))},
        'head': {'norm': norm('norm'), 'head': dense(given, 'lm_head', width, vocabulary, bias=False)},
    }
    state = {}
    for number in range(config['body']['depth']):
        layer, bias = f'layers.{number}', f'layers.{number}.mlp.gate.e_score_correction_bias'
        few = number < first['times']
        params[f'block_{number}'] = {
            'norm_mixer': norm(f'{layer}.input_layernorm'),
            'mixer': attention(f'{layer}.self_attn'),
            'norm_channel': norm(f'{layer}.post_attention_layernorm'),
            'channel': mlp(f'{layer}.mlp', round(first['channel']['ratio'] * width)) if few else mixture(f'{layer}.mlp'),
        }
        if bias in given.tensors:
            state[f'block_{number}'] = {'channel': {'bias': given.take(bias, (experts,))}}
    given.finish('DeepseekV3ForCausalLM')
    return in_form(config, params), in_form(config, state) if state else {}


def tiny() -> dict:
    return deepseek_v3(17, 24, 3, 1, SIZES, HIDDEN, EXPERT, EXPERTS)


def drawn(config: dict):
    """The reference with random numbers, in its biases of experts too; they decide for some of the tokens."""
    model, generator = parity.randomised(reference(config)), parity.torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith('e_score_correction_bias'):
            buffer.copy_(0.3 * parity.torch.rand(buffer.shape, generator=generator))
    return model


def test_the_small_model_has_as_many_parameters():
    with parity.torch.device('meta'):
        model = reference(MODELS['deepseek_v3_small'].config)
    assert sum(parameter.numel() for parameter in model.parameters()) == 194_685_440


@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_scores_agree(way):
    with lowering(way):
        parity.same_logits(tiny(), from_transformers, drawn(tiny()), parity.ids(17, 3, 12))


def test_scores_agree_in_a_scanned_body():
    config = tiny()
    config['body']['over_depth'] = 'scan'
    parity.same_logits(config, from_transformers, drawn(config), parity.ids(17, 3, 12), modes=(True,))


def test_biases_of_experts_change_the_scores():
    config, x = tiny(), parity.ids(17, 3, 12)
    params, state = from_transformers(config, parity.tensors_of(drawn(config)))
    none = {name: {'channel': {'bias': 0 * own['channel']['bias']}} for name, own in state.items()}
    assert np.abs(parity.logits(config, params, state, x) - parity.logits(config, params, none, x)).max() > 0.1


def test_gradients_agree():
    x = parity.ids(17, 3, 13)
    parity.same_gradients(tiny(), from_transformers, drawn(tiny()), x[:, :-1], x[:, 1:])
