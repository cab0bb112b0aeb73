"""Which norm is best, once every model has its own recipe: LayerNorm, RMSNorm, batch norm, dynamic tanh, dynamic erf, none?

Three datasets of different kinds: images, text bytes and associative recall. Batch norm mixes the examples of a batch and
later tokens of a sequence in its statistics, so on the two causal tasks it sees what the others do not while training. The
squashing norms also tune the gain that they start with, at the same number of trials.

Cost: about 2,900 training runs; 20 minutes on two CPU cores.
Run: archlab run norms
"""

from ablations.spaces import log
from ablations.study import Study, swap

study = Study(
    name='norms',
    question=__doc__,
    arms={
        'layer_norm': (),
        'rms_norm': swap('norm', 'rms_norm'),
        'batch_norm': swap('norm', 'batch_norm'),
        'dynamic_tanh': swap('norm', 'dynamic_tanh'),
        'dynamic_erf': swap('norm', 'dynamic_erf'),
        'no_norm': swap('norm', 'identity'),
        'layer_norm_again': (),
    },
    tasks=('digits', 'recall', 'stdlib_bytes'),
    tune={
        'adamw': {'lr': log(3e-4, 5e-2), 'weight_decay': log(1e-3, 1.0)},
        'sgd': {'lr': log(1e-2, 3.0), 'weight_decay': log(1e-5, 1e-2)},
    },
    own={'dynamic_tanh': {'alpha0': log(0.1, 2.0)}, 'dynamic_erf': {'alpha0': log(0.1, 2.0)}},
    share=True,
)
