"""`archlab compare-searchers`: from a study to a table and a page, and what it refuses."""

import json
from pathlib import Path

import pytest
from made_up_launcher import MadeUp

import sweeps.launch
from ablations.study_files import load_study
from archlab import BAD_INPUT, FELL_SHORT, FINE, main
from sweeps.protocol.simulate import World

FEW = ['--runs-each', '14', '--replicates', '2', '--seeds', '2', '--searchers', 'greedy,lab']


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tiny_file: Path):
    """Runs of the tiny study get scores of a world, without processes."""
    study = load_study(str(tiny_file))
    asked = []

    def made(name: str, folder: Path, workers: int | None, *_: object) -> MadeUp:
        asked.append((name, folder, workers))
        return MadeUp(study, World(noise=0.01))

    monkeypatch.setattr(sweeps.launch, 'make_launcher', made)
    return asked


def test_a_comparison_is_run_shown_and_found_again(simulated: list, tiny_file: Path, tmp_path: Path, capsys):
    runs, out = tmp_path / 'runs', tmp_path / 'page.html'
    assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW, '--out', str(out), '--workers', '3']) == FINE
    printed = capsys.readouterr().out
    assert simulated == [('local', runs / 'tiny_study_searchers', 3)]
    assert 'greedy claims' in printed and 'lab claims' in printed and printed.rstrip().endswith(str(out))
    assert '14 runs a search, 2 searches by each searcher' in out.read_text()
    before = {path.name for path in (runs / 'tiny_study_searchers' / 'records').iterdir()}
    assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW, '--json']) == FINE
    told = json.loads(capsys.readouterr().out)
    assert [(one['task'], one['searcher']) for one in told['gains']] == [
        (name, searcher) for name in ('recall', 'values') for searcher in ('greedy', 'lab')
    ]
    assert (told['study'], told['runs'], told['replicates'], told['seeds'], told['written']) == ('tiny_study', 14, 2, 2, [])
    assert before == {path.name for path in (runs / 'tiny_study_searchers' / 'records').iterdir()}
    assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW, '--runs-each', '40']) == BAD_INPUT
    said = capsys.readouterr().err
    assert "holds a comparison with {'runs': 14}, asked is {'runs': 40}" in said and 'give --runs another folder' in said
    for damaged in ('{', '[1]', '7'):
        (runs / 'tiny_study_searchers' / 'comparison.json').write_text(damaged)
        assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW]) == BAD_INPUT
        assert 'comparison.json is damaged' in capsys.readouterr().err


def test_an_unknown_searcher_is_refused_before_anything_is_written(simulated: list, tiny_file: Path, tmp_path: Path, capsys):
    given = ['compare-searchers', str(tiny_file), '--runs', str(tmp_path / 'runs'), '--searchers', 'greedy,labb']
    assert main(given) == BAD_INPUT
    assert "searchers 'labb'; allowed: one or more of" in capsys.readouterr().err
    assert not (tmp_path / 'runs').exists() and not simulated


def test_packs_that_fail_end_in_their_status(simulated: list, tiny_file: Path, tmp_path: Path, monkeypatch, capsys):
    import archlab.searching as searching

    monkeypatch.setattr(searching, '_run', lambda *_: ({}, {'pack': 'the worker was killed'}))
    assert main(['compare-searchers', str(tiny_file), '--runs', str(tmp_path), *FEW]) == FELL_SHORT
    said = capsys.readouterr().err
    assert 'failed: the worker was killed' in said and '8 of 8 searches are left out: a run failed' in said
