"""What each body looks at before it computes: every check that bodies share, with its own places and widths."""

import importlib

import pytest

from ablations.tasks.bases import convnext, decoder
from arch.model_sockets import Sockets
from arch.sockets import TABLES

TEXT = decoder(vocabulary=5, length=6, width=8, depth=3, mixer={'kind': 'attention', 'heads': 2}, ratio=1.0)
TEXT = {**TEXT, 'position': {'kind': 'none'}}
MAPS = convnext(outputs=3, patch=2, widths=[8, 16], depths=[2, 1], kernel=3)
LABELS = {**TEXT, 'head': {'kind': 'classifier', 'outputs': 3}}
SHARED = [('check_needs',), ('check_streams',), ('check_moved',), ('check_layer_positions',)]
BOTH = 'isotropic', 'causal', 'tokens'


def of(base: dict, kind: str, **fields: object) -> dict:
    return {**base, 'body': {'kind': kind, **fields}}


CASES = {
    'row': (
        of(LABELS, 'isotropic', width=8, depth=3, skips='weighted'),
        [
            ('check_choices', 'isotropic', 'loop', 'float32'),
            ('check_skips', 'isotropic', 'weighted', 3),
            *SHARED,
            ('check_places', 'isotropic', 'bidirectional'),
            ('check_widths', (8, 8, 8), False),
        ],
    ),
    'causal row': (
        of(TEXT, 'isotropic', width=8, depth=2, causal=True, over_depth='scan', compute='bfloat16'),
        [
            ('check_choices', 'isotropic', 'scan', 'bfloat16'),
            ('check_skips', 'isotropic', 'none', 2),
            *SHARED,
            ('check_places', 'isotropic', 'causal'),
            ('check_widths', (8, 8), True),
        ],
    ),
    'stages': (
        MAPS,
        [
            ('check_choices', 'hierarchical', 'loop', 'float32'),
            *SHARED,
            ('check_places', 'hierarchical', 'bidirectional'),
            ('check_widths', [8, 8, 16], False),
        ],
    ),
    'towers': (
        of(LABELS, 'towers', width=8, depths=[1, 2]),
        [
            ('check_choices', 'towers', 'loop', 'float32'),
            *SHARED[:2],
            ('check_moved', 'a tower reads the examples of others too'),
            SHARED[3],
            ('check_places', 'isotropic', 'bidirectional', 'tokens'),
            ('check_widths', (8, 8, 8), False),
        ],
    ),
    'causal towers': (
        of(TEXT, 'towers', width=8, depths=[1, 2], causal=True),
        [
            ('check_choices', 'towers', 'loop', 'float32'),
            *SHARED[:2],
            ('check_moved', 'a tower reads the examples of others too'),
            SHARED[3],
            ('check_places', *BOTH),
            ('check_widths', (8, 8, 8), True),
        ],
    ),
    'latents': (
        of(LABELS, 'perceiver', width=8, depths=[2, 1], over_depth='scan'),
        [
            ('check_choices', 'perceiver', 'scan', 'float32'),
            *SHARED[:2],
            ('check_moved', ''),
            SHARED[3],
            ('check_places', 'isotropic', 'bidirectional'),
            ('check_places', 'tokens', {'but': ('stem', 'position')}),
            ('check_widths', (8, 8, 8), False),
        ],
    ),
    'latents that share readings': (
        of(LABELS, 'perceiver', width=8, depths=[1, 1], shared=True),
        [
            ('check_choices', 'perceiver', 'loop', 'float32'),
            *SHARED[:2],
            ('check_moved', 'readings share its parameters'),
            SHARED[3],
            ('check_places', 'isotropic', 'bidirectional'),
            ('check_places', 'tokens', {'but': ('stem', 'position')}),
            ('check_widths', (8, 8), False),
        ],
    ),
    'patches': (
        of(TEXT, 'patched', width=16, inner_width=8, depths=[2, 1], code_levels=[3, 3]),
        [
            ('check_levels', "body 'patched'", (3, 3)),
            ('check_choices', 'patched', 'loop', 'float32'),
            *SHARED,
            ('check_places', 'isotropic', 'causal'),
            ('check_places', 'tokens'),
            ('check_widths', (16, 16, 8), True),
        ],
    ),
}


@pytest.mark.parametrize('name', CASES)
def test_a_body_looks_at_all_that_bodies_share(name, monkeypatch):
    config, wanted = CASES[name]
    sockets = Sockets(config, TABLES)
    body, asked = sockets.make('body', name=None), []
    module = importlib.import_module(type(body).__module__)
    for check in [one for one in vars(module) if one.startswith('check_')]:

        def noted(*given: object, check: str = check, **more: object) -> None:
            asked.append((check, *(one for one in given if not isinstance(one, Sockets)), *([more] if more else [])))
            assert check == 'check_levels' or sockets in given

        monkeypatch.setattr(module, check, noted)
    body.check()
    assert asked == wanted
