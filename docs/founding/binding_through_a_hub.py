"""Do two modalities meet that were each bound to a third alone?

Scenes as pictures, in words and in sounds, of made figures and of handwritten digits (docs/pairs.md). `hub` learns pairs with
the hub only: words and sounds never stand together, and are to find each other through pictures, as pictures and sounds are
through words. `taught` learns the scored pair too: the ceiling. `towers` have layers of their own for each modality. The
temperature is tuned for each arm. In unbound tasks sounds are those of other scenes, so that nothing may be found through the
hub.

Cost: about 360 training runs. No files are needed.
Run: archlab run docs/founding/binding_through_a_hub.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task

APART = {'domain_weight_3': 0.0}

study = Study(
    name='binding_through_a_hub',
    question=__doc__,
    arms={
        'hub': (),
        'taught': (),
        'towers': swap('body', 'towers', width=32, depths=[2, 2, 2], marks=[[21, 24], [22], [23]]),
    },
    tasks=(
        task('words_meet_sounds'),
        task('pictures_meet_sounds'),
        task('digits_words_meet_sounds'),
        task('words_meet_sounds_unbound'),
        task('digits_words_meet_sounds_unbound'),
    ),
    tune={'adamw': {'lr': log(5e-4, 2e-2), 'weight_decay': log(1e-3, 1.0), 'temperature': log(0.02, 0.5)}},
    arm_fixed=dict.fromkeys(('hub', 'towers'), APART),
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
