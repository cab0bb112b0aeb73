"""supervised: a class, values, labels or a map for each example of a prepared set, of any form of input."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ablations.seeds import derive
from ablations.tasks.metrics import METRICS
from sweeps.datasets.intact import BLOCK
from sweeps.datasets.prepared import DENSE, Part, Prepared
from sweeps.datasets.targets import NAMED, form_of
from sweeps.metrics.measure import Measure
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.forms import FORMS, ROWS, Form, filled, standard
from sweeps.tasks.groups import joined, unknown
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS
from sweeps.tasks.made import MADE
from sweeps.tasks.made.made_set import MadeSet
from sweeps.tasks.rewriting import check
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.set_views import CONTROLS, View, first_classes, rewritten_set
from sweeps.tasks.targets import FORMS as TARGETS
from sweeps.tasks.targets import LOSSES, MapTarget, Target

DRAWS = 100
"""How many splits are drawn until one has every class on both sides."""
NAMED_MOST = 5
"""How many classes or targets an error names."""


@dataclasses.dataclass(frozen=True)
class Supervised(SetKind):
    """What a prepared set says of its examples, learned from its inputs: classes, values, labels or maps of classes.

    Source, licence and test split: those of `dataset` (`archlab data show NAME`), or of a set that the lab makes
    (sweeps/tasks/made). Of the pool each replicate draws `held` examples for tuning-validation and `train` for training (0: all
    others), identical ones on one side; or it trains on `groups` whole groups, such as all answers to so many prompts (0: all).
    `target` is the form of what is asked ('': the set's own; sweeps/datasets/targets.py), `columns` are the names of the values
    or labels to learn (none: all). Inputs are as in sweeps/tasks/forms.py: ragged ones have `length` places, and longer
    examples are refused unless `cut`; `vocabulary` is that of a set of tokens; a row of a table is one 'token', or as many
    'tokens' as it has numbers. Images may have an `augment`; maps of classes move along.

    Metric: `metric`, one of its form's (sweeps/tasks/targets.py; docs/kinds_of_tasks.md), higher or lower is better by its
    name. Values are learned as deviations of the pool, by `loss` 'squared' or 'absolute', and scored in their own unit; missing
    ones have no weight. A metric that is a mean over classes, labels or targets needs each of them on both sides of a split:
    splits are drawn until they have them, and a test split that lacks one is refused. Its chance is the score of the best
    constant answer.

    Texts may be changed by `rewrite` (sweeps/tasks/rewriting.py) before they are cut; those that become equal are of one group,
    and in the test split they are left out where one stands in the pool. Of a set of classes the first `classes` may be taken
    alone (0: all). `control` tries the task itself (sweeps/tasks/set_views.py): in 'halves' there is nothing to learn, a 'leak'
    gives every class away.
    """

    dataset: str = 'friedman'
    target: str = ''
    metric: str = 'accuracy'
    columns: tuple[str, ...] = ()
    length: int = 0
    cut: bool = False
    vocabulary: int = 0
    row: str = 'token'
    loss: str = 'squared'
    train: int = 0
    held: int = 256
    augment: tuple[dict, ...] = ()
    rewrite: tuple[str, ...] = ()
    control: str = ''
    classes: int = 0
    groups: int = 0

    NAME, SETS = 'supervised', tuple(FORMS)

    def __post_init__(self):
        choices = {'target': ('', *TARGETS), 'row': ROWS, 'loss': LOSSES, 'metric': _metrics(self.target)}
        choices['control'] = ('', *CONTROLS)
        check(self.rewrite)
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"task 'supervised': {name}={getattr(self, name)!r}; allowed: {list(allowed)}; choose one")
        for name, least in {'length': 0, 'train': 0, 'held': 1, 'vocabulary': 0, 'classes': 0, 'groups': 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"task 'supervised': {name}={getattr(self, name)}; allowed: {least} or more; raise it")
        if self.groups and self.train:
            raise ValueError(
                f"task 'supervised': groups={self.groups} and train={self.train}; allowed: one of them, as either whole groups "
                'are taken or single examples; leave one out'
            )

    @functools.cached_property
    def prepared(self) -> Prepared | MadeSet | View:
        made = MADE[self.dataset] if self.dataset in MADE else super().prepared
        if self.rewrite:
            made = rewritten_set(made, self.rewrite)
        asked = f"control='{self.control}'" if self.control else f'classes={self.classes}'
        if not self.control and not self.classes:
            return made
        if (form := made.about.get('target', 'class')) != 'class' or not made.about.get('classes'):
            raise ValueError(
                f"task 'supervised': {asked} of '{self.dataset}', whose examples have {form}; allowed: of a set of classes; "
                f'leave {asked.partition("=")[0]} out'
            )
        made = first_classes(made, self.classes) if self.classes else made
        return CONTROLS[self.control](made) if self.control else made

    def absent(self) -> list[str]:
        return [] if self.dataset in MADE else super().absent()

    @property
    def METRIC(self) -> tuple[str, str]:
        return self.metric, METRICS[self.metric].direction

    @functools.cached_property
    def asked(self) -> Target:
        """The target of the examples. Raises ValueError for what the set does not have, in its test split too by its counts."""
        target, about = self._target(), self.prepared.about
        if 'test' in about['balance']:
            self._check_test(target, target.counted(about, 'test'))
        return target

    def _target(self) -> Target:
        about = self.prepared.about
        form = about.get('target') or ('class' if about.get('classes') else None)
        if form is None or self.target not in ('', form):
            raise ValueError(
                f"task 'supervised': target='{self.target}' of dataset '{self.dataset}', which has {form or 'no targets'}; "
                "allowed: what it has, or ''; see `archlab data show`"
            )
        if self.metric not in TARGETS[form].METRICS:
            raise ValueError(
                f"task 'supervised': metric='{self.metric}' of a {form}; allowed: {list(TARGETS[form].METRICS)}; choose one"
            )
        if form not in NAMED:
            if self.columns:
                raise ValueError(f"task 'supervised': columns={list(self.columns)} of a {form}; allowed: none; leave them out")
            return TARGETS[form](tuple(about['classes']), self.metric)
        names = self.columns or tuple(about['targets'])
        if form == 'labels':
            return TARGETS[form](names, self.metric)
        moments = [[about[moment][place] for place in self._places] for moment in ('target_mean', 'target_std')]
        same = [name for name, std in zip(names, moments[1], strict=True) if not std]
        if same:
            raise ValueError(
                f"task 'supervised': {same} of '{self.dataset}' have one value in the pool; allowed: values that differ; leave "
                'them out of columns'
            )
        return TARGETS[form](names, self.metric, *map(tuple, moments), self.loss)

    @functools.cached_property
    def _places(self) -> list[int]:
        """The numbers of the columns of y that are asked for."""
        names = self.prepared.about['targets']
        missing = [name for name in self.columns if name not in names]
        if missing or len(set(self.columns)) < len(self.columns):
            raise ValueError(
                f"task 'supervised': columns {missing or list(self.columns)} of '{self.dataset}'; allowed: each once "
                f'of {names}; mend them'
            )
        return [names.index(name) for name in self.columns or names]

    @functools.cached_property
    def _form(self) -> Form:
        kind = self.entry().kind if self.absent() else self.prepared.about['kind']
        if self.augment and kind != 'images':
            raise ValueError(
                f"task 'supervised': augment with '{self.dataset}', a set of {kind}; allowed with images; leave it out"
            )
        if kind not in DENSE and not self.length:
            raise ValueError(
                f"task 'supervised': length=0 for '{self.dataset}', whose examples differ in length; allowed: 1 or more; give "
                f'length{self._longest()}'
            )
        if kind == 'tokens' and not self.vocabulary:
            raise ValueError(
                f"task 'supervised': vocabulary=0 for '{self.dataset}', a set of tokens; give the size of its tokenizer"
            )
        return FORMS[kind](self.length, self.vocabulary, self.row)

    def _longest(self) -> str:
        return '' if self.absent() else f'={int(np.diff(self.prepared.pool().offsets).max())}, that of the longest in the pool'

    @property
    def measure(self) -> Measure | None:
        return self.asked.measure

    @property
    def loss_knobs(self) -> dict[str, float]:
        return LOSS_KNOBS if self.absent() else self.asked.KNOBS

    def labels(self) -> int | None:
        return None if self.absent() else self.asked.outputs

    def token_count(self) -> int | None:
        return self._form.tokens

    def pool_size(self) -> int | None:
        return self._count('pool')

    def declared(self) -> jax.ShapeDtypeStruct:
        return self._form.declared(self.entry().shape)

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored examples as the model sees them; see sweeps/tasks/forms.py."""
        return self._form.seen(x, self.prepared.about)

    def seen(self) -> jax.ShapeDtypeStruct:
        if not self.absent():
            return super().seen()
        # Means and deviations, which are not known yet, change no shape.
        return jax.eval_shape(lambda x: self._form.seen(x, {'mean': 0.0, 'std': [1.0]}), self.declared())

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The loss of each example `[B]`, and its metric `[B]` or statistics `[B, S]`."""
        self.check_scores(scores.shape, y.shape)
        return self.asked.losses(scores, y, label_smoothing)

    def check_scores(self, scores: tuple[int, ...], y: tuple[int, ...]) -> None:
        """Raise ValueError where a model's scores have another shape than the targets need."""
        if (wanted := self.asked.places(y)) != scores:
            raise ValueError(
                f"task 'supervised': the model gives scores {list(scores[1:])} for an example, and the targets of "
                f"'{self.dataset}' ({type(self.asked).__name__}) need {list(wanted[1:])}; change head.outputs, the head, or "
                'how far the stem and the downsamples lower the resolution'
            )

    def pool(self) -> Arrays:
        return self._arrays(self.prepared.pool(), 'pool')

    def test(self) -> Arrays:
        """The sealed examples, without those that cutting or rewriting makes equal to one of the pool.

        Raises ValueError if they lack what the metric needs.
        """
        arrays = self._arrays(self.prepared.test(), 'test')
        if self.cut or self.rewrite:
            new = unknown(arrays.x, self.pool().x)
            arrays = self.part(arrays, new)
        self._check_test(self.asked, _there(self.asked, arrays.y, np.arange(len(arrays.y))))
        return arrays

    def _check_test(self, target: Target, there: np.ndarray) -> None:
        if lacking := _lacking(target, there):
            raise ValueError(
                f"the test split of '{self.dataset}' does not have what metric '{self.metric}' needs of "
                f'{lacking}; leave these out (columns, or other classes), give a larger test split, or take another metric'
            )

    def _arrays(self, part: Part, split: str) -> Arrays:
        form, y = form_of(self.prepared.about, part.y), part.y
        stored = self._form.stored
        if form in NAMED:
            y = np.ascontiguousarray(part.y[:, self._places])
        elif form == 'map' and part.offsets is not None:
            y = filled(part.y, part.offsets, self.length, np.int32, -1)
        long = 0 if part.offsets is None else int((np.diff(part.offsets) > self.length).sum())
        if long and not self.cut:
            raise ValueError(
                f"task 'supervised': {long:,} of {len(part):,} examples of '{self.dataset}' ({split}) are longer than "
                f'length={self.length}; allowed: up to it; raise length to {int(np.diff(part.offsets).max())}, or give cut=True'
            )
        x = stored(part)
        group = np.asarray(part.group)
        return Arrays(x, y, joined(group, x) if long or self.rewrite else group)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """As `split_by_group`; if a side lacks a class that the metric needs, it is split again by another seed.

        All complete splits are equally likely, and every arm has the same one.
        """
        for attempt in range(DRAWS):
            own = derive('split again', seed, attempt) if attempt else seed
            train, held = split_by_group(pool, own, self.held, self.train)
            train = self._whole(pool, train, own) if self.groups else train
            lacking = [_lacking(self.asked, _there(self.asked, pool.y, side)) for side in (held, train)]
            if not any(lacking):
                return train, held
        raise ValueError(
            f"task 'supervised': none of {DRAWS} splits of '{self.dataset}' into held={self.held} and the rest has what metric "
            f"'{self.metric}' needs of {lacking[0] or lacking[1]} on both sides; give more examples to the side that lacks it, "
            'leave these out (columns, or other classes), or take another metric'
        )

    def _whole(self, pool: Arrays, train: np.ndarray, seed: int) -> np.ndarray:
        """Those of these examples that are of the first `groups` groups, in an order that the seed draws."""
        there = np.unique(pool.group[train])
        if len(there) < self.groups:
            raise ValueError(
                f"task 'supervised': groups={self.groups} of '{self.dataset}', of which {len(there)} are left beside held="
                f'{self.held}; allowed: up to these; ask for fewer'
            )
        chosen = np.random.default_rng(derive('groups', seed)).permutation(there)[: self.groups]
        return train[np.isin(pool.group[train], chosen)]

    @functools.cached_property
    def _augment(self):
        # Not at the top: a task without augmentation should not pay for reading it.
        from sweeps.augment import make_augment

        return make_augment([dict(spec) for spec in self.augment])

    @property
    def knobs(self) -> dict[str, float]:
        if self.augment and not self.absent() and isinstance(self.asked, MapTarget):
            self._augment.check_maps()
        return dict(self._augment.knobs) if self.augment else {}

    def draw(self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple:
        if not self.augment:
            return super().draw(key, x, y, knobs)
        x = x.astype(jnp.float32) / 255
        if isinstance(self.asked, MapTarget):
            x, y = self._augment.with_maps(key, x, y, knobs)
            targets = ((y, None),)
        else:
            x, targets = self._augment(key, x, y, knobs)
        return standard(x, self.prepared.about), targets


def _there(target: Target, y: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Whether the examples of one side have what the metric needs of each name.

    Maps are read a block at a time, until all classes are there: those of a large set do not fit into memory.
    """
    if not isinstance(target, MapTarget):
        return target.present(y[side])
    there, rows = np.zeros(target.outputs, bool), max(1, BLOCK // max(1, y[:1].nbytes))
    for start in range(0, len(side), rows):
        there |= target.present(y[side[start : start + rows]])
        if there.all():
            break
    return there


def _lacking(target: Target, there: np.ndarray) -> str:
    """The names of which there is not enough for the metric; '' where nothing is lacking."""
    absent = [name for name, enough in zip(target.names, there, strict=True) if not enough]
    more = f' and {len(absent) - NAMED_MOST} more' if len(absent) > NAMED_MOST else ''
    return f'{absent[:NAMED_MOST]}{more}' if absent else ''


def _metrics(form: str) -> tuple[str, ...]:
    """The metrics of a form of target, or of all."""
    forms = [TARGETS[form]] if form in TARGETS else TARGETS.values()
    return tuple(dict.fromkeys(name for one in forms for name in one.METRICS))
