"""Derived: a task of a user's own made whole, from his declaration and from what is known of its prepared set.

What he states is taken; the rest follows from the form of the inputs, the target and the sizes of the set.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping

from ablations.config import plain
from ablations.tasks import own_bases
from ablations.tasks.metrics import metric
from ablations.tasks.own_scores import SPOKEN, Score, score_of
from ablations.tasks.own_task import OwnTask
from ablations.tasks.task import Task

HELD = 5
"""One of so many examples of the pool is held for tuning-validation."""
MOST_HELD = 2000
EPOCHS, FEWEST, MOST, ROUND = 20, 200, 2000, 100
"""Steps: so many times through the training examples, within these numbers, a multiple of the last."""
BATCHES = (8, 16, 32, 64)
EVALUATIONS = 4
MEL_HOP, MELS, FRAMES = 128, 32, 8
"""How sounds become maps (sweeps/tasks/spoken_digits.py): samples a frame, bands, frames that patches and stages divide."""
BYTES, BITS, NATS = 257, 'bits per byte', 'nats per token'
ALPHABETS = {'nucleotides': ('nucleic acids', 'bits per base', 0.01), 'amino_acids': ('proteins', 'bits per residue', 0.02)}
"""Of sequences by their alphabet: what they are, bits of what is counted, and the margin, half a percent of a uniform code."""
RAGGED, LONGEST = ('texts', 'molecules', 'tokens', 'sounds'), 1024
"""The kinds of sets whose examples differ in length, and how long they may be without the task's saying a length."""
SHORTEST = 5 * 4096
"""Tokens of a text: it is split by blocks of so many (sweeps/tasks/windows.py), and a few are needed."""
KINDS = ('images', 'maps', 'series', 'tables', *RAGGED)


@dataclasses.dataclass(frozen=True)
class Form:
    """What follows from the form of inputs and target: the spec of the data, the base, and how it is judged.

    `examples` is about how many there are in the pool: of a text, windows.
    """

    data: dict
    base: dict
    metric: str
    unit: str
    direction: str
    chance: float
    margin: float
    examples: int


def derive(own: OwnTask, name: str, facts: Mapping, declared: str) -> Task:
    """The task that a declaration makes with the facts of its prepared set. `declared` is the declaration's hash.

    Raises ValueError if neither gives what a task needs.
    """
    dataset = own.dataset or name
    if own.data.get('control') == 'halves':
        facts = _of_halves(facts)
    form = _form_of(facts)
    if form not in FORMS:
        kind, target = form
        raise ValueError(
            f'a set of {kind} {f"with {target}" if target else "without a target"} is no task that the lab knows; allowed: '
            f'{", ".join(" with ".join(filter(None, one)) for one in FORMS)}; give target= or read the source otherwise'
        )
    made = FORMS[form](own, dataset, facts)
    train = own.train or max(made.examples - made.data.get('held', 0), 1)
    batch = own.batch if own.batch is not None else max((size for size in BATCHES if 4 * size <= train), default=BATCHES[0])
    if batch > train and own.batch is not None and made.examples > made.data.get('held', 0):
        raise ValueError(f'batch={batch:,} of {train:,} training examples; allowed: up to these, better a quarter of them')
    evaluations = own.evaluations if own.evaluations is not None else _evaluations(own.steps)
    stated = {name: getattr(own, name) for name in ('metric', 'unit', 'direction', 'chance', 'margin', 'base', 'domain')}
    fields = {
        **{field.name: getattr(made, field.name) for field in dataclasses.fields(Form) if field.name != 'examples'},
        'domain': ALPHABETS[facts['alphabet']][0] if 'alphabet' in facts else facts['kind'],
        **{name: value for name, value in stated.items() if value is not None},
    }
    _check_scale(fields['metric'], fields['chance'], fields['margin'])
    return Task(
        name=name,
        dataset=dataset,
        **fields,
        steps=own.steps if own.steps is not None else _steps(train, batch, evaluations),
        batch=batch,
        evaluations=evaluations,
        declared=declared,
    )


