"""Above: how many layers stand between a parameter and the scores, for learning rates that fall layer by layer."""

from collections.abc import Mapping, Sequence

import jax

from arch.roles import names

BELOW = ('stem', 'position', 'latents', 'join', 'codes')
INSIDE = ('hand_on', 'position_inside')
"""What stands between the blocks over patches and those inside them."""


def layers_above(params: dict, stages: Sequence[int], blocks: Sequence[int], scanned: Mapping[str, range]) -> dict:
    """The number of layers above every parameter, as a tree of the same shape: 0 for the head, 1 for the last block.

    The stem, the position, latents and what makes patches of tokens are a layer of their own below all blocks. A downsample, a
    reading, a skip and what leads from patches to their insides stand with the block behind.
    `stages` are numbers of blocks, and `blocks` is the number for each block, itself counted. For `scanned` modules it is a
    tuple with the number of each block that they hold.

    >>> tree = {'stem': {'kernel': 0}, 'block_0': {'bias': 0}, 'blocks_1': {'bias': 0}, 'head': {'head': {'kernel': 0}}}
    >>> layers_above(tree, (1, 2), (3, 2, 1), {'blocks_1': range(1, 3)})
    {'block_0': {'bias': 3}, 'blocks_1': {'bias': (2, 1)}, 'head': {'head': {'kernel': 0}}, 'stem': {'kernel': 4}}
    """
    lowest = max(blocks, default=0) + 1

    def own(path: tuple, leaf: object) -> int | tuple[int, ...]:
        module = names(path)[0]
        word, _, number = module.partition('_')
        if module in BELOW:
            return lowest
        if module in INSIDE:
            return blocks[stages[0]]
        if module in scanned:
            return tuple(blocks[layer] for layer in scanned[module])
        if word in ('block', 'skip'):
            return blocks[int(number)]
        if word in ('downsample', 'reading'):
            return blocks[sum(stages[: int(number)])]
        return 0

    return jax.tree_util.tree_map_with_path(own, params)
