"""Readers: the readers of each knob of `ablations/knobs.py`, and its default value there."""

from ablations.batches import TUNED
from ablations.knobs import KNOBS
from arch.dense import Dense
from arch.sockets import TABLES
from results.store.screen_tables import shown
from sweeps.augment import AUGMENTS
from sweeps.models.specs import defaults
from sweeps.tasks.contrast import TEMPERATURE
from sweeps.tasks.lessons import LESSONS, MOST, knobs_of
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS
from sweeps.tasks.masking import SHARE
from sweeps.training.averages import KNOBS as AVERAGE_KNOBS
from sweeps.training.optimizers import OPTIMIZERS
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.training.shares import KNOBS as SHARE_KNOBS


def knobs() -> dict[str, dict]:
    """Every knob: {name: {about, allowed, read_by: {reader: default}}}; the default is None where a study must give a value.

    A reader is 'optimizer KIND', 'roles' (of parameters), 'layers', 'averages', 'schedule', 'loss', 'products' (all matrix
    products of a model), 'lessons KIND', 'augment KIND', a family and kind of block, or 'plan steps': of the batch, which is
    else the task's.
    """
    readers = {f'optimizer {kind}': cls.KNOBS for kind, cls in OPTIMIZERS.items()}
    readers |= {
        'roles': ROLE_KNOBS,
        'layers': SHARE_KNOBS,
        'averages': AVERAGE_KNOBS,
        'schedule': SCHEDULE_KNOBS,
        'loss': LOSS_KNOBS,
        'products': Dense.KNOBS,
        'plan steps': {TUNED: None},
    }
    readers |= {f'lessons {lessons}': knobs_of(lessons, MOST) for lessons in LESSONS}
    readers['loss contrast'] = {'temperature': TEMPERATURE}
    readers['masked lessons'] = {'mask_share': SHARE}
    for family, kinds in TABLES.items():
        for kind, cls in sorted(kinds.items()) if family != 'qk_norm' else ():
            own = getattr(cls, 'KNOBS', {})
            fields = defaults(cls) if own else {}
            readers[f'{family} {kind}'] = {name: fields[v] if isinstance(v, str) else v for name, v in own.items()}
    for kind, cls in sorted(AUGMENTS.items()):
        fields = defaults(cls)
        readers[f'augment {kind}'] = {name: fields[field] for name, field in cls.KNOBS.items()}
    read_by: dict[str, dict] = {}
    for who, values in readers.items():
        for name, value in values.items():
            read_by.setdefault(name, {})[who] = value
    return {
        name: {'about': KNOBS[name].about, 'allowed': str(KNOBS[name].bounds), 'read_by': who} for name, who in read_by.items()
    }


def _readers(names: list[str]) -> str:
    """Readers in few words: those of one family together, and counted if they are many."""
    families: dict[str, list] = {}
    for name in names:
        family, _, kind = name.partition(' ')
        families.setdefault(family, []).append(kind)
    return '; '.join(
        family if kinds == [''] else f'{family} {", ".join(kinds) if len(kinds) <= 4 else f"({len(kinds)} kinds)"}'
        for family, kinds in families.items()
    )


def knob_lines(width: int | None = None) -> list[str]:
    """The knobs as a table in plain text, as far as a screen of `width` has room."""
    columns, rows = ('knob', 'what it is', 'allowed', 'where not set', 'read by'), []
    for name, knob in knobs().items():
        values = list(dict.fromkeys(knob['read_by'].values()))
        unset = "the task's" if name == TUNED else 'must be given'
        default = ' or '.join(unset if value is None else f'{value:g}' for value in values)
        rows.append((name, knob['about'], knob['allowed'], default, _readers(list(knob['read_by']))))
    return shown(columns, rows, [False] * len(columns), width).splitlines()
