"""GPT-2: causal transformers over tokens, by the names of transformers, and their weights from there.

The report has no number at arXiv: Radford et al., Language Models are Unsupervised Multitask Learners, 2019.
"""

from collections.abc import Mapping

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.weight_map import check_kinds, hidden_channels, in_form, layer_norm, plain_names

REFERENCE = 'GPT2LMHeadModel'
MASKS = ('.attn.bias', '.attn.masked_bias')
"""Which tokens see which: tables that older files hold beside the weights."""


def gpt2(vocabulary: int, length: int, width: int, depth: int, heads: int, ratio: float = 4.0) -> dict:
    """A causal transformer, norm first, with learned positions and the table of tokens as its head."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': vocabulary},
        position={'kind': 'learned', 'length': length},
        mixer={'kind': 'attention', 'heads': heads, 'biases': 'all'},
        norm={'kind': 'layer_norm', 'eps': 1e-5},
        channel={'kind': 'mlp', 'ratio': ratio},
        activation={'kind': 'gelu_tanh'},
        head={'kind': 'tied_next_token'},
        initial={'kind': 'normal', 'branch_end': 'depth', 'deviation': 0.02},
    )


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `gpt2` config from the state dict of GPT2LMHeadModel of transformers.

    Raises ValueError where the config is of another kind, for missing, misshapen or unused tensors, or where the head is
    another table than the tokens'.
    """
    check_kinds(config, gpt2(1, 1, 1, 1, 1), REFERENCE)
    named = plain_names(tensors, 'transformer.', {})
    head = named.pop('lm_head.weight', None)
    if head is not None and 'wte.weight' in named and not np.array_equal(head, named['wte.weight']):
        raise ValueError(
            f"the tensors' lm_head.weight is not their wte.weight; {REFERENCE} has one table for both, as head "
            "'tied_next_token' here; give weights whose head is tied"
        )
    given = Tensors(named, ignored=MASKS)
    width, hidden = config['body']['width'], hidden_channels(config, config['body']['width'])

    def product(name: str, inputs: int, outputs: int) -> dict:
        # The reference keeps these kernels as ours are, not transposed as linear layers.
        return {'kernel': given.take(f'{name}.weight', (inputs, outputs)), 'bias': given.take(f'{name}.bias', (outputs,))}

    params = {
        'stem': {'embedding': given.take('wte.weight', (config['stem']['vocabulary'], width))},
        'position': {'embedding': given.take('wpe.weight', (config['position']['length'], width))},
        'head': {'norm': layer_norm(given, 'ln_f', width)},
    }
    for number in range(config['body']['depth']):
        layer = f'h.{number}'
        # One product for queries, keys and values side by side.
        joint = {leaf: np.split(part, 3, axis=-1) for leaf, part in product(f'{layer}.attn.c_attn', width, 3 * width).items()}
        parts = {name: {leaf: joint[leaf][at] for leaf in joint} for at, name in enumerate(('query', 'key', 'value'))}
        params[f'block_{number}'] = {
            'norm_mixer': layer_norm(given, f'{layer}.ln_1', width),
            'mixer': {**parts, 'output': product(f'{layer}.attn.c_proj', width, width)},
            'norm_channel': layer_norm(given, f'{layer}.ln_2', width),
            'channel': {
                'up': product(f'{layer}.mlp.c_fc', width, hidden),
                'down': product(f'{layer}.mlp.c_proj', hidden, width),
            },
        }
    given.finish(f'{REFERENCE} of {config["body"]["depth"]} layers of width {width}')
    return in_form(config, params), {}


def _published(size: str, width: int, depth: int, heads: int) -> Published:
    return Published(
        config=gpt2(50257, 1024, width, depth, heads),
        example=(1024,),
        paper='Radford et al. 2019',
        about=f'GPT-2 {size}: {depth} layers of width {width} and {heads} heads, a tied head for 50,257 tokens',
        weights=from_transformers,
    )


MODELS = {
    'gpt2': _published('small', 768, 12, 12),
    'gpt2_medium': _published('medium', 1024, 24, 16),
    'gpt2_large': _published('large', 1280, 36, 20),
    'gpt2_xl': _published('XL', 1600, 48, 25),
}
