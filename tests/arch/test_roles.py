"""Roles are read from names alone, and an unknown name raises."""

import pytest

from arch.roles import LEAVES, ROLES, role, roles

CASES = [
    (('stem', 'patches', 'kernel'), 'embedding'),
    (('stem', 'embedding'), 'embedding'),
    (('position', 'embedding'), 'embedding'),
    (('block_0', 'mixer', 'query', 'kernel'), 'matrix'),
    (('block_0', 'mixer', 'query', 'bias'), 'vector'),
    (('block_1', 'mixer', 'depthwise', 'kernel'), 'conv'),
    (('block_1', 'mixer', 'depthwise', 'bias'), 'vector'),
    (('block_1', 'residual', 'gain'), 'vector'),
    (('block_1', 'norm', 'shift'), 'vector'),
    (('downsample_1', 'patches', 'kernel'), 'matrix'),
    (('head', 'norm', 'scale'), 'vector'),
    (('head', 'head', 'kernel'), 'head'),
    (('head', 'head', 'bias'), 'vector'),
]


@pytest.mark.parametrize(('path', 'expected'), CASES, ids=['/'.join(path) for path, _ in CASES])
def test_role(path, expected):
    assert role(path) == expected
    assert expected in ROLES


def test_roles_keep_the_tree():
    assert roles({'head': {'head': {'kernel': 1, 'bias': 2}}}) == {'head': {'head': {'kernel': 'head', 'bias': 'vector'}}}


def test_an_unknown_name_raises():
    with pytest.raises(
        ValueError, match=r"parameter 'block_0/mixer/weight': 'weight' is no parameter name; allowed: \['kernel'"
    ):
        role(('block_0', 'mixer', 'weight'))
    assert 'weight' not in LEAVES
