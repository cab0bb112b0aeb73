"""`archlab compare-searchers`: from a study to a table and a page, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest
from made_up_launcher import MadeUp

import sweeps.launch
from ablations.study_files import load_study
from archlab import BAD_INPUT, FELL_SHORT, FINE, main
from results.claims.bundles import bundles_in
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
    assert (runs / 'tiny_study_searchers' / 'comparison.json').read_text().endswith('\n}\n')
    for damaged in ('{', '[1]', '7'):
        (runs / 'tiny_study_searchers' / 'comparison.json').write_text(damaged)
        assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW]) == BAD_INPUT
        assert 'comparison.json is damaged' in capsys.readouterr().err


def test_a_comparison_is_published_and_rendered_again(simulated: list, tiny_file: Path, tmp_path: Path, capsys):
    runs, out = tmp_path / 'runs', tmp_path / 'published'
    publish = ['publish', str(tiny_file), '--runs', str(runs), '--out', str(out), '--searchers']
    assert main(publish) == BAD_INPUT and 'holds no comparison of searchers' in capsys.readouterr().err
    assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW, '--out', str(tmp_path / 'page.html')]) == FINE
    assert main([*publish, '--force']) == BAD_INPUT and '--force is for rules' in capsys.readouterr().err
    assert main([*publish, '--set', 'trials=5']) == BAD_INPUT
    capsys.readouterr()
    assert main(publish) == FINE
    bundle = out / 'tiny_study_searchers'
    assert capsys.readouterr().out.strip() == str(bundle)
    assert (bundle / 'page.html').read_bytes() == (tmp_path / 'page.html').read_bytes()
    with (bundle / 'gains.csv').open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row['task'], row['searcher']) for row in rows] == [
        (name, searcher) for name in ('recall', 'values') for searcher in ('greedy', 'lab')
    ]
    assert all(float(row['confirmed_low']) <= float(row['confirmed']) <= float(row['confirmed_high']) for row in rows)
    assert [row['beside'] == '' for row in rows] == [False, True] * 2
    assert bundles_in(out) == []  # it concludes nothing that is a claim


@pytest.fixture
def published(simulated: list, tiny_file: Path, tmp_path: Path, capsys) -> Path:
    """The bundle of a comparison."""
    runs = ['--runs', str(tmp_path / 'runs')]
    assert main(['compare-searchers', str(tiny_file), *runs, *FEW]) == FINE
    assert main(['publish', str(tiny_file), *runs, '--out', str(tmp_path / 'published'), '--searchers']) == FINE
    capsys.readouterr()
    return tmp_path / 'published' / 'tiny_study_searchers'


def test_a_published_comparison_is_rendered_again(published: Path, tiny_file: Path, capsys):
    reproduce = ['reproduce', str(published), '--study', str(tiny_file)]
    before = {path: path.read_bytes() for path in published.rglob('*') if path.is_file()}
    assert main(reproduce) == FINE
    assert '6 of 6 files are the same, byte by byte' in capsys.readouterr().out
    assert {path: path.read_bytes() for path in published.rglob('*') if path.is_file()} == before
    assert main([*reproduce, '--rerun']) == BAD_INPUT and '--rerun compares verdicts' in capsys.readouterr().err
    told = json.loads((published / 'comparison.json').read_text())
    (published / 'comparison.json').write_text(json.dumps({**told, 'seeds': 1}))
    assert main(reproduce) == FELL_SHORT
    assert 'differs  gains.csv' in capsys.readouterr().out
    for damaged, message in (
        ({'seeds': 'two'}, "it lacks ['seeds']"),
        ({'digest': 'f' * 16}, 'the same file and the same --set'),
    ):
        (published / 'comparison.json').write_text(json.dumps({**told, **damaged}))
        assert main(reproduce) == BAD_INPUT and message in capsys.readouterr().err


def test_a_comparison_that_is_not_at_its_end_is_not_published(simulated: list, tiny_file: Path, tmp_path: Path, capsys):
    runs = tmp_path / 'runs'
    assert main(['compare-searchers', str(tiny_file), '--runs', str(runs), *FEW]) == FINE
    records = runs / 'tiny_study_searchers' / 'records'
    lost = sorted(records.iterdir())[-1]
    content = lost.read_bytes()
    lost.unlink()
    publish = ['publish', str(tiny_file), '--runs', str(runs), '--out', str(tmp_path / 'published'), '--searchers']
    assert main(publish) == BAD_INPUT and 'some of its searches are not at their end' in capsys.readouterr().err
    failed = [{**json.loads(line), 'status': 'failed', 'reason': 'killed'} for line in content.splitlines()]
    lost.write_text(''.join(json.dumps(line) + '\n' for line in failed))
    assert main(publish) == BAD_INPUT and 'cannot be published' in capsys.readouterr().err
    assert not (tmp_path / 'published').exists()


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
