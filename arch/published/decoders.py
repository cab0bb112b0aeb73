"""Causal language models of the last years, as exact configs: Pythia, Llama 3.2, Qwen 3, Gemma 3, OLMo 2, Mamba and RWKV-7.

Sizes are those of the models' own configuration files; their sources are named at each.
"""

from arch.config import complete
from arch.published.published import Published

CONTEXT = (2048,)
"""The input for which costs are counted, in tokens."""
NORMAL = {'kind': 'normal', 'branch_end': 'same', 'deviation': 0.02}


def decoder(vocabulary: int, width: int, depth: int, mixer: dict, hidden: int, **what_differs: dict) -> dict:
    """A causal transformer, norm first, with gated channels, rotary positions and a tied head."""
    return complete(
        **{
            'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True},
            'stem': {'kind': 'tokens', 'vocabulary': vocabulary},
            'position': {'kind': 'rotary', 'base': 10000.0},
            'mixer': mixer,
            'norm': {'kind': 'rms_norm', 'eps': 1e-6},
            'channel': {'kind': 'gated', 'ratio': hidden / width},
            'activation': {'kind': 'silu'},
            'head': {'kind': 'tied_next_token'},
            'initial': NORMAL,
            **what_differs,
        }
    )


def grouped(heads: int, kv_heads: int, **fields: object) -> dict:
    """Attention of `heads` heads that share `kv_heads` keys and values, without biases."""
    return {'kind': 'grouped_query_attention', 'heads': heads, 'kv_heads': kv_heads, 'biases': 'none', **fields}


def qwen3(width: int, depth: int, heads: int, hidden: int) -> dict:
    """A Qwen 3 (2505.09388): heads of 128 channels, each query and key normed."""
    return decoder(
        151936,
        width,
        depth,
        grouped(heads, 8, head_size=128),
        hidden,
        position={'kind': 'rotary', 'base': 1e6},
        qk_norm={'kind': 'rms_norm', 'eps': 1e-6},
    )


def gemma3(width: int, depth: int, heads: int, kv_heads: int, hidden: int) -> dict:
    """A Gemma 3 (2503.19786): five layers that see 512 tokens to one that sees all, norms around every branch."""
    local = {
        'kind': 'sliding_window_attention',
        'heads': heads,
        'kv_heads': kv_heads,
        'head_size': 256,
        'window': 511,
        'biases': 'none',
    }
    whole = {'mixer': grouped(heads, kv_heads, head_size=256), 'position': {'base': 1e6}}
    config = decoder(
        262144,
        width,
        depth,
        local,
        hidden,
        stem={'kind': 'root_scaled_tokens', 'vocabulary': 262144},
        residual={'kind': 'sandwich'},
        qk_norm={'kind': 'rms_norm', 'eps': 1e-6},
        activation={'kind': 'gelu_tanh'},
    )
    config['body']['stack'] = [{'times': 5}, whole]
    return config


def olmo2(width: int, depth: int, heads: int, hidden: int) -> dict:
    """An OLMo 2 (2501.00656): norms at the end of each branch, and of all queries and all keys side by side."""
    return decoder(
        100352,
        width,
        depth,
        {'kind': 'attention', 'heads': heads, 'biases': 'none', 'norm_over': 'all'},
        hidden,
        position={'kind': 'rotary', 'base': 5e5},
        qk_norm={'kind': 'rms_norm', 'eps': 1e-6},
        residual={'kind': 'res_post'},
        head={'kind': 'next_token', 'outputs': 100352, 'bias': False},
    )


def llama3(width: int, depth: int, heads: int, hidden: int) -> dict:
    """A small Llama 3.2 (2407.21783), with its rotation as it is for short inputs."""
    norm = {'kind': 'rms_norm', 'eps': 1e-5}
    return decoder(128256, width, depth, grouped(heads, 8), hidden, position={'kind': 'rotary', 'base': 5e5}, norm=norm)


def mamba(width: int, depth: int) -> dict:
    """A Mamba (2312.00752): layers of a mixer alone, states of 16 numbers."""
    return decoder(
        50280,
        width,
        depth,
        {
            'kind': 'selective_state_space',
            'state': 16,
            'expand': 2.0,
            'kernel': 4,
            'step_low': 0.001,
            'step_high': 0.1,
        },
        width,
        position={'kind': 'none'},
        norm={'kind': 'rms_norm', 'eps': 1e-5},
        block={'kind': 'mixer_only'},
    )


