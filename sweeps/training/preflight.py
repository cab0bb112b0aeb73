"""Preflight: build every model of a study without computing anything, and count its cost."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import jax

from ablations.batches import TUNED
from ablations.config import closest
from ablations.digest import digest
from ablations.trial import Program
from ablations.user_file import STOPS, in_words, of_user
from arch.block import BASES
from arch.contracts import check
from arch.cost import cost_of, trained_on
from arch.make import make
from arch.model import Model, build
from arch.model_sockets import Sockets
from arch.monolith import is_monolith
from arch.sockets import SHARED, TABLES, load_tables
from sweeps.tasks import TASKS
from sweeps.tasks.kind import Kind
from sweeps.tasks.language import Language
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS
from sweeps.training.averages import KNOBS as AVERAGE_KNOBS
from sweeps.training.optimizers import OPTIMIZERS
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.training.shares import KNOBS as SHARE_KNOBS
from sweeps.training.shares import check_shares
from sweeps.training.start import started

MOST = 10**12
"""Parameters; what is larger is a slip of the pen."""


def model_of(program: Program, blocks: str | None) -> Model:
    """The model of a program, with the user's own kinds; ValueErrors name arm and task."""
    try:
        return started(build(program.model, load_tables(blocks, program.blocks)), program.model)
    except ValueError as error:
        raise ValueError(f"arm '{program.arm}' on task '{program.task}': {error}") from None


def task_of(data: dict) -> Kind:
    """The arrays and losses of a data spec; raises ValueError on an unknown kind or field."""
    return make('task', TASKS, data)


def known_knobs(optimizer: str, model: Model | None = None, task: Kind | None = None) -> dict[str, float | None]:
    """Every knob that a study may tune or fix under an optimizer type, with its default (None: must be given).

    They are those of the optimizer, roles of parameters, the schedule, the loss, a model, and a task's augmentation. Raises
    ValueError on an unknown optimizer.
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer '{optimizer}'; allowed: {sorted(OPTIMIZERS)}")
    loss = LOSS_KNOBS if task is None else task.loss_knobs
    own = {**OPTIMIZERS[optimizer].KNOBS, **ROLE_KNOBS, **SHARE_KNOBS, **AVERAGE_KNOBS, **SCHEDULE_KNOBS, **loss}
    return {**own, **(model.knobs if model else {}), **(task.knobs if task else {})}


def unread_knobs(program: Program, model: Model, task: Kind, names: Iterable[str]) -> list[str]:
    """Those of the named values that neither the optimizer, the schedule, the loss, the model nor the task reads.

    Raises ValueError on an unknown optimizer.
    """
    known = known_knobs(program.optimizer, model, task)
    return [name for name in names if name not in known and name != TUNED]


def _check_sizes(program: Program, task: Kind) -> None:
    """Raise ValueError where a model is too small for its task's tokens or labels: a gather past the end raises no error."""
    language = isinstance(task, Language)
    stem, head = program.model['stem'].get('vocabulary'), program.model['head'].get('outputs')
    sizes = {
        "'stem.vocabulary'": (stem, task.declared_size if language else task.token_count(), 'tokens'),
        "'head.outputs'": (head, task.declared_size if language else task.labels(), 'tokens' if language else 'labels'),
    }
    for place, (has, size, what) in sizes.items():
        if size is not None and has is not None and has < size:
            raise ValueError(
                f"arm '{program.arm}' on task '{program.task}': the data have {size} {what} and {place} is {has}; "
                f'put({place}, {size})'
            )


def _check_scores(program: Program, model: Model, task: Kind, batch: jax.ShapeDtypeStruct) -> None:
    """Raise ValueError if the shape of a model's scores does not fit the targets, or no split has all classes."""
    if task.absent() or type(task).check_scores is Kind.check_scores:
        return
    pool = task.pool()
    task.check_scores(_scores(model, batch), (program.batch, *pool.y.shape[1:]))
    task.split(pool, 0)


def _scores(model: Model, batch: jax.ShapeDtypeStruct, other: jax.ShapeDtypeStruct | None = None) -> tuple[int, ...]:
    """The shape of the scores of a model that is drawn for a batch: of that batch, or of another one."""

    def scores(x: jax.Array, given: jax.Array) -> jax.Array:
        key = jax.random.key(0)
        params, state = model.init(key, x, {})
        return model.apply(params, state, given, knobs=dict(model.knobs), key=key, train=False)[0]

    return jax.eval_shape(scores, batch, batch if other is None else other).shape


