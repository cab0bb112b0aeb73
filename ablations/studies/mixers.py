"""Which mixer suits which language: text, pixels, arithmetic, a regular language, one small causal decoder for all of them?

Everything is language here: bytes of sources, grey values of digits row by row, sums written in figures, and strings of a
random automaton. All arms have the same learned positions. `no_mixer` mixes nothing: what it scores is what the last token
and its place alone tell.

Cost: about 2,000 training runs. No files are needed.
Run: archlab run mixers
"""

from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import bases


def _language(name: str, vocabulary: int, length: int, steps: int) -> object:
    mixer = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
    return task(name, steps=steps, evaluations=2, base=bases.decoder(vocabulary, length, 32, 2, mixer, 2.0))


study = Study(
    name='mixers',
    question=__doc__,
    arms={
        'attention': (),
        'depthwise_conv': swap('mixer', 'depthwise_conv', kernel=5),
        'linear_attention': swap('mixer', 'linear_attention'),
        'gated_linear_attention': swap('mixer', 'gated_linear_attention'),
        'selective_state_space': swap('mixer', 'selective_state_space'),
        'no_mixer': swap('mixer', 'identity'),
        'attention_again': (),
    },
    tasks=(
        _language('stdlib_bytes', 256, 32, 300),
        _language('digits_pixels', 256, 64, 300),
        _language('arithmetic', 14, 10, 600),
        _language('regular_language', 4, 32, 600),
    ),
    tune={'adamw': {'lr': log(3e-4, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
)
