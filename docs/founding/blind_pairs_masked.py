"""Does hiding tokens of pictures teach what captions leave out?

Beside captions that never tell one attribute, and two views of a picture that are to meet: pictures with half of their tokens
hidden, which are to be told (BERT's lesson, 1810.04805, on pictures as in BEiT, 2106.08254), and halves of each. The body
is the same, a probe reads all that the head gives, and both sets of scenes are asked: made ones and handwritten digits
(docs/pairs.md).

Cost: about 580 training runs. No files are needed.
Run: archlab run docs/founding/blind_pairs_masked.py
"""

from ablations.spaces import log
from ablations.study import Study, task

LESSONS = ('captions', 'views', 'masked')


def only(*lessons: str) -> dict[str, float]:
    """Weights that leave the other lessons out."""
    return {f'domain_weight_{number}': 0.0 for number, name in enumerate(LESSONS, 1) if name not in lessons}


MIXED = {
    'captions_views': ('captions', 'views'),
    'captions_masked': ('captions', 'masked'),
    'views_masked': ('views', 'masked'),
}
study = Study(
    name='blind_pairs_masked',
    question=__doc__,
    arms=dict.fromkeys((*LESSONS, *MIXED), ()),
    tasks=(
        task('blind_to_colour_masked'),
        task('blind_to_quarter_masked'),
        task('digits_blind_to_colour'),
        task('digits_blind_to_quarter'),
    ),
    tune={'adamw': {'lr': log(5e-4, 2e-2), 'weight_decay': log(1e-3, 1.0)}},
    arm_fixed={name: only(name) for name in LESSONS} | {name: only(*lessons) for name, lessons in MIXED.items()},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