def _cost(
    program: Program, model: Model, batch: jax.ShapeDtypeStruct, lesson: jax.ShapeDtypeStruct, blocks: str | None
) -> dict:
    """The costs of a model that is scored on `batch`, and trained on `lesson` where that is another shape.

    Raises ValueError where a model that is drawn for the one cannot be applied to the other.
    """
    tables = load_tables(blocks, program.blocks)
    counts = cost_of(program.model, batch, tables)
    if lesson.shape == batch.shape:
        return counts
    try:
        _scores(model, batch, lesson)
    except STOPS as error:
        why = str(error) if isinstance(error, ValueError) else in_words(error)
        raise ValueError(
            f'it is drawn for {batch.shape[1]} tokens and cannot be trained on {lesson.shape[1]} of them: {why}; leave taught '
            'out of the data, or change the model'
        ) from error
    return trained_on(counts, cost_of(program.model, lesson, tables))


def _check_split(name: str, task: Kind) -> None:
    """Raise ValueError where a task asks for more examples than there are."""
    size = task.pool_size()
    if size is not None and task.held + max(task.train, 1) > size:
        asked = f'held={task.held} and train={task.train}' if task.train else f'held={task.held}, and all others for training'
        raise ValueError(
            f"task '{name}': {asked} are asked for, and the pool has {size} examples; ask for fewer (data.held, data.train)"
        )


def _check_causality(programs: list[Program], blocks: str) -> None:
    """Raise ValueError where a kind of the user's own, in a causal model, lets a token see later ones."""
    tables, tried = load_tables(blocks, programs[0].blocks), set()
    for program in programs:
        layers = Sockets(program.model, tables).distinct() if build(program.model, tables).causal else ()
        for own, socket in itertools.product(layers, tables):
            family, spec = SHARED.get(socket, socket), own.config[socket]
            entry = family, spec['kind']
            if entry in tried or family not in BASES or spec['kind'] in TABLES[family]:
                continue
            tried.add(entry)
            for contract in check(*entry, tables, rules=['causal', 'whole']):
                if contract.rule in ('causal', 'whole') and not contract.holds:
                    where = f"arm '{program.arm}' on task '{program.task}'"
                    raise ValueError(f"{where}: {family} '{spec['kind']}' is not causal: {contract.why}; see `archlab check`")


def _check_swaps(programs: list[Program], blocks: str) -> None:
    """Raise ValueError if an arm with a whole model of the user's own also changes a socket. Such a model has no sockets."""
    tables, base = load_tables(blocks, programs[0].blocks), {p.task: p.model for p in programs if p.arm == programs[0].arm}
    for program in programs:
        other = base.get(program.task, program.model)
        if not is_monolith(program.model, tables):
            continue
        for socket, spec in program.model.items():
            if socket != 'body' and spec != other[socket]:
                where, kind = f"arm '{program.arm}' on task '{program.task}'", program.model['body']['kind']
                raise ValueError(
                    f"{where}: its model '{kind}' is one of your own and has no socket '{socket}'; change a field of it, such "
                    "as put('body.width', 64), or make another model"
                )


def _check_whole(programs: list[Program], blocks: str, examples: Mapping[str, jax.ShapeDtypeStruct]) -> None:
    """Raise ValueError if a whole model of the user's own gives scores of another shape than the base does, whose head is the
    task's."""
    tables, base = load_tables(blocks, programs[0].blocks), {p.task: p.model for p in programs if p.arm == programs[0].arm}
    tried = set()
    for program in programs:
        if (program.arm, program.task) in tried or not is_monolith(program.model, tables):
            continue
        tried.add((program.arm, program.task))
        x = examples[program.task]
        batch = jax.ShapeDtypeStruct((program.batch, *x.shape[1:]), x.dtype)
        with of_user():
            own, wanted = (_scores(build(one, tables), batch) for one in (program.model, base[program.task]))
        if own != wanted:
            kind = program.model['body']['kind']
            raise ValueError(
                f"arm '{program.arm}' on task '{program.task}': its model '{kind}' gives scores {list(own)} for a batch of "
                f'{program.batch}, and the base gives {list(wanted)}; mend what it gives, or leave it out on this task'
            )


