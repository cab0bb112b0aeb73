"""Neutral: fields that a spec leaves out where they change nothing, so that a field that is new changes no trial's address.

A change may `put` such a field though the base does not name it. A config never holds one at its neutral value.
"""

from collections.abc import Mapping

_LAYERS = {'stack': []}
_CAPPED = {'softcap': 0.0}
_BIASED = {'bias': True}
_FILTERED = {'short_conv': 0}
_SCALED = {'scale': True}
_EXPERTS = {
    **{'gated': False, 'shared': 0, 'scoring': 'softmax', 'scale': 1.0, 'groups': 1, 'top_groups': 1},
    **{'bias_step': 0.0, 'balance_over': 'batch'},
}
_HEADS = {'head_size': 0, 'norm_over': 'head', 'softcap': 0.0, 'sink': 'none', 'gate': False, 'short_conv': 0}

NEUTRAL: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    'body': {
        'isotropic': {**_LAYERS, 'skips': 'none'},
        **dict.fromkeys(('hierarchical', 'towers', 'perceiver'), _LAYERS),
        'patched': {**_LAYERS, 'code_levels': []},
    },
    'position': {'learned': {'spared': 0}, 'rotary': {'share': 1.0, 'stretch': 1.0, 'stretched': 'places', 'length': 64}},
    'block': {'parallel': {'norms': 'one'}},
    'mixer': {
        'attention': {'kv_heads': 0, **_HEADS},
        'grouped_query_attention': _HEADS,
        'sliding_window_attention': {'kv_heads': 0, **_HEADS},
        'shifted_window_attention': {'scores': 'dot', 'bias': 'table', 'pretrained_window': 0},
        'block_sparse_attention': _FILTERED,
        'latent_attention': {'query_latent': 0, 'value_size': 0},
        'native_sparse_attention': {'span': 0, 'apart': 0},
        'rwkv7': {'value_rank': 32},
    },
    'norm': {'layer_norm': _BIASED, 'group_norm': _BIASED, 'rms_norm': _SCALED},
    'qk_norm': {'layer_norm': _BIASED, 'rms_norm': _SCALED},
    'channel': {'mlp': {**_BIASED, **_FILTERED}, 'gated': _FILTERED, 'mixture_of_experts': _EXPERTS},
    'initial': {'weights': {'new': []}},
    'stem': {'class_token': {'registers': 0}, 'hashed_ngrams': {'once': False}, 'strided_conv': {'bias': True, 'width': 0}},
    'downsample': {'patch_merging': {'norm': 'before'}, 'in_block': {'strides': []}, 'in_block_alone': {'strides': []}},
    'head': {'next_token': _CAPPED, 'tied_next_token': _CAPPED},
}
"""{socket: {kind: {field: its neutral value}}}; a test holds them to the defaults in `arch/`."""


def neutral_fields(socket: str, kind: object) -> Mapping[str, object]:
    """The fields of a kind that its spec leaves out at these values.

    >>> dict(neutral_fields('body', 'isotropic')), dict(neutral_fields('body', 'mine'))
    ({'stack': [], 'skips': 'none'}, {})
    """
    return NEUTRAL.get(socket, {}).get(kind, {}) if isinstance(kind, str) else {}


def without_neutral(config: dict) -> dict:
    """A config without the fields at neutral values.

    >>> without_neutral({'body': {'kind': 'isotropic', 'depth': 2, 'stack': []}})
    {'body': {'kind': 'isotropic', 'depth': 2}}
    >>> without_neutral({'channel': {'kind': 'behind_short_conv', 'channel': {'kind': 'gated', 'short_conv': 0}}})
    {'channel': {'kind': 'behind_short_conv', 'channel': {'kind': 'gated'}}}
    """
    return {socket: _named(socket, spec) if isinstance(spec, dict) else spec for socket, spec in config.items()}


def _named(socket: str, spec: dict) -> dict:
    fields = neutral_fields(socket, spec.get('kind'))
    named = {name: value for name, value in spec.items() if name not in fields or value != fields[name]}
    # A field that is a spec itself is one of the same socket: a mixer within a mixer.
    inner = {name: _named(socket, value) for name, value in named.items() if isinstance(value, dict) and 'kind' in value}
    return {**named, **inner}
