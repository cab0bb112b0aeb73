"""Outlines and costs of small models of many sorts, part by part: tests/golden/costs_*.txt."""

import golden_texts
import jax
import jax.numpy as jnp
import pytest
from test_golden_published_sizes import MADE
from told_values import told

from arch.cost import cost_of
from arch.outline import outline

SHOWN = {'convnext_v2': 0, 'deepseek_v3': 0, 'deit3': 1, 'efficientnet': 0, 'llama': 0, 'mamba': 0, 'resnet': 0, 'swin_v2': 1}
"""Models that differ in body, stack and mixer, each by the place of its sizes."""
COUNTED = ('params_by_part', 'params_by_role', 'macs_by_part', 'macs_by_role')


@pytest.mark.parametrize('name', SHOWN)
def test_costs_are_what_they_were(name: str):
    make, *given = MADE[name][SHOWN[name]]
    config = make(*given)
    side = 48 if name == 'deit3' else 64
    tokens = config['stem']['kind'] == 'tokens'
    x = jax.ShapeDtypeStruct((1, 16), jnp.int32) if tokens else jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    counts = cost_of(config, x)
    lines = [line for part in outline(config, x) for line in told('part', part)]
    lines += [line for kind in COUNTED for line in told(kind, counts[kind])]
    golden_texts.hold(f'costs_{name}', '\n'.join(lines))
