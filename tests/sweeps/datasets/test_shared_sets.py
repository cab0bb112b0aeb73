"""Real sets in their official formats, prepared from the shared data; where $ARCHLAB_SHARED_DATA names the folder."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.material import Options
from sweeps.datasets.prepare import find_source, prepare

SHARED = os.environ.get('ARCHLAB_SHARED_DATA')
pytestmark = pytest.mark.skipif(not SHARED, reason='ARCHLAB_SHARED_DATA names no folder with the shared data')
SETS = [
    # Name, its form (None where it is a set of the catalog), its folder, whether it is partial, examples and values of splits.
    ('fashion_mnist', None, 'fashion-mnist', False, (60000, 10000), (47040000, 7840000)),
    ('tiny_imagenet', None, 'tiny-imagenet-10', True, (1000, 500), (12288000, 6144000)),
    ('tiny_shakespeare', None, 'tinyshakespeare', False, (1, 1), (1003855, 111539)),
    ('tinystories', None, 'tinystories', False, (2069, 247), None),
    ('spoken_digits', None, 'fsdd', True, (1200, 300), None),
    ('zinc', None, 'zinc-smiles', True, (24445, 5000), (1106144 - 24445, 225615 - 5000)),
    ('synthetic_control', None, 'ucr/SyntheticControl', False, (300, 300), (18000, 18000)),
    ('gun_point', 'series', 'ucr/GunPoint', False, (50, 150), (7500, 22500)),
    ('trace', 'series', 'ucr/Trace', False, (100, 100), (27500, 27500)),
    pytest.param('cifar10', None, 'cifar-10', True, (10000, 1000), (30720000, 3072000), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(('name', 'form', 'folder', 'partial', 'sizes', 'values'), SETS)
def test_shared_sets_are_prepared(tmp_path: Path, name, form, folder, partial, sizes, values):
    source = Path(SHARED) / folder
    if partial:
        with pytest.raises(ValueError, match=r'--partial'):
            prepare(form or name, source, tmp_path, called=name)
    dataset, new = prepare(form or name, source, tmp_path, called=name, options=Options(partial=partial))
    about = dataset.about
    assert new and (about['sizes']['pool'], about['sizes']['test']) == sizes and bool(about['partial']) == partial
    if values is not None:
        assert (about['elements']['pool'], about['elements']['test']) == values
    assert not any(one.get('official', '').startswith('differs') for one in about['sources'])
    known = DATASETS.get(name)
    if known is not None:
        assert about['shape'] == (list(known.shape) if known.shape else None) and about.get('rate') == known.rate
    hashes = [
        {hashlib.sha256(part.example(i).tobytes()).digest() for i in range(len(part))}
        for part in (dataset.pool(), dataset.test())
    ]
    assert not hashes[0] & hashes[1] and dataset.damaged() == []


def test_answers_of_eight_models_stay_with_their_instruction(tmp_path: Path):
    source = Path(SHARED) / 'alpaca-eval-outputs'
    with pytest.raises(ValueError, match=r"no text in column 'output'.*--skip-damaged"):
        prepare('eight_models', source, tmp_path)
    answers, _ = prepare('eight_models', source, tmp_path, options=Options(skip_damaged=True))
    assert answers.about['sizes'] == {'pool': 5790, 'test': 648} and len(answers.about['classes']) == 8
    # Of 805 instructions two share an answer, and are one group.
    assert [len(np.unique(part.group)) for part in (answers.pool(), answers.test())] == [723, 81]


def test_known_facts_of_the_sets(tmp_path: Path):
    """Counts and means that the description of the shared data measured by other means."""
    fashion, _ = prepare('fashion_mnist', Path(SHARED) / 'fashion-mnist', tmp_path)
    assert fashion.about['balance'] == {'pool': [6000] * 10, 'test': [1000] * 10}
    assert fashion.about['mean'][0] * 255 == pytest.approx(72.940, abs=5e-4)
    assert [one['official'] for one in fashion.about['sources']] == ['matches'] * 4
    digits, _ = prepare('spoken_digits', Path(SHARED) / 'fsdd', tmp_path, options=Options(partial=True))
    assert digits.about['rate'] == 8000
    lengths = np.concatenate([np.diff(part.offsets) for part in (digits.pool(), digits.test())]) / 8000
    assert (lengths.min(), lengths.max()) == pytest.approx((0.144, 2.283), abs=6e-4)
    assert lengths.mean() == pytest.approx(0.437, abs=5e-4)
    stories, _ = prepare('tinystories', Path(SHARED) / 'tinystories', tmp_path)
    assert sum(stories.about['sizes'].values()) == 2316


@pytest.mark.slow
def test_known_facts_of_cifar(tmp_path: Path):
    cifar, _ = prepare('cifar10', Path(SHARED) / 'cifar-10', tmp_path, options=Options(partial=True))
    assert cifar.about['balance']['pool'] == [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
    assert cifar.about['mean'] == pytest.approx([0.4935, 0.4834, 0.4472], abs=5e-5)
    assert cifar.about['classes'][3] == 'cat'


def test_the_shared_folder_is_a_data_folder():
    places = {name: find_source(name, Path(SHARED)) for name in ('fashion_mnist', 'cifar10', 'zinc', 'tinystories', 'mnist')}
    assert {name: place.name if place else None for name, place in places.items()} == {
        'fashion_mnist': 'fashion-mnist',
        'cifar10': 'cifar-10',
        'zinc': 'zinc-smiles',
        'tinystories': 'tinystories',
        'mnist': None,
    }
