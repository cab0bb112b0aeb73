"""Maps of reference weights of convolutional models: every number arrives once, in the form of init and where it did."""

import golden_texts
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_tensors import linear, norm

from arch.model import build
from arch.published import convnext, resnet
from arch.roles import names

STEP = 10_000
"""Each tensor has the numbers from a multiple of this on, which says where a number is from."""


def convolution(name: str, inputs: int, outputs: int, taps: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f'{name}.weight': (outputs, inputs, taps, taps), **({f'{name}.bias': (outputs,)} if bias else {})}


def statistics(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {**norm(name, channels), f'{name}.running_mean': (channels,), f'{name}.running_var': (channels,)}


def convnext_shapes(called: dict[str, str]) -> dict[str, tuple[int, ...]]:
    """Two stages, of 4 and 8 channels."""
    shapes = {**convolution(called['stem'], 3, 4, 4), **norm(called['stem_norm'], 4)}
    for stage, width in enumerate((4, 8)):
        here = {part: name.format(stage=stage, number=0) for part, name in called.items()}
        if stage:
            shapes |= norm(here['downsample_norm'], 4) | convolution(here['downsample'], 4, 8, 2)
        shapes |= convolution(here['mixer'], 1, width, 7) | norm(here['norm'], width)
        shapes |= linear(here['up'], width, 4 * width) | linear(here['down'], 4 * width, width)
        shapes[here['scale']] = (width,)
    return shapes | norm(called['head_norm'], 8) | linear(called['head'], 8, 3)


def resnet_shapes(called: dict[str, str], block: str = 'bottleneck') -> dict[str, tuple[int, ...]]:
    """Two stages, of 8 and 16 channels, in bottlenecks a quarter of them inside; two blocks in the second."""
    shapes = {**convolution(called['stem'], 3, 4, 7, False), **statistics(called['stem_norm'], 4)}
    inputs = 4
    for stage, (width, depth) in enumerate(((8, 1), (16, 2))):
        for number in range(depth):
            place = {'stage': stage, 'from_1': stage + 1, 'number': number}
            if not number:
                shortcut, shortcut_norm = (called[name].format(**place) for name in ('shortcut', 'shortcut_norm'))
                shapes |= convolution(shortcut, inputs, width, 1, False) | statistics(shortcut_norm, width)
            inside = width // 4
            parts = {
                'bottleneck': [(inputs, inside, 1), (inside, inside, 3), (inside, width, 1)],
                'basic': [(inputs, width, 3), (width, width, 3)],
            }
            for part, (into, out, taps) in enumerate(parts[block]):
                product, normed = (
                    called[name].format(**place, part=part, part_from_1=part + 1) for name in ('part', 'part_norm')
                )
                shapes |= convolution(product, into, out, taps, False) | statistics(normed, out)
            inputs = width
    return shapes | linear(called['head'], 16, 3)


CASES = {
    'convnext': (convnext.convnext([4, 8], [1, 1], 3), convnext, convnext_shapes),
    'resnet': (resnet.resnet([8, 16], [1, 2], 4, 3), resnet, resnet_shapes),
    'resnet_basic': (
        resnet.resnet([8, 16], [1, 2], 4, 3, 'basic'),
        resnet,
        lambda called: resnet_shapes(called, 'basic'),
    ),
}


def given(called: dict[str, str], shapes_of) -> dict[str, np.ndarray]:
    shapes = shapes_of(called)
    return {
        name: (STEP * number + np.arange(np.prod(shape)).reshape(shape)).astype(np.float32)
        for number, (name, shape) in enumerate(shapes.items())
    }


@pytest.mark.parametrize('source', ['TRANSFORMERS', 'TIMM'])
@pytest.mark.parametrize('family', CASES)
def test_numbers_arrive_where_they_did(family, source):
    config, module, shapes_of = CASES[family]
    tensors = given(getattr(module, source), shapes_of)
    made = getattr(module, f'from_{source.lower()}')(config, tensors)
    again = module.weights(config, tensors)
    model = build(config)
    wanted = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), {}))
    assert jax.tree.map(jnp.shape, made) == jax.tree.map(jnp.shape, wanted) == jax.tree.map(jnp.shape, again)
    leaves = jax.tree_util.tree_leaves_with_path(made)
    assert all((one == other).all() for (_, one), other in zip(leaves, jax.tree.leaves(again), strict=True))
    before, after = (
        np.sort(np.concatenate([np.ravel(one) for one in some])) for some in (tensors.values(), jax.tree.leaves(made))
    )
    assert np.array_equal(before, after)
    called, told = list(tensors), []
    for path, leaf in leaves:
        number, numbers = int(leaf.min()) // STEP, np.ravel(leaf).astype(int) % STEP
        told.append(f'{"/".join(names(path[1:]))} {list(leaf.shape)} is {called[number]}, from {numbers[:5].tolist()}')
    golden_texts.hold(f'weights_{family}_{source.lower()}', '\n'.join(told))


@pytest.mark.parametrize('family', CASES)
def test_tensors_of_another_model_are_named(family):
    config, module, shapes_of = CASES[family]
    tensors = given(module.TIMM, shapes_of)
    first, *_ = tensors
    changed = {**tensors, 'more': np.zeros(2, np.float32), list(tensors)[-1]: np.zeros(7, np.float32)}
    changed[list(tensors)[-2]] = tensors[list(tensors)[-2]].astype(np.int8)
    del changed[list(tensors)[1]]
    with pytest.raises(
        ValueError, match=r'1 missing: .*2 of another shape or type: .* wanted floats: quantised.*1 not used: more;'
    ):
        module.from_timm(config, changed)
    with pytest.raises(ValueError, match=r"for mixer '\w+', the config has 'pool'"):
        module.from_timm({**config, 'mixer': {'kind': 'pool'}}, tensors)
    stem = {**tensors, first: np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match='of another shape'):
        module.from_timm(config, stem)
