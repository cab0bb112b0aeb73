"""A preparation from its first to its last word: the stages that whoever waits is told, and all that is known of the set."""

import hashlib
import json
from pathlib import Path

import numpy as np
from test_preparing import PARTIAL, mnist, pictures

from sweeps.datasets import catalog
from sweeps.datasets.material import Options
from sweeps.datasets.prepare import prepare

OPTIONS = {
    **dict.fromkeys(('size', 'jpeg', 'field', 'mark', 'token_type', 'separator', 'split', 'inputs', 'target')),
    **dict.fromkeys(('form', 'predict', 'group', 'share')),
    **dict.fromkeys(('grey', 'partial', 'skip_damaged', 'unverified'), False),
}
"""Options that nobody gave."""


def sums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob('*/*.npy'))
    }


def test_images_of_the_catalogue(tmp_path: Path):
    stages, raw = [], mnist(tmp_path / 'raw', pictures(20), pictures(8, seed=1))
    one, _ = prepare('mnist', raw, tmp_path, options=PARTIAL, progress=lambda *told: stages.append(told))
    assert stages == [
        ('comparing checksums', 0, None),
        ('looking at the files', 0, None),
        ('comparing checksums', 0, None),
        ('test examples', 8, 8),
        ('examples', 20, 20),
    ]
    known, about = catalog.DATASETS['mnist'], dict(one.about)
    for source in about['sources']:
        content = (raw / source['file']).read_bytes()
        own, official = hashlib.md5(content).hexdigest(), known.md5[source['file']]
        assert source == {
            'file': source['file'],
            'bytes': len(content),
            'sha256': hashlib.sha256(content).hexdigest(),
            'official': f'differs from the official file: MD5 {own}, not {official}',
        }
    names = [f'{split}-{what}-ubyte.gz' for split in ('train', 't10k') for what in ('images-idx3', 'labels-idx1')]
    assert [source['file'] for source in about['sources']] == names
    assert about['notes'] == [
        f'{name["file"]}: {name["official"]}; taken all the same (--unverified)' for name in about['sources']
    ]
    scaled = pictures(20) / 255
    assert np.allclose([*about.pop('mean'), *about.pop('std')], [scaled.mean(), scaled.std()])
    del about['sources'], about['notes'], about['digest']
    assert about == {
        'format': 1,
        'name': 'mnist',
        'kind': 'images',
        'about': known.about,
        'unit': known.unit,
        'classes': list('0123456789'),
        'options': {'dataset': 'mnist', **OPTIONS, 'partial': True, 'unverified': True},
        'partial': ['20 of 60,000 pool examples', '8 of 10,000 test examples'],
        'dropped': 0,
        'skipped': [],
        'test_split': known.test,
        'licence': known.licence,
        'citation': known.citation,
        'origin': known.origin,
        'sizes': {'pool': 20, 'test': 8},
        'elements': {'pool': 20 * 28 * 28, 'test': 8 * 28 * 28},
        'balance': {'pool': [2] * 10, 'test': [1] * 8 + [0] * 2},
        'shape': [28, 28, 1],
        'checksums': sums(one.folder),
    }
    assert list(about['checksums']) == sorted(about['checksums'])
    told = hashlib.sha256(json.dumps(about['checksums']).encode()).hexdigest()
    assert one.about['digest'] == told[:16], 'results are known by it'


def test_documents_of_ones_own(tmp_path: Path):
    (tmp_path / 'raw').mkdir()
    mark, first = '<|endoftext|>', 'some words that say '
    (tmp_path / 'raw' / 'train.txt').write_text(f'{first * 9}{mark}{"others " * 20}{mark}')
    (tmp_path / 'raw' / 'test.txt').write_text(f'{first * 9}{mark}{"third " * 20}{mark}')
    stages = []
    one, _ = prepare('text', tmp_path / 'raw', tmp_path, 'mine', Options(mark=mark), progress=lambda *told: stages.append(told))
    assert stages == [
        ('comparing checksums', 0, None),
        ('looking at the files', 0, None),
        ('comparing checksums', 0, None),
        ('test examples', 2, None),
        ('examples', 2, None),
        ('looking for near-duplicates', 0, 140),
        ('looking for near-duplicates', 140, 140),
    ]
    known, about = catalog.DATASETS['text'], dict(one.about)
    assert [source['official'] for source in about.pop('sources')] == ['no official checksum known'] * 2
    del about['digest']
    assert about == {
        'format': 1,
        'name': 'mine',
        'kind': 'texts',
        'about': known.about,
        'unit': known.unit,
        'classes': None,
        'options': {'dataset': 'text', **OPTIONS, 'mark': mark},
        'partial': None,
        'dropped': 1,
        'skipped': [],
        'near_duplicates': {'length': 50, 'looked_for': 5, 'share': 0.0},
        'test_split': 'by the names of files: 1 of 2 (test.txt)',
        'licence': known.licence,
        'citation': known.citation,
        'origin': known.origin,
        'notes': ['1 examples of the pool are identical to a test example and were left out'],
        'longest': 180,
        'characters': len(set('others ')),
        'sizes': {'pool': 1, 'test': 2},
        'elements': {'pool': 140, 'test': 300},
        'balance': {'pool': None, 'test': None},
        'shape': None,
        'checksums': sums(one.folder),
    }