def _of_halves(facts: Mapping) -> Mapping:
    """The facts of a set whose examples are of two random halves, whatever their class (sweeps/tasks/set_views.py)."""
    return {**facts, 'classes': ['one half', 'other half'], 'balance': {split: [1, 1] for split in facts['sizes']}}


def _check_scale(name: str, chance: float, margin: float) -> None:
    """Raise ValueError for a chance outside the range of a metric, and for a margin that no model could pass."""
    known = metric(name)
    share = '; it is a share: 0.01 is one point' if known.share else ''
    if not known.low <= chance <= known.high:
        raise ValueError(f'chance={chance:g} of {name}; allowed: {known.low:g} to {known.high:g}{share}')
    gain = known.high - chance if known.direction == 'higher' else chance - known.low
    if gain and margin >= gain:
        raise ValueError(
            f'margin={margin:g} of {name}: a model without any error is {gain:.3g} better than chance ({chance:g}), so that '
            f'all models would be equivalent; allowed: less{share}'
        )


def _form_of(facts: Mapping) -> tuple[str, str]:
    """The kind of a set and the form of its targets, '' without any."""
    return facts['kind'], facts.get('target') or ('class' if facts.get('classes') else '')


def _evaluations(steps: int | None) -> int:
    """EVALUATIONS, or the next smaller number that divides the stated steps.

    >>> _evaluations(None), _evaluations(200), _evaluations(150), _evaluations(101)
    (4, 4, 3, 1)
    """
    return next(number for number in range(EVALUATIONS, 0, -1) if (steps or EVALUATIONS) % number == 0)


