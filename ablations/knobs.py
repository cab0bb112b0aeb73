"""Knobs: every value of the lab's own that a study may tune or fix, with its meaning and its bounds.

This is their only declaration. A reader of a knob names it in its KNOBS with its default, because two readers of one knob may
have different defaults. It is pure data, so a study is checked without jax. A user's own block declares its knobs in its own
file, with `arch.flags.Knob`.
"""

import dataclasses

from ablations.bounds import SHARE, Bounds
from ablations.schedules import FIRST_SCALE, NAMED, SCALES, SCHEDULES

POSITIVE = Bounds(above=True)
DECAY = Bounds(0, 1, below=True)
"""A moving average with a decay of 1 never changes, and a batch that is all replay teaches nothing new."""
ANY_SIZE = Bounds()
ROLES = {
    'matrix': 'matrices',
    'conv': 'convolutions',
    'embedding': 'embeddings',
    'head': 'the head',
    'vector': 'biases, scales and gains',
}
"""The roles of parameters (arch/roles.py), in words."""


@dataclasses.dataclass(frozen=True)
class Knob:
    """The meaning and the bounds of a knob; `instead` is the advice for a value outside.

    >>> KNOBS['clip'].bounds
    Bounds(low=0.0, high=inf, above=True, below=False, fades=False)
    """

    about: str
    bounds: Bounds
    instead: str = ''


KNOBS = {
    'lr': Knob('learning rate at the peak of the schedule', POSITIVE),
    'weight_decay': Knob(
        'decay of matrices, convolutions, embeddings and heads in a step, times the learning rate', Bounds(fades=True)
    ),
    **{f'lr_{role}': Knob(f'learning rate of {what}, as a share of lr', ANY_SIZE) for role, what in ROLES.items()},
    **{
        f'weight_decay_{role}': Knob(f'weight decay of {what}, as a share of weight_decay', ANY_SIZE)
        for role, what in ROLES.items()
    },
    'batch': Knob('examples in a step; there are as many steps as make the same examples', Bounds(1)),
    'accumulate': Knob('gradients whose mean makes one step', Bounds(1)),
    'ema': Knob('decay of a moving average of the weights, scored beside them; 0 for none', DECAY),
    'layer_decay': Knob('share of the learning rate that a layer has of that of the next one', SHARE),
    'clip': Knob('largest global norm of a gradient', POSITIVE, 'for no clipping give a large number such as 1e9'),
    'b1': Knob('decay of the first moment', DECAY),
    'b2': Knob('decay of the second moment; of lion, of its momentum', DECAY),
    'b3': Knob('decay of the third moment', DECAY),
    'eps': Knob('what is added to the root of the second moment', ANY_SIZE),
    'momentum': Knob('decay of the momentum', DECAY),
    'decay_rate': Knob('c of the decay 1 - t^-c of the second moment at step t', Bounds(0, 1, above=True)),
    'gamma': Knob("how much of the gradient's change since the last step is added", ANY_SIZE),
    'first_distance': Knob('first bound of the distance to the solution', POSITIVE),
    'refresh_steps': Knob('steps after which eigenvectors or roots of a matrix are made anew', Bounds(1)),
    'curvature_share': Knob('factor of the curvature by which a step is divided', POSITIVE),
    'ridge': Knob('what is added to eigenvalues, as a share of the largest', POSITIVE),
    'matrix_scale': Knob('size of the steps of matrices, by name', Bounds(FIRST_SCALE, FIRST_SCALE + len(SCALES) - 1)),
    'newton_schulz': Knob('iterations that make the momentum of a matrix orthogonal', Bounds(1, 10)),
    'beta': Knob('decay of the momentum of matrices', DECAY),
    'schedule': Knob('how the learning rate goes on after its rise, by name', Bounds(0, len(SCHEDULES) - 1)),
    'warmup_steps': Knob('steps over which it rises; where it is 0, warmup_fraction holds', ANY_SIZE),
    'decay_fraction': Knob('share of the steps over which the schedule wsd falls, at their end', SHARE),
    'warmup_fraction': Knob('share of the steps over which the learning rate rises', SHARE),
    'final_fraction': Knob('learning rate at the end, as a share of its peak', SHARE),
    'label_smoothing': Knob('share of a target that is spread over all outputs in training', SHARE),
    'z_loss': Knob('weight of the mean square of log sum exp of the scores, in training', ANY_SIZE),
    'expert_balance': Knob('weight of the loss of experts that are chosen unequally', ANY_SIZE),
    'router_z': Knob('weight of the mean square of log sum exp of the scores of experts', ANY_SIZE),
    'size_exponent': Knob("what a domain's number of examples is raised to in its share of the training", Bounds(0, 2)),
    **{
        f'domain_weight_{number}': Knob(f'factor of the share that domain {number} has of the training', ANY_SIZE)
        for number in range(1, 9)
    },
    'first_domain': Knob('number of the domain that is taught first, where they are taught in turn', Bounds(1, 64)),
    'replay_share': Knob('share of a batch that is of domains that were taught before', DECAY),
    'mixed_share': Knob('share of the steps, the last ones, in which all domains are taught', SHARE),
    'mask_share': Knob('share of the tokens that a masked lesson hides', SHARE),
    'temperature': Knob('what similarities are divided by in a contrastive loss', POSITIVE),
    'init_scale': Knob('factor of the initial kernels', POSITIVE),
    'drop_path': Knob('rate at which a residual branch is left out of an example in training', SHARE),
    'attention_dropout': Knob('rate at which a weight of attention is left out in training', SHARE),
    'alpha0': Knob('gain of an element-wise norm at the start', ANY_SIZE),
    'alpha0_mixer': Knob('the same before a mixer', ANY_SIZE),
    'step_low': Knob('smallest first step of the state', POSITIVE),
    'step_high': Knob('largest first step of the state', POSITIVE),
    'layer_scale_initial': Knob('scale of a branch at the start', ANY_SIZE),
    'skip_init_initial': Knob('scale of a branch at the start', ANY_SIZE),
    'value_residual_initial': Knob("share of the first block's values at the start", ANY_SIZE),
    'hyper_connections_initial': Knob('gain of the connections that depend on the input, at the start', ANY_SIZE),
    'hyper_connections_identity': Knob('first bias on the diagonal of the streams', ANY_SIZE),
    'flip_probability': Knob('probability of the mirror image in training', SHARE),
    'crop_padding': Knob('pixels by which a training image is moved at most', ANY_SIZE),
    'resized_crop_probability': Knob('probability of a random window in place of the whole training image', SHARE),
    'resized_crop_scale_low': Knob('smallest share of the image in a random window', SHARE),
    'rand_augment_magnitude': Knob('mean strength of the operations, 10 is the strongest', Bounds(0, 10)),
    'rand_augment_deviation': Knob('standard deviation of their strength', Bounds(0, 10)),
    'rand_augment_probability': Knob('probability of each operation', SHARE),
    'jitter_brightness': Knob('largest change of the factor of brightness', Bounds(0, 10)),
    'jitter_contrast': Knob('largest change of the factor of contrast', Bounds(0, 10)),
    'jitter_saturation': Knob('largest change of the factor of saturation', Bounds(0, 10)),
    'jitter_hue': Knob('largest turn of the hue, as a share of the circle', Bounds(0, 0.5)),
    'erase_probability': Knob('probability that a rectangle is erased', SHARE),
    'erase_area': Knob('largest share of the image that is erased', SHARE),
    'mixup_alpha': Knob('alpha of the Beta distribution of mixup', Bounds(0, 100)),
    'mixup_probability': Knob('probability of mixup', SHARE),
    'cutmix_alpha': Knob('alpha of the Beta distribution of cutmix', Bounds(0, 100)),
    'cutmix_probability': Knob('probability of cutmix', SHARE),
    'cutmix_share': Knob('share of cutmix where it is that or mixup', SHARE),
    'mix_probability': Knob('probability of either', SHARE),
    'time_mask_width': Knob('largest width of a time mask, in frames', ANY_SIZE),
    'frequency_mask_width': Knob('largest width of a frequency mask, in bands', ANY_SIZE),
}


