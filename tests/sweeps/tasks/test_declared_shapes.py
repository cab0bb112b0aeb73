"""What is known of examples before their data are prepared: shapes from the catalog and a task's own fields."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ablations.study import Study, put
from ablations.tasks import TASKS
from ablations.tasks.origin_tasks import REWRITINGS
from arch.cost import parameters
from sweeps.datasets.prepared import Part, write
from sweeps.forecast import costs_of
from sweeps.models.describe import Sizes, subjects
from sweeps.training.preflight import task_of

MODELS = ('eight_models', 'eight_model_halves', *(f'eight_models_{ending}' for ending in REWRITINGS))
SEEN = {
    # What the model sees of one example, as counted by hand from the description of the set and the task's fields.
    'mnist': ((28, 28, 1), 'float32'),
    'fashion_mnist': ((28, 28, 1), 'float32'),
    'kmnist': ((28, 28, 1), 'float32'),
    'emnist_balanced': ((28, 28, 1), 'float32'),
    'cifar10': ((32, 32, 3), 'float32'),
    'cifar100': ((32, 32, 3), 'float32'),
    'tiny_imagenet': ((64, 64, 3), 'float32'),
    'imagenet': ((64, 64, 3), 'float32'),
    'fashion_mnist_pixels': ((14 * 14,), 'int32'),
    'cifar10_pixels': ((8 * 8 * 3,), 'int32'),
    'spoken_digits': ((8192 // 128, 32, 1), 'float32'),
    'spoken_digits_samples': ((8192, 1), 'float32'),
    'spoken_digits_bytes': ((256,), 'int32'),
    'synthetic_control': ((60, 1), 'float32'),
    'tiny_shakespeare': ((64,), 'int32'),
    'tiny_shakespeare_bytes': ((64,), 'int32'),
    'tinystories': ((64,), 'int32'),
    'wikitext': ((256,), 'int32'),
    'fineweb': ((512,), 'int32'),
    'zinc': ((112,), 'int32'),
    'languages': ((64,), 'int32'),
    **dict.fromkeys(MODELS, ((2048,), 'int32')),
    'eight_models_first_words': ((128,), 'int32'),
}
STORED = {
    **dict.fromkeys(SEEN, 'uint8'),
    **dict.fromkeys(('spoken_digits', 'spoken_digits_samples'), 'int16'),
    **dict.fromkeys(('tiny_shakespeare_bytes', 'tinystories', 'wikitext', 'fineweb', 'languages'), 'uint16'),
    **dict.fromkeys(MODELS, 'int16'),
    'synthetic_control': 'float32',
    'tiny_shakespeare': 'int32',
}
"""The type of a stored number, the smallest that holds all of the set; where the vocabulary is not known, int32."""
PREPARED = {
    'fashion_mnist': ('fashion_mnist',),
    'fashion_mnist_pixels': ('fashion_mnist',),
    'cifar10': ('cifar10',),
    'cifar10_pixels': ('cifar10',),
    'spoken_digits': ('spoken_digits',),
    'spoken_digits_samples': ('spoken_digits',),
    'spoken_digits_bytes': ('spoken_digits',),
    'synthetic_control': ('synthetic_control',),
    'tiny_shakespeare': ('tiny_shakespeare',),
    'tiny_shakespeare_bytes': ('tiny_shakespeare',),
    'tinystories': ('tinystories',),
    'zinc': ('zinc',),
    'languages': ('tiny_shakespeare', 'tinystories', 'zinc'),
    'eight_models': ('eight_models',),
    'eight_models_first_words': ('eight_models',),
}
"""The tasks that can be tried on shared data, with the sets that they read."""


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    return tmp_path


def test_the_table_has_every_task_that_needs_data(nothing: Path):
    assert set(SEEN) == {name for name, task in TASKS.items() if task_of(task.data).absent()}


# Rewriting changes no shape.
SAME = [pytest.param(name, marks=[pytest.mark.slow] if 'rewrite' in task.data else []) for name, task in TASKS.items()]


@pytest.mark.parametrize('name', SAME)
def test_every_task_is_described_without_data(nothing: Path, name: str):
    task = task_of(TASKS[name].data)
    seen = task.seen()
    if name in SEEN:
        assert (seen.shape[1:], str(seen.dtype)) == SEEN[name] and seen.shape[0] == task.example().shape[0] == 1
        assert task.example().dtype == STORED[name]
        with pytest.raises(ValueError, match='archlab data prepare'):
            task.pool()
    (subject,) = subjects(name, [], Sizes()).values()
    assert parameters(subject.config, subject.x) > 0


@pytest.mark.slow
@pytest.mark.parametrize('name', PREPARED)
def test_what_is_declared_is_what_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared):
    for dataset in PREPARED[name]:
        shared(dataset)
    prepared = task_of(TASKS[name].data)
    assert not prepared.absent()
    example, seen, pool = prepared.example(), prepared.seen(), prepared.pool()
    assert (example.shape[1:], example.dtype) == (pool.x.shape[1:], pool.x.dtype)
    assert seen.shape == (1, *SEEN[name][0]) and str(seen.dtype) == SEEN[name][1]
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    declared = task_of(TASKS[name].data)
    assert declared.absent() and declared.seen() == seen and declared.example().shape == example.shape
    if TASKS[name].data['kind'] != 'text':  # of a text, how many documents there are decides how a token is stored
        assert declared.example().dtype == example.dtype


OWN = [
    ({'kind': 'images', 'dataset': 'my_photos'}, "dataset 'my_photos' is not prepared"),
    ({'kind': 'images', 'dataset': 'image_folder'}, "dataset 'image_folder' is not prepared"),
    ({'kind': 'images', 'dataset': 'zinc'}, "dataset 'zinc' is of kind 'molecules'; allowed: images"),
    ({'kind': 'pixels', 'dataset': 'tinystories'}, "of kind 'texts'; allowed: images"),
    ({'kind': 'pixels', 'dataset': 'cifar10', 'size': 7}, r'size=7 of images 32 x 32; allowed: 0 \(as stored\) or \[32, 16'),
    ({'kind': 'samples', 'dataset': 'my_songs'}, "dataset 'my_songs' is not prepared"),
    ({'kind': 'spoken_digits', 'hop': 100}, 'hop=100 does not divide'),
    ({'kind': 'series', 'dataset': 'gun_point'}, "dataset 'gun_point' is not prepared"),
    ({'kind': 'text', 'dataset': 'my_letters'}, "dataset 'my_letters' is not prepared"),
    ({'kind': 'text', 'dataset': 'mnist'}, "of kind 'images'; allowed: texts, molecules, tokens"),
    ({'kind': 'molecules', 'dataset': 'tinystories'}, "of kind 'texts'; allowed: molecules"),
    ({'kind': 'mixture', 'parts': [{'kind': 'text'}, {'kind': 'text', 'length': 8}]}, 'part 1 .* one length for all parts'),
    ({'kind': 'mixture', 'parts': [{'kind': 'text'}, {'kind': 'series'}]}, r'part 1 .* has examples \[1, 60, 1\]'),
]


@pytest.mark.parametrize(('data', 'message'), OWN, ids=[f'{data["kind"]}_{i}' for i, (data, _) in enumerate(OWN)])
def test_what_cannot_be_known_is_refused(nothing: Path, data: dict, message: str):
    with pytest.raises(ValueError, match=message):
        task_of(data).seen()


def test_a_set_of_another_size_is_taken_as_it_is(nothing: Path):
    """Such as CIFAR-10 prepared with --size 8 --grey."""
    small = Part(np.zeros((6, 8, 8, 1), np.uint8), np.zeros(6, np.int32), np.arange(6))
    write(nothing / 'prepared' / 'cifar10', {'kind': 'images', 'classes': ['a']}, small, small)
    assert task_of({'kind': 'images', 'dataset': 'cifar10'}).seen().shape == (1, 8, 8, 1)
    assert task_of({'kind': 'pixels', 'dataset': 'cifar10'}).seen().shape == (1, 64)
    with pytest.raises(ValueError, match='size=16 of images 8 x 8'):
        task_of({'kind': 'pixels', 'dataset': 'cifar10', 'size': 16}).seen()


def study(name: str, vocabulary: int) -> Study:
    task = dataclasses.replace(TASKS[name], name='own')
    arms = {'base': (), 'other': put('stem.vocabulary', vocabulary)}
    return Study(name='words', question='How many?', arms=arms, tasks=(task,))


@pytest.mark.parametrize(
    ('name', 'vocabulary', 'message'),
    [
        ('tiny_shakespeare_bytes', 256, 'the data have 257 tokens'),
        ('tinystories', 1000, 'the data have 1024 tokens'),
        ('fineweb', 50000, 'the data have 50257 tokens'),
        ('zinc', 127, 'the data have 128 tokens'),
        ('languages', 256, 'the data have 257 tokens'),
        # Which characters there are only the text tells: a run compares when it has it.
        ('tiny_shakespeare', 60, None),
    ],
)
def test_a_vocabulary_that_is_known_without_data_is_compared(nothing: Path, name: str, vocabulary: int, message: str | None):
    asked = study(name, vocabulary)
    if message is None:
        counted = costs_of(asked)
        assert counted['other']['own']['params'] < counted['base']['own']['params']
        return
    with pytest.raises(ValueError, match=f"arm 'other' on task 'own': {message} and 'stem.vocabulary' is {vocabulary}"):
        costs_of(asked)


@pytest.mark.parametrize('split', [0, 1])
def test_labels_past_the_outputs_are_refused_with_both_sizes(nothing: Path, split: int):
    """Also where only the test split has them."""
    x, labels = np.zeros((12, 32, 32, 3), np.uint8), [np.arange(12, dtype=np.int32) % 10, np.arange(12, dtype=np.int32)]
    pool, test = (Part(x, y, np.arange(12)) for y in (labels[split], labels[1]))
    write(nothing / 'prepared' / 'cifar10', {'kind': 'images'}, pool, test)
    task = dataclasses.replace(TASKS['cifar10'], name='own', data={**TASKS['cifar10'].data, 'held': 2})
    asked = Study(name='labels', question='How many?', arms={'base': (), 'other': put('head.outputs', 12)}, tasks=(task,))
    said = r"arm 'base' on task 'own': the data have 12 labels and 'head.outputs' is 10; put\('head.outputs', 12\)"
    with pytest.raises(ValueError, match=said):
        costs_of(asked)


@pytest.mark.parametrize(
    ('name', 'data', 'said'),
    [
        ('digits', {'held': 5000}, 'held=5000 and train=1077 are asked for, and the pool has 1437 examples'),
        ('digits', {'held': 361}, 'held=361 and train=1077'),
        ('cifar10', {'held': 50000}, 'held=50000, and all others for training are asked for, and the pool has 50000 examples'),
    ],
)
def test_more_examples_than_there_are_are_refused_before_anything_runs(nothing: Path, name: str, data: dict, said: str):
    task = dataclasses.replace(TASKS[name], name='own', data={**TASKS[name].data, **data})
    asked = Study(name='many', question='How many?', arms={'base': (), 'other': ()}, tasks=(task,))
    with pytest.raises(ValueError, match=f"task 'own': {said}"):
        costs_of(asked)
    costs_of(dataclasses.replace(asked, tasks=(dataclasses.replace(task, data={**task.data, 'held': 360}),)))


ITS_OWN = (
    *('digits', 'induction', 'selective_copying', 'compression', 'fuzzy_recall', 'modular_addition', 'arithmetic'),
    *('arithmetic_answers', 'regular_language', 'zinc'),
)
"""Tasks whose kind is made for them alone."""


@pytest.mark.parametrize('name', ITS_OWN)
def test_a_kind_without_options_is_the_task_that_it_is_made_for(name: str):
    declared = TASKS[name].data
    kind = task_of({'kind': declared['kind']})
    assert {field: getattr(kind, field) for field in declared if field != 'kind'} == {
        field: value for field, value in declared.items() if field != 'kind'
    }
