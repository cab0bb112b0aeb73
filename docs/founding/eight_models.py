"""Which of eight language models wrote this answer, and does it matter how often an n-gram stands in it?

Which model wrote this (2502.12150), on answers of eight real models to the same instructions, split by instruction. The base is
a bag of n-grams in which each counts once; the other arm counts each as often as it stands there, and so is led by what all
texts are full of. From 75, 300 and all instructions; with the words of each answer shuffled; and by its first 16 words. Made
writers and pieces of six packages of Python, whose texts are short, are beside them.

Cost: about 370 training runs. docs/origins.md says where the answers are from.
Run: archlab data prepare eight_models --source PATH --skip-damaged
     archlab run docs/founding/eight_models.py
"""

from ablations.shapes import amounts
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases

BAG = {'width': 32, 'sizes': [2, 3, 4, 5], 'once': True}
ANSWERS = bases.ngrams(257, 8, buckets=32768, **BAG)

study = Study(
    name='eight_models',
    question=__doc__,
    arms={'once': (), 'each_time': swap('stem', 'hashed_ngrams', vocabulary=257, sizes=BAG['sizes'], buckets=32768)},
    tasks=(
        *amounts(task('eight_models', base=ANSWERS), groups=[75, 300]),
        task('eight_models', base=ANSWERS),
        task('eight_models_shuffled_words', base=ANSWERS),
        task('eight_models_first_words', base=ANSWERS),
        task('writers', base=ANSWERS, steps=200),
        task('packages', base=bases.ngrams(257, 6, buckets=32768, **BAG), steps=200),
    ),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-2, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
