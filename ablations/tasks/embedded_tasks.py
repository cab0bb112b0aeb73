"""Tasks whose data come with the lab or a dependency: nothing has to be prepared."""

import math

from ablations.tasks import bases
from ablations.tasks.decoders import ATTENTION, CONVOLUTION, decoder, sizes
from ablations.tasks.task import Task

DIGITS = Task(
    name='digits',
    dataset='digits',
    domain='images',
    metric='accuracy',
    unit='share of images',
    direction='higher',
    chance=0.1,
    margin=0.01,
    steps=140,
    batch=64,
    evaluations=2,
    data={'kind': 'digits'},
    base=bases.convnext(outputs=10, patch=2, widths=[16, 32], depths=[1, 1], kernel=3),
)

_RECALL = {'kind': 'recall', 'pairs': 2, 'keys': 8, 'values': 4}
RECALL = Task(
    name='recall',
    dataset='recall',
    domain='synthetic sequences',
    metric='accuracy',
    unit='share of answers',
    direction='higher',
    chance=1 / sizes(_RECALL).choices,
    margin=0.02,
    steps=200,
    batch=64,
    evaluations=4,
    data=_RECALL,
    base=decoder(_RECALL, width=32, depth=2, mixer=ATTENTION, ratio=2.0),
)

_STDLIB_BYTES = {'kind': 'stdlib_bytes', 'length': 32}
STDLIB_BYTES = Task(
    name='stdlib_bytes',
    dataset='stdlib_bytes',
    domain='text',
    metric='loss',
    unit='nats per byte',
    direction='lower',
    chance=math.log(sizes(_STDLIB_BYTES).choices),
    margin=0.02,
    steps=180,
    batch=16,
    evaluations=2,
    data=_STDLIB_BYTES,
    base=decoder(_STDLIB_BYTES, width=32, depth=2, mixer=CONVOLUTION, ratio=2.0),
)