def _steps(train: int, batch: int, evaluations: int) -> int:
    """Steps that go EPOCHS times through the training examples, within bounds, as a multiple of the evaluations.

    >>> _steps(100, 8, 4), _steps(300, 16, 4), _steps(9000, 64, 4), _steps(100, 8, 300)
    (200, 300, 2000, 300)
    """
    wanted = min(max(EPOCHS * train // batch, FEWEST), MOST)
    step = math.lcm(evaluations, ROUND) if math.lcm(evaluations, ROUND) <= MOST else evaluations
    return max(wanted // step, 1) * step


def _held(own: OwnTask, pool: int) -> int:
    return own.held if own.held is not None else max(min(pool // HELD, MOST_HELD), 1)


def _data(own: OwnTask, kind: str, dataset: str, **derived: object) -> dict:
    """The spec of the data: what is derived, then what is stated."""
    names = ('held', 'train', 'length', 'spacing', 'tokens', 'vocabulary', 'tokenizer')
    stated = {name: getattr(own, name) for name in names if getattr(own, name) is not None}
    if own.augment:
        stated['augment'] = list(own.augment)
    return plain({'kind': kind, 'dataset': dataset, **derived, **stated, **own.data}, f'data of {dataset}')


def _judged(data: dict, base: dict, score: Score, examples: int) -> Form:
    return Form(data, base, score.metric, score.unit, score.direction, score.chance, score.margin, examples)


def _images(own: OwnTask, dataset: str, facts: Mapping) -> Form:
    """Classes of images by the kind that has augmentation and accuracy."""
    if own.metric not in (None, 'accuracy') or 'control' in own.data:
        return _supervised(own, dataset, facts)
    height, width, _ = facts['shape']
    base = own.base or own_bases.of_images(len(facts['classes']), height, width)
    data = _data(own, 'images', dataset, held=_held(own, facts['sizes']['pool']))
    return _judged(data, base, score_of(None, facts), facts['sizes']['pool'])


def _sounds(own: OwnTask, dataset: str, facts: Mapping) -> Form:
    """Classes of recordings by their maps of time and pitch."""
    if own.metric not in (None, 'accuracy') or 'control' in own.data:
        return _supervised(own, dataset, facts)
    # Whole recordings: the longest one, rounded up to what frames, patches and stages divide.
    length = own.length or -(-facts['longest'] // (MEL_HOP * FRAMES)) * MEL_HOP * FRAMES
    base = own.base or own_bases.of_sounds(len(facts['classes']), length // MEL_HOP, MELS)
    data = _data(own, 'spoken_digits', dataset, length=length, held=_held(own, facts['sizes']['pool']))
    return _judged(data, base, score_of(None, facts), facts['sizes']['pool'])


def _supervised(own: OwnTask, dataset: str, facts: Mapping) -> Form:
    """Any input with any target (sweeps/tasks/supervised.py). Ragged inputs are as long as the longest, or cut where the task
    states a length."""
    kind, form = _form_of(facts)
    score = score_of(own.metric, facts)
    outputs = len(facts['classes'] if form in ('class', 'map') else facts['targets'])
    fields = {'target': form, 'metric': score.metric, 'held': _held(own, facts['sizes']['pool'])}
    places, vocabulary = 0, BYTES
    if kind in RAGGED:
        places = own.length or facts.get('longest', 0)
        if not own.length and not 0 < places <= LONGEST:
            raise ValueError(
                f'the longest of its {SPOKEN[kind]} has {places:,} places; allowed without a word: {LONGEST:,}; give length=: '
                'what is longer is cut'
            )
        fields |= {'length': places, **({'cut': True} if places < facts.get('longest', places) else {})}
    if kind == 'tokens':
        if not own.vocabulary:
            raise ValueError('shards of tokens: give vocabulary=, such as 50257 for GPT-2')
        vocabulary = own.vocabulary + 1
    if kind == 'tables' and facts['shape'][0] <= own_bases.FEATURES:
        fields['row'] = 'tokens'
    base = own.base or own_bases.of_any(kind, form, outputs, facts['shape'], places, vocabulary)
    return _judged(_data(own, 'supervised', dataset, **fields), base, score, facts['sizes']['pool'])


def _language(own: OwnTask, dataset: str, facts: Mapping) -> Form:
    """The next token of a text, of lines of molecules, or of shards of tokens."""
    tokens, length = own.tokens or 'bytes', own.length or 64
    shards = facts['kind'] == 'tokens'
    known = {'bytes': BYTES, 'characters': facts.get('characters', 0) + 2}.get(tokens, own.vocabulary)
    vocabulary = own.vocabulary if shards else known
    if not vocabulary:
        what = 'shards of tokens' if shards else f"tokens='{tokens}'"
        raise ValueError(f'{what}: the size of the vocabulary is not known; give vocabulary=, such as 50257 for GPT-2')
    unit = own.unit or (NATS if shards and not own.tokenizer else BITS)
    spacing = own.spacing if own.spacing is not None else max(length // 4, 1)
    if (there := facts['elements']['pool']) < SHORTEST:
        raise ValueError(
            f'a text of {there:,} characters in the pool is too short to be split into training and tuning data; allowed: '
            f'{SHORTEST:,} or more; give a longer one'
        )
    windows = max(there // (length + 1), 1)
    held = own.held if own.held is not None else max(min(windows // HELD, 512), 1)
    # Windows that begin closer together are more, with the same text; 0 takes no token twice.
    examples = facts['elements']['pool'] // (spacing or length + 1)
    data = _data(own, 'text', dataset, tokens='file' if shards and own.tokenizer else tokens, length=length, spacing=spacing,
                 held=held, unit=unit)  # fmt: skip
    # Tokens of more than one byte in bits per byte: an equally likely byte.
    counted = not shards and tokens in ('bytes', 'characters')
    chance = math.log(vocabulary) if unit == NATS else math.log2(vocabulary) if counted else 8.0
    base = own.base or own_bases.of_language(vocabulary, length)
    _, per_letter, margin = ALPHABETS.get(facts.get('alphabet'), ('', BITS, 0.02))
    return Form(data, base, 'loss', per_letter if unit == BITS else unit, 'lower', chance, margin, examples)


FORMS: dict[tuple[str, str], Callable[[OwnTask, str, Mapping], Form]] = {
    **{(kind, form): _supervised for kind in KINDS for form in ('class', 'values', 'labels', 'map')},
    ('images', 'class'): _images,
    ('sounds', 'class'): _sounds,
    ('texts', ''): _language,
    ('molecules', ''): _language,
    ('tokens', ''): _language,
}
"""Kind of set and form of its targets -> what follows from them."""
