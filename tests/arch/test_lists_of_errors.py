"""Errors list what is allowed in alphabetical order, whatever order the tables have: a reader looks for a name."""

import ast
import re

import jax
import numpy as np
import pytest

from ablations.tasks.bases import convnext, decoder
from arch.config import complete
from arch.contracts import check
from arch.fits import check_generates
from arch.flax_errors import variables_of
from arch.make import make
from arch.model import build
from arch.model_sockets import Sockets
from arch.shape_lines import sizes
from arch.sockets import TABLES, load_tables

ATTENTION = {'kind': 'attention', 'heads': 2}
TEXT = decoder(vocabulary=5, length=6, width=8, depth=3, mixer=ATTENTION, ratio=1.0)
MAPS = convnext(outputs=3, patch=2, widths=[8, 16], depths=[1, 1], kernel=3)
TOWERS = {
    **TEXT,
    'body': {'kind': 'towers', 'width': 8, 'depths': [1, 1]},
    'head': {'kind': 'classifier', 'outputs': 3},
    'position': {'kind': 'none'},
}
VIT = {**TEXT, 'stem': {'kind': 'patchify', 'patch': 2}, 'head': TOWERS['head'], 'position': {'kind': 'none'}}
PERCEIVER = {**TOWERS, 'body': {'kind': 'perceiver', 'width': 8}}


def built(base: dict, body: dict | None = None, **specs: dict) -> None:
    build({**base, **specs, 'body': {**base['body'], **(body or {})}})


def read(config: dict, **knobs: float) -> None:
    model, x = build(config), np.zeros((2, 6), np.int32)
    jax.eval_shape(lambda: model.init(jax.random.key(0), x, knobs))


def file_of(folder: object, text: str) -> str:
    (folder / 'blocks.py').write_text(f'from flax import linen as nn\n{text}\n')
    return str(folder / 'blocks.py')


GROWS = {'stack': [{'residual': {'kind': 'post'}}, {'residual': {'kind': 'deep_norm'}}, {}]}
CASES = {
    'knob': lambda _: read({**TEXT, 'norm': {'kind': 'dynamic_tanh'}, 'initial': {'kind': 'normal'}}, beta=1.0),
    'socket': lambda _: complete(body={}, stem={}, mixer={}, head={}, nrom={}),
    'sockets of a model': lambda _: build({**TEXT, 'nrom': {}}),
    'a socket that is missing': lambda _: build({name: spec for name, spec in TEXT.items() if name != 'norm'}),
    'scan': lambda _: built(TEXT, {'over_depth': 'scan'}, residual={'kind': 'attention_residuals'}),
    'skips': lambda _: built(TEXT, {'skips': 'weighted'}, residual={'kind': 'hyper_connections'}),
    'tables': lambda folder: load_tables(file_of(folder, 'other = 1')),
    'misspelt table': lambda folder: load_tables(file_of(folder, "NORM = {'mine': nn.Dense}")),
    'no spec': lambda _: make('norm', TABLES['norm'], 'layer_norm'),
    'kind': lambda _: make('norm', TABLES['norm'], {'kind': 'x'}),
    'field': lambda _: make('mixer', TABLES['mixer'], {'kind': 'attention', 'x': 1}),
    'residual without tokens': lambda _: built(VIT, {'causal': False}, residual={'kind': 'value_embeddings'}),
    'place': lambda _: built(TEXT, norm={'kind': 'group_norm'}),
    'generation': lambda _: check_generates(Sockets({**TEXT, 'mixer': {'kind': 'token_mlp'}}, TABLES)),
    'need': lambda _: built(TEXT, mixer={'kind': 'pool'}, position={'kind': 'rotary'}),
    'queries': lambda _: built(TEXT, qk_norm={'kind': 'batch_norm'}),
    'streams': lambda _: built(TEXT, block={'kind': 'conv_mixer'}, residual={'kind': 'hyper_connections'}),
    'position of a layer': lambda _: built(TEXT, {'stack': [{'position': {'kind': 'sinusoidal'}}, {}]}),
    'downsample': lambda _: built(MAPS, downsample={'kind': 'none'}),
    'block of a stage': lambda _: built(MAPS, downsample={'kind': 'in_block'}),
    'tower': lambda _: built(TOWERS, norm={'kind': 'batch_norm'}),
    'position of latents': lambda _: built(PERCEIVER, position={'kind': 'alibi'}),
    'axis': lambda _: sizes(('Z',), {}),
    'family': lambda _: check('nrom', 'x'),
    'entry': lambda _: check('norm', 'x'),
}
BEFORE = {'a socket that is missing': 'it needs all of', 'no spec': 'name a kind of'}
"""The words that stand before the list, where they are not `allowed`."""


@pytest.mark.parametrize('name', CASES)
def test_what_is_allowed_is_in_order(name, tmp_path):
    with pytest.raises(ValueError, match=BEFORE.get(name, 'allowed')) as said:
        CASES[name](tmp_path)
    _, _, behind = str(said.value).partition(BEFORE.get(name, 'allowed'))
    listed = ast.literal_eval(re.search(r"\[('[^\[\]]*')\]", behind)[0])
    assert len(listed) > 1 and listed == sorted(listed)


def test_what_is_wrong_is_in_order_too():
    with pytest.raises(ValueError, match=r"residual \['deep_norm', 'post'\] norms it again or adds otherwise"):
        built(TEXT, GROWS, initial={'kind': 'mup', 'base_width': 4, 'base_depth': 2}, position={'kind': 'none'})
    with pytest.raises(ValueError, match=r'the marks \[1, 3, 9\] are there twice'):
        built(TOWERS, {'marks': [[9, 3, 1], [1, 3, 9]]})
    with pytest.raises(ValueError, match=r"variables in \['batch_stats', 'cache', 'zeros'\]; allowed"):
        variables_of({'params': {}, 'zeros': {}, 'batch_stats': {}, 'cache': {}})
    with pytest.raises(ValueError, match=r"divides by 'patch', which is no whole-number field; allowed: \['bias', 'size'\]"):
        sizes(('H/patch',), {'size': 2, 'bias': True})
