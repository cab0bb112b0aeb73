"""Fixtures of the tasks' tests: sets of the shared data, prepared where they are there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCES = {
    # Task's dataset: the catalog's entry, the folder of the shared data, and options of preparation.
    'fashion_mnist': ('fashion_mnist', 'fashion-mnist'),
    'cifar10': ('cifar10', 'cifar-10'),
    'spoken_digits': ('spoken_digits', 'fsdd'),
    'synthetic_control': ('series', 'ucr/SyntheticControl'),
    'tiny_shakespeare': ('tiny_shakespeare', 'tinyshakespeare'),
    'tinystories': ('tinystories', 'tinystories'),
    'zinc': ('zinc', 'zinc-smiles'),
    'eight_models': ('eight_models', 'alpaca-eval-outputs', {'skip_damaged': True}),
}


@pytest.fixture(scope='session')
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder into which shared sets are prepared."""
    return tmp_path_factory.mktemp('shared_sets')


@pytest.fixture
def shared(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Prepare a set of the shared data by its dataset's name and make it the lab's; skips without $ARCHLAB_SHARED_DATA."""
    from sweeps.datasets.material import Options
    from sweeps.datasets.prepare import prepare

    def call(dataset: str) -> None:
        if not os.environ.get('ARCHLAB_SHARED_DATA'):
            pytest.skip('ARCHLAB_SHARED_DATA is not set: no shared data to train on')
        entry, folder, *options = SOURCES[dataset]
        source = Path(os.environ['ARCHLAB_SHARED_DATA']) / folder
        prepare(entry, source, shared_folder, called=dataset, options=Options(partial=True, **dict(*options)))

    monkeypatch.setenv('ARCHLAB_DATA', str(shared_folder))
    return call
