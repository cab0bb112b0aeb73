"""Does a verdict hold at the next scale, and does the tuned learning rate move with width?

Three widths of one model on two datasets, each tuned on its own. `attention` asks which mixer is better and at which size the
answer turns; `mup` has the first values and learning rates of 2203.03466, at which the best rate should stay where it is. The
report fits how errors fall with size, says where lines cross, and its recipes show where the best rates lie.

Cost: about 430 training runs. No files are needed.
Run: archlab run docs/founding/scale.py
"""

from ablations.config import changed
from ablations.shapes import ladder
from ablations.spaces import log
from ablations.study import Study, put, swap, task

CONVOLUTION = swap('mixer', 'depthwise_conv', kernel=5, bias=True)
WIDTHS = {'narrow': put('body.width', 16), 'middle': put('body.width', 32), 'wide': put('body.width', 64)}
PIXELS = task('digits_pixels', steps=200, evaluations=2, base=changed(task('digits_pixels').base, (CONVOLUTION,)))

study = Study(
    name='scale',
    question=__doc__,
    arms={
        'convolution': (),
        'attention': (swap('mixer', 'attention', heads=2), swap('position', 'rotary')),
        'mup': swap('initial', 'mup', base_width=16),
    },
    tasks=(*ladder('stdlib_bytes', WIDTHS), *ladder(PIXELS, WIDTHS)),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
