"""Swin V2 against Swinv2ForImageClassification of transformers: scores and gradients with the same numbers."""

import numpy as np
import parity
import pytest

from arch.published import MODELS
from arch.published.swin_v2 import from_transformers, swin_v2


def reference(
    widths: list[int], depths: list[int], head_size: int, window: int, size: int, pretrained_window: int, **sizes: object
):
    from transformers import Swinv2Config, Swinv2ForImageClassification

    config = Swinv2Config(
        **{'image_size': size, 'num_labels': 5, 'mlp_ratio': 2.0, **sizes},
        patch_size=4,
        embed_dim=widths[0],
        depths=depths,
        num_heads=[width // head_size for width in widths],
        window_size=window,
        pretrained_window_sizes=[pretrained_window] * len(widths),
        drop_path_rate=0.0,
        layer_norm_eps=1e-5,
    )
    return parity.randomised(Swinv2ForImageClassification(config))


CASES = {
    # Maps of 12 and 6 positions a side: 36 windows, then an odd number of them, 9, shifted in both.
    'nine windows': ([8, 16], [2, 2], 4, 2, (48, 48), 0),
    # 4 and 2: the second map is smaller than a window.
    'small map': ([8, 16], [2, 2], 4, 4, (16, 16), 0),
    # Rows and columns differ, and steps are measured in other windows than there are.
    'oblong': ([8, 16], [2, 3], 8, 2, (48, 32), 3),
}


def case(name: str, **body: object):
    widths, depths, head_size, window, size, pretrained = CASES[name]
    config = swin_v2(5, widths, depths, head_size, window, ratio=2.0, pretrained_window=pretrained)
    config['body'].update(body)
    return config, reference(widths, depths, head_size, window, size[0], pretrained), parity.images(2, *size, 3)


@pytest.mark.parametrize('name', CASES)
def test_scores_agree(name):
    config, model, x = case(name)
    parity.same_logits(config, from_transformers, model, x, modes=(False,))


def test_scores_agree_in_training_in_a_scanned_body():
    config, model, x = case('nine windows', over_depth='scan')
    parity.same_logits(config, from_transformers, model, x, modes=(True,))


def test_gradients_agree():
    config, model, x = case('nine windows')
    parity.same_gradients(config, from_transformers, model, x, np.array([0, 3], np.int32))


def test_the_file_of_the_reference_is_read(tmp_path):
    config, model, _ = case('oblong')
    parity.same_file(config, from_transformers, model, tmp_path)


@pytest.mark.slow
def test_the_tiny_model_agrees():
    config = MODELS['swinv2_tiny_patch4_window8_256'].config
    widths, depths = config['body']['widths'], config['body']['depths']
    model = reference(widths, depths, 32, 8, 256, 0, num_labels=1000, mlp_ratio=4.0)
    parity.randomised(model, deviation=0.05)
    parity.same_logits(config, from_transformers, model, parity.images(1, 256, 256, 3), modes=(False,))
