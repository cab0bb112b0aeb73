"""Knobs: every value that a study may tune or fix, who reads it, and what it is where nobody sets it."""

from arch.dense import Dense
from arch.sockets import TABLES
from sweeps.augment import AUGMENTS
from sweeps.models.specs import defaults
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS
from sweeps.training.optimizers import OPTIMIZERS
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS

ABOUT = {
    'lr': 'learning rate at the peak of the schedule',
    'weight_decay': 'decay of matrices, convolutions, embeddings and heads in a step, times the learning rate',
    'clip': 'largest global norm of a gradient',
    'b1': 'decay of the first moment',
    'b2': 'decay of the second moment; of lion, of its momentum',
    'eps': 'what is added to the root of the second moment',
    'momentum': 'decay of the momentum (Nesterov)',
    'beta': 'decay of the momentum of matrices',
    'warmup_fraction': 'share of the steps over which the learning rate rises',
    'final_fraction': 'learning rate at the end, as a share of its peak',
    'label_smoothing': 'share of a target that is spread over all outputs in training',
    'init_scale': 'factor of the initial kernels',
    'drop_path': 'rate at which a residual branch is left out of an example in training',
    'alpha0': 'gain of an element-wise norm at the start',
    'alpha0_mixer': 'the same before a mixer',
    'step_low': 'smallest first step of the state',
    'step_high': 'largest first step of the state',
    'layer_scale_initial': 'scale of a branch at the start',
    'skip_init_initial': 'scale of a branch at the start',
    'value_residual_initial': "share of the first block's values at the start",
    'hyper_connections_initial': 'gain of the connections that depend on the input, at the start',
    'hyper_connections_identity': 'first bias on the diagonal of the streams',
    'flip_probability': 'probability of the mirror image in training',
    'crop_padding': 'pixels by which a training image is moved at most',
    'resized_crop_probability': 'probability of a random window in place of the whole training image',
    'resized_crop_scale_low': 'smallest share of the image in a random window',
    'rand_augment_magnitude': 'mean strength of the operations, 10 is the strongest',
    'rand_augment_deviation': 'standard deviation of their strength',
    'rand_augment_probability': 'probability of each operation',
    'jitter_brightness': 'largest change of the factor of brightness',
    'jitter_contrast': 'largest change of the factor of contrast',
    'jitter_saturation': 'largest change of the factor of saturation',
    'jitter_hue': 'largest turn of the hue, as a share of the circle',
    'erase_probability': 'probability that a rectangle is erased',
    'erase_area': 'largest share of the image that is erased',
    'mixup_alpha': 'alpha of the Beta distribution of mixup',
    'mixup_probability': 'probability of mixup',
    'cutmix_alpha': 'alpha of the Beta distribution of cutmix',
    'cutmix_probability': 'probability of cutmix',
    'cutmix_share': 'share of cutmix where it is that or mixup',
    'mix_probability': 'probability of either',
    'time_mask_width': 'largest width of a time mask, in frames',
    'frequency_mask_width': 'largest width of a frequency mask, in bands',
}


def knobs() -> dict[str, dict]:
    """Every knob: {name: {about, read_by: {who: value where nobody sets it}}}; None where a study must give it.

    Who is 'optimizer KIND', 'schedule', 'loss', 'products' (all matrix products of a model), 'augment KIND', or a family and
    kind of block.
    """
    readers = {f'optimizer {kind}': cls.KNOBS for kind, cls in OPTIMIZERS.items()}
    readers |= {'schedule': SCHEDULE_KNOBS, 'loss': LOSS_KNOBS, 'products': Dense.KNOBS}
    for family, kinds in TABLES.items():
        for kind, cls in sorted(kinds.items()) if family != 'qk_norm' else ():
            own = getattr(cls, 'KNOBS', {})
            fields = defaults(cls) if own else {}
            readers[f'{family} {kind}'] = {name: fields[v] if isinstance(v, str) else v for name, v in own.items()}
    for kind, cls in sorted(AUGMENTS.items()):
        fields = defaults(cls)
        readers[f'augment {kind}'] = {name: fields[field] for name, field in cls.KNOBS.items()}
    found: dict[str, dict] = {}
    for who, values in readers.items():
        for name, value in values.items():
            found.setdefault(name, {'about': ABOUT.get(name, ''), 'read_by': {}})['read_by'][who] = value
    return found


def _readers(names: list[str]) -> str:
    """Readers in few words: those of one family together, counted where they are many."""
    families: dict[str, list] = {}
    for name in names:
        family, _, kind = name.partition(' ')
        families.setdefault(family, []).append(kind)
    return '; '.join(
        family if kinds == [''] else f'{family} {", ".join(kinds) if len(kinds) <= 4 else f"({len(kinds)} kinds)"}'
        for family, kinds in families.items()
    )


def knob_lines() -> list[str]:
    """The knobs as a table in plain text."""
    rows = [('knob', 'where not set', 'what it is', 'read by')]
    for name, knob in knobs().items():
        values = list(dict.fromkeys(knob['read_by'].values()))
        shown = ' or '.join('must be given' if value is None else f'{value:g}' for value in values)
        rows.append((name, shown, knob['about'], _readers(list(knob['read_by']))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ['  '.join([*(part.ljust(w) for part, w in zip(row, widths, strict=False)), row[3]]) for row in rows]
