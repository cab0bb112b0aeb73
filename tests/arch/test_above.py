"""Above: how many layers stand between each module and the scores, by the name of the module."""

import pytest

from arch.above import layers_above

STAGES, BLOCKS = (2, 3), (5, 4, 3, 2, 1)


@pytest.mark.parametrize(
    ('module', 'above'),
    [
        *[(name, 6) for name in ('stem', 'position', 'latents', 'join', 'codes')],
        *[('block_0', 5), ('block_1', 4), ('block_4', 1), ('skip_3', 2)],
        *[('downsample_0', 5), ('downsample_1', 3), ('reading_0', 5), ('reading_1', 3)],
        *[('hand_on', 3), ('position_inside', 3)],
        *[('blocks_0', (5, 4)), ('blocks_1_1', (2, 1))],
        *[('head', 0), ('leave_1', 0)],
    ],
)
def test_a_module_stands_below_so_many_layers(module, above):
    scanned = {'blocks_0': range(2), 'blocks_1_1': range(3, 5)}
    assert layers_above({module: {'mixer': {'kernel': 0}}}, STAGES, BLOCKS, scanned) == {module: {'mixer': {'kernel': above}}}


def test_a_body_that_knows_no_stages_has_its_stem_below_one_layer():
    assert layers_above({'stem': {'kernel': 0}, 'head': {'kernel': 0}}, (), (), {}) == {
        'stem': {'kernel': 1},
        'head': {'kernel': 0},
    }
