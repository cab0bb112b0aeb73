"""The catalogue of sets, and where each stands on a machine without data: tests/golden/catalog.txt."""

from pathlib import Path

import golden_texts
import made_sets as made
from own_sources import X, Y, npz_of, prepared
from told_values import told

from sweeps.datasets import catalog
from sweeps.datasets.inventory import listing


def test_the_catalogue_is_what_it_was(tmp_path: Path):
    lines = [line for name, entry in catalog.DATASETS.items() for line in told(f'# {name}', entry)]
    lines += told('inventory', listing(tmp_path))
    one = prepared(tmp_path, 'arrays', npz_of(x=X, y=Y)(tmp_path), form='table')
    (tmp_path / 'mnist').mkdir()
    (tmp_path / 'prepared' / 'damaged').mkdir()
    (tmp_path / 'prepared' / 'damaged' / 'about.json').write_text('{')
    made.images(tmp_path / 'imagenette', 4)
    there = {name: {**own, 'bytes': 0} for name, own in listing(tmp_path).items() if own['state'] not in ('missing', 'form')}
    lines += told('there', there)
    lines = [line.replace(one.about['digest'], 'DIGEST') for line in lines]
    golden_texts.hold('catalog', '\n'.join(lines).replace(str(tmp_path), 'DATA'))
