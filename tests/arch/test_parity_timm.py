"""MetaFormer baselines and DeiT III against timm: scores and gradients with the same numbers."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import parity
import pytest

from arch.model import build
from arch.published import deit3, metaformer_baselines

timm = pytest.importorskip('timm', reason='timm is not installed: pip install archlab[parity]')

WIDTHS, DEPTHS = (32, 64, 96, 128), (1, 1, 2, 1)
LABELS = np.array([0, 3, 4], np.int32)
FORMERS = {
    'pool': (metaformer_baselines.poolformer_v2, 'Pooling', 'GroupNorm1NoBias', False),
    'convolutions': (metaformer_baselines.convformer, 'SepConv', 'LayerNorm2dNoBias', True),
    'convolutions, then attention': (metaformer_baselines.caformer, None, None, True),
}


def former(mixers: str | None, norms: str | None, mlp: bool):
    from timm.models import metaformer

    made = {
        'token_mixers': [metaformer.SepConv] * 2 + [metaformer.Attention] * 2,
        'norm_layers': [metaformer.LayerNorm2dNoBias] * 2 + [metaformer.LayerNormNoBias] * 2,
    }
    if mixers:
        made = {'token_mixers': getattr(metaformer, mixers), 'norm_layers': getattr(metaformer, norms)}
    model = metaformer.MetaFormer(depths=DEPTHS, dims=WIDTHS, num_classes=5, use_mlp_head=mlp, **made)
    return parity.randomised(model, deviation=0.1)


def images(size: int = 64) -> np.ndarray:
    """Images whose first row and column are 0: what a stem with two zeros in front sees of them, one with three sees too."""
    x = parity.images(3, size, size, 3)
    x[:, 0], x[:, :, 0] = 0, 0
    return x


def moved(x: np.ndarray) -> np.ndarray:
    """The images a pixel further up and to the left."""
    return np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))[:, 1:, 1:]


def assert_agree(config: dict, map_of: Callable, model: object, x: np.ndarray, ours: np.ndarray) -> None:
    """Scores and the gradients of the mean cross-entropy agree; `ours` is what our model is given for x."""
    params, state = map_of(config, parity.tensors_of(model))
    built = build(config)

    @jax.jit
    def run(params: dict) -> tuple:
        y = built.apply(params, state, jnp.asarray(ours), knobs={}, key=jax.random.key(0), train=False)[0]
        return -jax.nn.log_softmax(y)[jnp.arange(3), LABELS].mean(), y

    slopes, y = jax.grad(run, has_aux=True)(params)
    wanted = model.eval()(parity.given(x))
    parity.torch.nn.functional.cross_entropy(wanted, parity.torch.from_numpy(LABELS).long()).backward()
    wanted = wanted.detach().numpy()
    np.testing.assert_allclose(y, wanted, atol=1e-4 * np.abs(wanted).max())
    # The map is linear: the gradients in the place of the parameters give ours.
    told = map_of(config, {part: own.grad.numpy() for part, own in model.named_parameters()})[0]
    assert jax.tree.structure(told) == jax.tree.structure(slopes)
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(told))
    for (path, leaf), other in zip(jax.tree.leaves_with_path(told), jax.tree.leaves(slopes), strict=True):
        allowed = 1e-3 * np.abs(leaf).max() + 1e-6 * largest
        np.testing.assert_allclose(other, leaf, atol=allowed, err_msg=jax.tree_util.keystr(path))


@pytest.mark.parametrize('name', FORMERS)
def test_metaformers_agree_in_scores_and_gradients(name):
    ours, *theirs = FORMERS[name]
    config, x = ours(DEPTHS, WIDTHS), images()
    config['head']['outputs'] = 5
    assert_agree(config, metaformer_baselines.from_timm, former(*theirs), x, moved(x))


@pytest.mark.parametrize('registers', [0, 3])
def test_deit3_agrees_in_scores_and_gradients(registers):
    from timm.models.vision_transformer import VisionTransformer

    sizes = {'img_size': 16, 'patch_size': 4, 'embed_dim': 12, 'depth': 2, 'num_heads': 3, 'num_classes': 5}
    model = parity.randomised(VisionTransformer(**sizes, no_embed_class=True, init_values=1e-4, reg_tokens=registers))
    x = parity.images(3, 16, 16, 3)
    assert_agree(deit3.deit3(5, 16, 4, 12, 2, 3, registers), deit3.from_timm, model, x, x)
