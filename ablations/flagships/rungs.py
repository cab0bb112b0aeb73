"""Rungs: the sizes and budgets at which a flagship asks its claim, and tasks of the lab at a rung."""

import dataclasses

from ablations.config import Put, Swap, changed, swap
from ablations.spaces import log
from ablations.tasks import Task, bases, task
from ablations.tasks.decoders import decoder

CPU, GPU = 'cpu', 'gpu'
SEQUENCES, IMAGES = 8, 32
"""Batches, small enough that all small rungs and three of the medium ones fit into 60 hours of one CPU core."""


@dataclasses.dataclass(frozen=True)
class Rung:
    """How large models are, how long they learn, and where that is meant to run: on a 'cpu' or a 'gpu'.

    `width`, `depth` and `heads` are of models of sequences, `widths` and `depths` of models of images.
    """

    name: str
    place: str
    steps: int
    width: int
    depth: int
    heads: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]


SMALL = Rung('small', CPU, 400, width=32, depth=2, heads=2, widths=(16, 32), depths=(1, 1))
MEDIUM = Rung('medium', CPU, 1000, width=96, depth=3, heads=4, widths=(64, 128), depths=(2, 2))
LARGE = Rung('large', GPU, 3000, width=160, depth=4, heads=4, widths=(128, 256), depths=(2, 3))
RUNGS = (SMALL, MEDIUM, LARGE)
"""About 20 to 40 thousand, 0.3 million, and 1.3 million parameters."""
ROTARY = swap('position', 'rotary', base=10000.0)
ADAMW = {'adamw': {'lr': log(3e-4, 5e-2), 'weight_decay': log(1e-3, 1.0)}}
"""What most flagships tune."""


def sequence(item: Task, rung: Rung, *changes: Put | Swap, **known: int) -> Task:
    """A task over tokens under a causal decoder of the rung's size: norms first, learned positions, attention.

    `changes` are of that base; `known` are facts of the dataset, as for `decoder` of ablations/tasks/decoders.py.
    """
    base = decoder(item.data, rung.width, rung.depth, {'kind': 'attention', 'heads': rung.heads}, 4.0, **known)
    return dataclasses.replace(item, steps=rung.steps, batch=SEQUENCES, evaluations=2, base=changed(base, changes))


def texts(rung: Rung, *changes: Put | Swap) -> tuple[Task, ...]:
    """Stories and plays in bytes: two datasets of text."""
    plays = task('tiny_shakespeare_bytes')
    bytewise = {**task('tinystories').data, 'tokens': 'bytes', 'vocabulary': 0}
    stories = task('tinystories', name='tinystories_bytes', data=bytewise, chance=plays.chance)
    return sequence(stories, rung, *changes), sequence(plays, rung, *changes)


def images(rung: Rung, base: dict) -> tuple[Task, ...]:
    """Small photos and pieces of clothing, these with a border, so that both are 32 x 32: two datasets under one base."""
    budget = {'steps': rung.steps, 'batch': IMAGES, 'evaluations': 2, 'base': base}
    clothes = {**task('fashion_mnist').data, 'border': 2}
    return task('cifar10', **budget), task('fashion_mnist', data=clothes, **budget)


def convnext_images(rung: Rung) -> tuple[Task, ...]:
    """The same under a ConvNeXt of the rung's size."""
    base = bases.convnext(10, patch=4, widths=list(rung.widths), depths=list(rung.depths), kernel=5)
    return images(rung, base)
