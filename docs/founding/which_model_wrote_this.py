"""Which model wrote this, and what does the answer rest on?

After 2502.12150, on eight made writers whose habits are known and on pieces of six packages of Python, split by prompt and by
file. The base is a bag of n-grams, which knows no order beyond five bytes; the arms read on from there. In the other tasks a
kind of evidence is taken out: marks, the order of words, all but the first words. The rest is what fingerprints are made of.

Cost: about 630 training runs. No files are needed; docs/origins.md has the same for real models.
Run: archlab run docs/founding/which_model_wrote_this.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases


def _texts(name: str, outputs: int) -> object:
    return task(name, steps=200, base=bases.ngrams(257, outputs, width=32, sizes=[2, 3, 4, 5], buckets=4096))


study = Study(
    name='which_model_wrote_this',
    question=__doc__,
    arms={
        'ngrams': (),
        'convolution': swap('mixer', 'depthwise_conv', kernel=9, bias=True),
        'attention': (swap('mixer', 'attention', heads=2), swap('position', 'learned', length=128)),
    },
    tasks=(
        _texts('writers', 8),
        _texts('writers_without_marks', 8),
        _texts('writers_shuffled_words', 8),
        _texts('packages', 6),
        _texts('packages_without_marks', 6),
        _texts('packages_shuffled_words', 6),
        _texts('packages_first_words', 6),
    ),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    replicates=3,
)