def _check_bounds(program: Program, bounds: Mapping, knobs: Mapping[str, Sequence[float]], whose: str) -> None:
    """Raise ValueError if a value may leave the bounds that a block or the task sets to a knob, {knob: (low, high)}."""
    for name, (low, high) in bounds.items():
        least, most = knobs.get(name, (low, low))
        if least < low or most > high:
            given = f'fixed at {least:g}' if least == most else f'searched from {least:g} to {most:g}, with extensions'
            raise ValueError(
                f"arm '{program.arm}' on task '{program.task}': '{name}' is {given}; {whose} {low:g} to {high:g}; "
                f'change the value, or give its range these bounds: linear(low, high, bounds=({low:g}, {high:g}))'
            )


def preflight(
    programs: list[Program],
    knobs: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    metrics: Mapping[str, Sequence[str]],
    blocks: str | None,
) -> dict:
    """Costs by arm and task, for a batch of the task's size: {arm: {task: cost}}.

    `knobs` holds the lowest and the highest possible value of each tuned or fixed knob by arm and optimizer, and `metrics` the
    metric and direction of each task. A cost also names the tuned values that the arm does not read. Raises ValueError on every
    mistake that can be known before a run: unknown kinds, fields or optimizers; sizes that do not fit; a metric that the data
    do not have; unread knobs, and knobs that may leave the bounds of their block; a user's own kind that sees later tokens in a
    causal model.
    """
    costs: dict[str, dict] = {}
    counted: dict[str, dict] = {}
    tasks: dict[str, Kind] = {}
    examples: dict[str, jax.ShapeDtypeStruct] = {}
    lessons: dict[str, jax.ShapeDtypeStruct] = {}
    unread: dict[tuple, bool] = {}
    ignored: dict[tuple, set] = {}
    read: dict[str, set] = {}
    for program in programs:
        model = model_of(program, blocks)
        if program.task not in tasks:
            tasks[program.task] = task_of(program.data)
        task = tasks[program.task]
        read.setdefault(program.optimizer, set()).update([*model.knobs, *task.knobs])
        reach = knobs[program.arm][program.optimizer]
        unknown = unread_knobs(program, model, task, reach)
        try:
            check_shares(program.optimizer, model, reach)
        except ValueError as error:
            raise ValueError(f"arm '{program.arm}' on task '{program.task}': {error}") from None
        for name in reach:
            unread[program.optimizer, name] = unread.get((program.optimizer, name), True) and name in unknown
        _check_bounds(program, model.knob_bounds, reach, 'its block allows')
        _check_bounds(program, task.knob_bounds, reach, 'its domains allow')
        ignored.setdefault((program.arm, program.task), set()).update(unknown)
        if program.task in costs.get(program.arm, {}):
            continue
        if program.task not in examples:
            if tuple(metrics[program.task]) != task.METRIC:
                raise ValueError(
                    f"task '{program.task}': metric and direction {metrics[program.task]}; data '{program.data['kind']}' gives "
                    f'{list(task.METRIC)}; declare these'
                )
            _check_split(program.task, task)
            examples[program.task], lessons[program.task] = task.seen(), task.seen_in_training()
        _check_sizes(program, task)
        x = examples[program.task]
        batch, lesson = (jax.ShapeDtypeStruct((program.batch, *one.shape[1:]), one.dtype) for one in (x, lessons[program.task]))
        address = digest([program.model, list(batch.shape), list(lesson.shape), str(batch.dtype)])
        try:
            with of_user():
                _check_scores(program, model, task, batch)
            if address not in counted:
                with of_user():
                    counted[address] = _cost(program, model, batch, lesson, blocks)
            if (params := counted[address]['params']) > MOST:
                raise ValueError(
                    f'the model has {min(params, 10**300):.2g} parameters; allowed: up to {MOST:.0e}; make it smaller'
                )
            costs.setdefault(program.arm, {})[program.task] = dict(counted[address])
        except ValueError as error:
            raise ValueError(f"arm '{program.arm}' on task '{program.task}': {error}") from None
        except STOPS as error:  # a user's block may raise anything
            raise ValueError(f"arm '{program.arm}' on task '{program.task}': {in_words(error)}; see `archlab check`") from error
    if blocks:
        _check_swaps(programs, blocks)
        _check_whole(programs, blocks, examples)
        _check_causality(programs, blocks)
    for (optimizer, name), nothing in unread.items():
        if nothing:
            allowed, models = known_knobs(optimizer), sorted(read[optimizer])
            raise ValueError(
                f"'{name}' of optimizer '{optimizer}' is read by nothing; allowed: {sorted(allowed)}, and of the models here "
                f'{models}; rename or remove it.{closest(name, [*allowed, *models])}'
            )
    for (arm, task), names in ignored.items():
        costs[arm][task]['unread'] = sorted(names)
    return costs
