"""The command of benchmarks: what cannot be written or is no size is refused before anything is measured."""

from collections.abc import Callable

import pytest
from refused import refuse

BENCHES = ('ops', 'bodies', 'lanes', 'peers', 'scale', 'driver')


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would measure has gone too far."""

    def waiting(text: str) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr('archlab.benching.waiting', waiting)


@pytest.mark.parametrize('name', BENCHES)
def test_where_results_cannot_go_is_said_before_anything_is_measured(called: Callable, tmp_path, name: str):
    done = called('bench', name, '--out', tmp_path)
    refuse(done, f"--out '{tmp_path}' is a folder; give the name of a file, e.g. {tmp_path / name}.json")
    done = called('bench', name, '--out', tmp_path / 'own.svg')
    refuse(done, f"own.svg' would be the figure's own name; give the name of a JSON file, e.g. {name}.json")


@pytest.mark.parametrize('name', ['bodies', 'lanes'])
@pytest.mark.parametrize('size', ['depth', 'depth=', '=3', 'depth=-1', 'depth=1.5', 'depth=²', 'depth=3=4'])
def test_a_size_is_a_name_and_a_whole_number(called: Callable, name: str, size: str):
    refuse(called('bench', name, '--size', 'width=8', '--size', size), f"--size '{size}'; allowed: NAME=NUMBER")