def rwkv7(width: int, depth: int, ranks: tuple[int, int, int]) -> dict:
    """An RWKV-7 of the World models (2503.14456): `ranks` of decay and rate, of the gate, of first values."""
    rank, gate_rank, value_rank = ranks
    return decoder(
        65536,
        width,
        depth,
        {'kind': 'rwkv7', 'heads': width // 64, 'rank': rank, 'gate_rank': gate_rank, 'value_rank': value_rank},
        4 * width,
        stem={'kind': 'normed_tokens', 'vocabulary': 65536},
        position={'kind': 'none'},
        norm={'kind': 'layer_norm', 'eps': 1e-5},
        residual={'kind': 'first_values'},
        channel={'kind': 'shifted_mlp', 'ratio': 4.0},
        activation={'kind': 'squared_relu'},
        head={'kind': 'next_token', 'outputs': 65536, 'bias': False},
    )


def pythia(width: int, depth: int, heads: int) -> dict:
    """A Pythia (2304.01373), as GPT-NeoX: mixer and channel block side by side, each with a norm; a quarter of a head turns."""
    return decoder(
        50304,
        width,
        depth,
        {'kind': 'attention', 'heads': heads, 'biases': 'all'},
        4 * width,
        block={'kind': 'parallel', 'norms': 'each'},
        position={'kind': 'rotary', 'base': 10000.0, 'share': 0.25},
        norm={'kind': 'layer_norm', 'eps': 1e-5},
        channel={'kind': 'mlp', 'ratio': 4.0},
        activation={'kind': 'gelu'},
        head={'kind': 'next_token', 'outputs': 50304, 'bias': False},
    )


def _published(config: dict, paper: str, about: str) -> Published:
    return Published(config, CONTEXT, paper, about, None)


MODELS = {
    'pythia_70m': _published(pythia(512, 6, 8), '2304.01373', 'Pythia 70M: 6 layers of width 512'),
    'pythia_160m': _published(pythia(768, 12, 12), '2304.01373', 'Pythia 160M: 12 layers of width 768'),
    'pythia_410m': _published(pythia(1024, 24, 16), '2304.01373', 'Pythia 410M: 24 layers of width 1024'),
    'llama_3.2_1b': _published(llama3(2048, 16, 32, 8192), '2407.21783', 'Llama 3.2 1B: 16 layers of width 2048'),
    'llama_3.2_3b': _published(llama3(3072, 28, 24, 8192), '2407.21783', 'Llama 3.2 3B: 28 layers of width 3072'),
    'qwen3_0.6b': _published(qwen3(1024, 28, 16, 3072), '2505.09388', 'Qwen 3 0.6B: 28 layers of width 1024'),
    'qwen3_1.7b': _published(qwen3(2048, 28, 16, 6144), '2505.09388', 'Qwen 3 1.7B: 28 layers of width 2048'),
    'gemma3_1b': _published(gemma3(1152, 26, 4, 1, 6912), '2503.19786', 'Gemma 3 1B: 26 layers of width 1152, 5 of 6 local'),
    'olmo2_1b': _published(olmo2(2048, 16, 16, 8192), '2501.00656', 'OLMo 2 1B: 16 layers of width 2048, norms at their ends'),
    'mamba_130m': _published(mamba(768, 24), '2312.00752', 'Mamba 130M: 24 layers of width 768'),
    'mamba_370m': _published(mamba(1024, 48), '2312.00752', 'Mamba 370M: 48 layers of width 1024'),
    'mamba_790m': _published(mamba(1536, 48), '2312.00752', 'Mamba 790M: 48 layers of width 1536'),
    'mamba_1.4b': _published(mamba(2048, 48), '2312.00752', 'Mamba 1.4B: 48 layers of width 2048'),
    'mamba_2.8b': _published(mamba(2560, 64), '2312.00752', 'Mamba 2.8B: 64 layers of width 2560'),
    'rwkv7_0.1b': _published(rwkv7(768, 12, (64, 128, 32)), '2503.14456', 'RWKV-7 World 0.1B: 12 layers of width 768'),
}
