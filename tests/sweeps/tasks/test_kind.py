"""The contract of a kind of task: what lacks or can't be used is refused, with what it should be."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from sweeps.tasks import TASKS
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.images import Images
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import classification
from sweeps.tasks.probes.induction import Induction
from sweeps.tasks.probes.synthetic import Synthetic
from sweeps.tasks.samples import Samples
from sweeps.tasks.set_kind import SetKind


def _arrays(self) -> Arrays:
    return Arrays(np.zeros((4, 2)), np.zeros(4, np.int32), np.arange(4))


WHOLE = {
    'NAME': 'points',
    'METRIC': ('accuracy', 'higher'),
    'train': 2,
    'held': 1,
    'pool': _arrays,
    'test': _arrays,
    'split': lambda self, pool, seed: split_by_group(pool, seed, self.held, self.train),
    'losses': staticmethod(classification),
}
LACKS = {
    'NAME': r"NAME \(Its name in data specs and errors, such as 'digits'\)",
    'METRIC': r"METRIC \(The name of the metric and its better direction, such as \('accuracy', 'higher'\)\)",
    'train': r'train \(A field: how many training examples',
    'held': r'held \(A field: how many tuning-validation examples',
    'pool': r'pool \(The training and tuning-validation examples',
    'test': r'test \(The sealed examples',
    'split': r'split \(Indices of the training and of the tuning-validation examples',
    'losses': r'losses \(The loss in nats and the metric of each example',
}


def kind(base: type = Kind, without: tuple[str, ...] = (), **given: object) -> type[Kind]:
    """A whole kind but for what is asked."""
    return type('Points', (base,), {name: item for name, item in {**WHOLE, **given}.items() if name not in without})


def test_a_whole_kind_can_be_made():
    task = kind()()
    assert task.example().shape == task.seen().shape == (1, 2)
    assert (task.knobs, task.absent(), task.domain_names, task.messages(sealed=True)) == ({}, [], (), None)
    for call, message in ((task.declared, 'reads no prepared set'), (lambda: task.domains(task.pool()), 'has no domains')):
        with pytest.raises(ValueError, match=f"task 'points' {message}"):
            call()


@pytest.mark.parametrize('name', WHOLE)
def test_what_lacks_is_named(name: str):
    with pytest.raises(ValueError, match=f'Points is no whole kind of task; it lacks {LACKS[name]}.*; add them to the class'):
        kind(without=(name,))()


def test_all_that_lacks_is_named_at_once():
    with pytest.raises(ValueError, match=r'lacks METRIC \(.*\); split \('):
        kind(without=('METRIC', 'split'))()
    with pytest.raises(ValueError, match=r'lacks SETS \(.*\); dataset \(A field: .*\); declared \(Shape'):
        kind(SetKind)()
    with pytest.raises(ValueError, match=r'Synthetic is no whole kind of task; it lacks NAME \(.*\); make \('):
        Synthetic()


@pytest.mark.parametrize(('name', 'other'), [('absent', 'declared'), ('domain_names', 'domains')])
def test_what_belongs_together_is_given_together(name: str, other: str):
    with pytest.raises(ValueError, match=rf'lacks {other} \(.*it gives {name}\)'):
        kind(**{name: lambda self: ['own']})()
    kind(**{name: lambda self: ['own'], other: lambda self: None})()


@pytest.mark.parametrize(
    'metric',
    [
        'accuracy',
        ('accuracy',),
        ('accuracy', 'up'),
        ['accuracy', 'higher'],
        ('', 'lower'),
        (1, 'lower'),
        ('a', 'higher', 1),
        None,
    ],
)
def test_a_metric_that_says_nothing_is_refused(metric: object):
    with pytest.raises(
        ValueError, match=rf"Points: METRIC={re.escape(repr(metric))}; allowed: a name and one of \['higher', 'lower'\]"
    ):
        kind(METRIC=metric)


@pytest.mark.parametrize('scale', [0, -1.0, float('inf'), float('nan'), True, '1'])
def test_a_scale_that_no_mean_has_is_refused(scale: object):
    with pytest.raises(ValueError, match=f'Points: SCALE={scale!r}; allowed: a finite number above 0'):
        kind(SCALE=scale)


@pytest.mark.parametrize(
    ('name', 'given', 'message'),
    [
        ('losses', classification, r'losses\(scores, y, label_smoothing=None\): .*needs losses = staticmethod'),
        ('losses', staticmethod(lambda scores, y: scores), "unexpected keyword argument 'label_smoothing'"),
        ('losses', None, 'None is not a callable object'),
        ('split', lambda self, pool: pool, r'split\(pool, seed\): too many positional'),
        ('pool', lambda: 0, r'pool\(\): too many positional'),
        ('test', lambda self, sealed: 0, r"test\(\): missing a required argument: 'sealed'"),
    ],
)
def test_what_cannot_be_called_is_refused(name: str, given: object, message: str):
    with pytest.raises(ValueError, match=rf"Points: {name} can't be called as .*{message}"):
        kind(**{name: given})


def test_a_kind_is_called_by_its_name():
    assert {name: cls.NAME for name, cls in TASKS.items()} == {name: name for name in TASKS}


def test_the_data_hang_on_the_name_and_not_on_the_class():
    renamed = dataclasses.dataclass(frozen=True)(type('Renamed', (Induction,), {}))
    other = dataclasses.dataclass(frozen=True)(type('Induction', (Induction,), {'NAME': 'other'}))
    sums = [task(train=64, held=16).pool().checksum for task in (Induction, renamed, other)]
    assert sums[0] == sums[1] != sums[2]


def test_losses_may_be_methods():
    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None):
        return classification(scores, y, label_smoothing)

    loss, right = kind(losses=losses)().losses(np.zeros((1, 3), np.float32), np.zeros(1, np.int32))
    np.testing.assert_allclose([loss[0], right[0]], [np.log(3), 1], rtol=1e-6)


def test_what_a_kind_does_not_tell_is_not_known():
    task = kind()()
    unknown = (task.token_count(), task.labels(), task.pool_size(), task.test_size(), task.measure, task.bits_per_byte())
    assert set(unknown) == {None} and task.least_bits() is task.numbers(sealed=True) is task.check_scores((), ()) is None
    assert (task.given(), task.turns(4, {}), task.knob_bounds, task.SCALE) == (0, [], {}, 1.0)
    assert task.domain_name == 'points' and set(task.loss_knobs) == {'label_smoothing', 'z_loss'}
    assert task.seen_in_training() == task.seen() and task.inputs(x := object()) is x


def test_a_part_has_the_chosen_examples_and_the_scale_of_all():
    whole = Arrays(np.arange(8).reshape(4, 2), np.arange(4), 10 * np.arange(4), 3.0)
    part = kind()().part(whole, np.array([3, 1]))
    assert (part.x.tolist(), part.y.tolist(), part.group.tolist(), part.scale) == ([[6, 7], [2, 3]], [3, 1], [30, 10], 3.0)


@pytest.mark.parametrize(
    ('groups', 'held', 'train', 'sizes'),
    [
        (range(5), 4, 0, (1, 4)),
        (range(5), 2, 3, (3, 2)),
        (range(5), 2, 2, (2, 2)),
        ([0, 0, 0, 1, 1, 1], 1, 0, (3, 1)),
        ([7, 7, 7, 9, 9, 9], 3, 3, (3, 3)),
    ],
)
def test_a_split_takes_whole_groups_and_as_many_as_are_asked_for(groups, held: int, train: int, sizes: tuple):
    groups = np.array(list(groups))
    for seed in range(4):
        learned, scored = split_by_group(Arrays(groups, groups, groups), seed, held, train)
        assert (len(learned), len(scored)) == sizes == (len(set(learned.tolist())), len(set(scored.tolist())))
        assert not set(groups[learned]) & set(groups[scored])


@pytest.mark.parametrize(
    ('held', 'train', 'said'),
    [(5, 0, '5 held-out and any training'), (6, 0, '6 held-out and any'), (2, 4, '2 held-out and 4 training examples')],
)
def test_a_split_that_would_leave_too_few_is_refused(held: int, train: int, said: str):
    pool = Arrays(np.zeros(5), np.zeros(5), np.arange(5))
    with pytest.raises(ValueError, match=f'the pool of 5 examples in 5 groups does not give {said}.*; ask for fewer'):
        split_by_group(pool, 0, held, train)


def test_a_set_that_is_not_prepared_is_told_of_by_the_catalog(tmp_path, monkeypatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    known = Images(dataset='mnist')
    assert (known.absent(), known.labels(), known.pool_size(), known.test_size()) == (['mnist'], None, 60_000, 10_000)
    other = Images(dataset='mine')
    assert (other.absent(), other.pool_size(), other.test_size(), other.domain_name) == (['mine'], None, None, 'mine')
    with pytest.raises(ValueError, match="dataset 'tiny_shakespeare' is of kind 'texts'; allowed: images; see `archlab data"):
        Images(dataset='tiny_shakespeare').declared()
    assert Samples(dataset='spoken_digits').pool_size() is None, 'windows are cut, as many as there are'


def test_a_kind_may_be_made_with_words_for_another_base():
    class Tagged:
        def __init_subclass__(cls, tag: str = '', **given: object):
            super().__init_subclass__(**given)
            cls.tag = tag

    assert type('Points', (Kind, Tagged), dict(WHOLE), tag='mine').tag == 'mine'
