"""Outline: what each part of a model is, in a few words of its socket, its kind and its sizes."""

import jax
import jax.numpy as jnp
import pytest

from ablations.tasks.bases import decoder
from arch.outline import outline

IDS = jax.ShapeDtypeStruct((2, 6), jnp.int32)
CONFIG = {
    **decoder(vocabulary=5, length=6, width=8, depth=5, mixer={'kind': 'attention', 'heads': 2}, ratio=2.0),
    'norm': {'kind': 'rms_norm', 'eps': 1e-6},
    'qk_norm': {'kind': 'rms_norm', 'eps': 1e-6},
}


@pytest.fixture(scope='module')
def parts():
    return {part.name: part for part in outline(CONFIG, IDS)}


def inside(part, *path):
    for name in path:
        part = next(one for one in part.inside if one.name == name)
    return part


def test_equal_blocks_are_one_part_of_so_many(parts):
    assert {name: part.times for name, part in parts.items()} == {'stem': 1, 'position': 1, 'block_0': 5, 'head': 1}
    assert parts['block_0'].params == sum(part.params for part in parts['block_0'].inside)


def test_a_norm_of_queries_fills_its_own_socket_and_others_theirs(parts):
    block = parts['block_0']
    for path, socket, kind in (
        (('norm_mixer',), 'norm', 'rms_norm'),
        (('mixer', 'query_norm'), 'qk_norm', 'rms_norm'),
        (('mixer',), 'mixer', 'attention'),
        (('mixer', 'query'), '', 'Dense'),
    ):
        part = inside(block, *path)
        assert (part.socket, part.kind) == (socket, kind)
    assert inside(block, 'mixer').spec == {'heads': 2} and inside(block, 'norm_mixer').spec == {'eps': 1e-6}
    assert block.spec == {} == inside(block, 'mixer', 'query').spec


def test_shapes_are_those_of_one_example_and_kernels_a_parts_own(parts):
    mixer = inside(parts['block_0'], 'mixer')
    assert (mixer.shape, mixer.kernel) == (((6, 8),), ())
    assert (inside(mixer, 'query').shape, inside(mixer, 'query').kernel) == (((6, 8),), (8, 8))
    assert inside(mixer, 'query_norm').shape == ((6, 2, 4),) and inside(mixer, 'query').params == 8 * 8 + 8
    assert parts['head'].shape == ((6, 5),) and parts['stem'].params == 5 * 8


def test_blocks_that_differ_in_anything_are_parts_of_their_own():
    stack = [{'times': 2}, {'norm': {'eps': 1e-3}}, {'channel': {'kind': 'mlp', 'ratio': 1.0}}]
    made = outline({**CONFIG, 'body': {**CONFIG['body'], 'stack': stack}}, IDS)
    assert [(part.name, part.times) for part in made if part.socket == 'block'] == [
        ('block_0', 2),
        ('block_2', 1),
        ('block_3', 1),
        ('block_4', 1),
    ]
