"""Can a small model name the set that an example comes from, and which mixer does it best?

Name that dataset (2403.08632), on images of four made collections and on pieces of the sources of six packages of Python.
In the two tasks called halves every example is of one of two random halves: there is nothing to learn, and a lab that finds
a difference there is broken.

Cost: about 380 training runs. No files are needed; docs/origins.md has the same for sets of one's own.
Run: archlab run docs/founding/name_that_dataset.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases

CONVOLUTION = {'kind': 'depthwise_conv', 'kernel': 9, 'bias': True}


def _pieces(name: str, outputs: int) -> object:
    return task(name, steps=200, base=bases.texts(257, 128, outputs, width=32, depth=1, mixer=CONVOLUTION))


def _images(name: str, outputs: int) -> object:
    return task(name, steps=200, base=bases.convnext(outputs, patch=2, widths=[24], depths=[2], kernel=3))


study = Study(
    name='name_that_dataset',
    question=__doc__,
    arms={
        'convolution': (),
        'attention': swap('mixer', 'attention', heads=2),
        'no_mixer': swap('mixer', 'identity'),
    },
    tasks=(_images('collections', 4), _pieces('packages', 6), _images('collection_halves', 2), _pieces('package_halves', 2)),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    replicates=3,
)
