"""Listing: what the lab has, by name."""

from ablations.config import closest
from ablations.flagships import FLAGSHIPS, flagship
from ablations.studies import STUDIES
from ablations.tasks import TASKS

TASK_FIELDS = ('dataset', 'domain', 'metric', 'unit', 'direction', 'chance', 'margin', 'steps', 'batch')


def _studies() -> dict:
    return {name: study.question.strip().splitlines()[0] for name, study in STUDIES.items()}


def _flagships() -> dict:
    """Each flagship with its claim, and the studies of its rungs with what they are meant to run on."""
    return {
        name: {'claim': one.claim, 'papers': list(one.papers), 'studies': {one.at(rung).name: rung.place for rung in one.rungs}}
        for name, one in ((name, flagship(name)) for name in FLAGSHIPS)
    }


def about(cls: type) -> str:
    """The first line of a class's docstring."""
    return (cls.__doc__ or '').strip().partition('\n')[0]


def _notes(cls: type) -> list[str]:
    """Further requirements of a kind on the model around it."""
    notes = []
    if getattr(cls, 'STRIDES', False):
        notes.append('begins stages')
    if getattr(cls, 'IN_BLOCK', False):
        notes.append('by a block that begins stages')
    if getattr(cls, 'STREAMS', False):
        notes.append('several streams')
    if not getattr(cls, 'SCANS', True):
        notes.append('no scan')
    if getattr(cls, 'MIXES_BATCH', False):
        notes.append('mixes the batch')
    return notes


def _blocks() -> dict:
    """The kinds of each family: the places of a kind, its needs from the mixer, its options as a mixer, its fields."""
    from arch.fits import PLACES, fits
    from arch.sockets import TABLES
    from sweeps.models.specs import defaults

    blocks: dict = {}
    for family, kinds in TABLES.items():
        shown = {kind: cls for kind, cls in kinds.items() if family != 'qk_norm' or 'queries' in fits(cls)}
        for kind, cls in sorted(shown.items()):
            blocks.setdefault(family, {})[kind] = {
                'fits': [place for place in PLACES if place in fits(cls)],
                'needs': list(getattr(cls, 'NEEDS', ())),
                'takes': list(getattr(cls, 'TAKES', ())),
                'notes': _notes(cls),
                'fields': defaults(cls),
                'about': about(cls),
            }
    return blocks


def _models() -> dict:
    from arch.published import MODELS

    tasks = {
        name: {'about': f'the base model of task {name}: {task.base["body"]["kind"]}', 'paper': ''}
        for name, task in TASKS.items()
    }
    return {**tasks, **{name: {'about': model.about, 'paper': model.paper} for name, model in MODELS.items()}}


def _tasks() -> dict:
    return {name: {field: getattr(task, field) for field in TASK_FIELDS} for name, task in TASKS.items()}


def _optimizers() -> dict:
    """The optimizer types, each with its own knobs and with the other knobs that a study can tune or fix under it."""
    from sweeps.models.readers import knobs
    from sweeps.training.optimizers import OPTIMIZERS

    optimizers = {}
    for name, cls in OPTIMIZERS.items():
        own = {}
        for knob, about in knobs().items():
            read_by = {who: value for who, value in about['read_by'].items() if not who.startswith('optimizer ')}
            if knob in cls.KNOBS:
                read_by = {f'optimizer {name}': cls.KNOBS[knob], **read_by}
            if read_by:
                own[knob] = {**about, 'read_by': read_by}
        optimizers[name] = {'about': ' '.join((cls.__doc__ or '').split()), 'knobs': own}
    return optimizers


LISTS = {
    'studies': _studies,
    'flagships': _flagships,
    'blocks': _blocks,
    'models': _models,
    'tasks': _tasks,
    'optimizers': _optimizers,
}


def listing(what: str) -> dict:
    """Studies, flagships, blocks, models, tasks or optimizers by name, as plain data; raises ValueError on anything else."""
    if what not in LISTS:
        raise ValueError(f"cannot list '{what}'; allowed: {[*LISTS, 'questions']}.{closest(what, LISTS)}")
    return LISTS[what]()
