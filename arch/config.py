"""Config: a complete model config, with a spec for every socket and every field, from the specs that differ."""

import copy

from arch.make import did_you_mean

RUNS = {'over_depth': 'loop', 'remat': False, 'compute': 'float32'}
"""How a body runs by default."""
PLAIN = {
    'body': {},
    'stem': {},
    'position': {'kind': 'none'},
    'block': {'kind': 'two_branch'},
    'mixer': {},
    'norm': {'kind': 'layer_norm', 'eps': 1e-6},
    'qk_norm': {'kind': 'identity'},
    'residual': {'kind': 'pre'},
    'channel': {'kind': 'mlp', 'ratio': 4.0},
    'activation': {'kind': 'gelu'},
    'downsample': {'kind': 'none'},
    'head': {},
    'initial': {'kind': 'lecun_normal', 'branch_end': 'same'},
}
"""The sockets in order, each with its plainest kind; a socket without a plainest kind is empty and must be given."""


def complete(*, body: dict, stem: dict, mixer: dict, head: dict, **what_differs: dict) -> dict:
    """The plain config with other specs in some sockets; `RUNS` has the defaults of the body's own fields.

    >>> body, ids = {'kind': 'isotropic', 'width': 8, 'depth': 2, 'causal': True}, {'kind': 'tokens', 'vocabulary': 5}
    >>> scores, norm = {'kind': 'tied_next_token'}, {'kind': 'rms_norm', 'eps': 1e-5}
    >>> config = complete(body=body, stem=ids, mixer={'kind': 'identity'}, head=scores, norm=norm)
    >>> config['norm'], config['residual'], config['body']['over_depth']
    ({'kind': 'rms_norm', 'eps': 1e-05}, {'kind': 'pre'}, 'loop')

    Raises ValueError for a socket that no model has.
    """
    for socket in what_differs:
        if socket not in PLAIN:
            raise ValueError(f"unknown socket '{socket}'; allowed: {sorted(PLAIN)}.{did_you_mean(socket, PLAIN)}")
    given = {'body': {**body, **{name: value for name, value in RUNS.items() if name not in body}}}
    return copy.deepcopy({**PLAIN, **given, 'stem': stem, 'mixer': mixer, 'head': head, **what_differs})