def knob_of(name: str) -> Knob | None:
    """The declaration of a knob by its name, or None for one that only a user's own block can know.

    A name that ends in `_probability` needs no declaration.

    >>> str(knob_of('drop_path').bounds), str(knob_of('swap_probability').bounds), knob_of('my_gain')
    ('0 to 1', '0 to 1', None)
    """
    if name not in KNOBS and name.endswith('_probability'):
        return Knob('a probability, by its name', SHARE)
    return KNOBS.get(name)


def check_fixed(name: str, value: float) -> None:
    """Raise ValueError for a fixed value outside the bounds of its knob.

    >>> check_fixed('b1', 1.2)
    Traceback (most recent call last):
    ValueError: fixed['b1']=1.2; allowed: 0 to below 1 (decay of the first moment); change or remove it
    """
    knob = knob_of(name)
    if name == 'batch':
        raise ValueError(
            "fixed['batch']: the batch of all trials is that of a task; give it there, task(..., batch=64), or tune it"
        )
    if name in NAMED and value not in NAMED[name]:
        raise ValueError(
            f"fixed['{name}']={value!r}; allowed: {list(NAMED[name].values())} ({knob.about}); give one of these names"
        )
    if knob and value not in knob.bounds:
        fix = knob.instead or 'change or remove it'
        raise ValueError(f"fixed['{name}']={value!r}; allowed: {knob.bounds} ({knob.about}); {fix}")
