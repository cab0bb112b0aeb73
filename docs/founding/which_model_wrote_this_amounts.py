"""How many prompts does it take to tell which model wrote an answer, and what is learned first?

Which model wrote this (2502.12150) against the number of prompts that training sees, all answers to each: eight made writers,
as they write and with their words shuffled, and pieces of six packages of Python, as they are and by their first four words;
there a group is a file. A bag of n-grams, which knows no order beyond five bytes, and attention. Each model has its own best
recipe at each amount.

Cost: 576 training runs. No files are needed; docs/origins.md has the same for answers of one's own.
Run: archlab run docs/founding/which_model_wrote_this_amounts.py
"""

from ablations.shapes import amounts
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases

PROMPTS, FILES = [25, 100, 400], [10, 30, 60]


def texts(name, outputs):
    """A task of the lab under a bag of n-grams."""
    return task(name, steps=200, base=bases.ngrams(257, outputs, width=32, sizes=[2, 3, 4, 5], buckets=4096))


study = Study(
    name='which_model_wrote_this_amounts',
    question=__doc__,
    arms={
        'ngrams': (),
        'attention': (swap('mixer', 'attention', heads=2), swap('position', 'learned', length=128)),
    },
    tasks=(
        *amounts(texts('writers', 8), groups=PROMPTS),
        *amounts(texts('writers_shuffled_words', 8), groups=PROMPTS),
        *amounts(texts('packages', 6), groups=FILES),
        *amounts(texts('packages_first_words', 6), groups=FILES),
    ),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
