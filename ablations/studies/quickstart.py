"""Do small networks need LayerNorm once every model has its own recipe?

Five arms on images (a small ConvNeXt) and on the bytes of Python sources (a small causal convolutional model), two
optimizer types. Two of the arms test the lab itself: `layer_norm_again` is the base under another name, on which an honest
lab claims nothing; `no_mixer` has its mixer removed, a loss that a lab with power must find.

Cost: about 820 training runs of a fraction of a second; five minutes on two CPU cores.
Run: archlab run quickstart
"""

from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks.bases import convnext

# One stage: nothing but the mixer moves information between the patches of an image.
digits = task('digits', base=convnext(outputs=10, patch=2, widths=[16], depths=[2], kernel=3))

study = Study(
    name='quickstart',
    question=__doc__,
    arms={
        'layer_norm': (),
        'rms_norm': swap('norm', 'rms_norm'),
        'dynamic_tanh': swap('norm', 'dynamic_tanh'),
        'layer_norm_again': (),
        'no_mixer': swap('mixer', 'identity'),
    },
    tasks=(digits, 'stdlib_bytes'),
    tune={
        'adamw': {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)},
        'sgd': {'lr': log(3e-2, 3.0), 'weight_decay': log(1e-5, 1e-2)},
    },
    replicates=3,
    share=True,
)
