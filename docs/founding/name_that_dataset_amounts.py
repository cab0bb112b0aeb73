"""How much data does it take to name the set that an example comes from, and of how many sets?

Name that dataset (2403.08632) against the amount of data, as the paper draws it: from few to many training examples, and from
two sets up to all, on images of made collections and on pieces of the sources of packages of Python. Each model has its own
best recipe at each amount.

Cost: about 470 training runs. No files are needed; docs/origins.md has the same for sets of one's own.
Run: archlab run docs/founding/name_that_dataset_amounts.py
"""

from ablations.shapes import amounts
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases

CONVOLUTION = {'kind': 'depthwise_conv', 'kernel': 9, 'bias': True}
IMAGES = task('collections', steps=200, base=bases.convnext(4, patch=2, widths=[24], depths=[2], kernel=3))
PIECES = task('packages', steps=200, base=bases.texts(257, 128, 6, width=32, depth=1, mixer=CONVOLUTION))
TRAIN = [128, 512, 2048]

study = Study(
    name='name_that_dataset_amounts',
    question=__doc__,
    arms={'convolution': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(
        *amounts(IMAGES, train=TRAIN),
        *amounts(PIECES, train=TRAIN),
        *amounts(IMAGES, classes=[2, 3, 4]),
        *amounts(PIECES, classes=[2, 4, 6]),
    ),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    trials=8,
    extension=2,
    replicates=3,
    seeds=2,
)
