"""Commands about clusters: what a merge says of trials that it added, knew or that differ, and what workers have said."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from refused import refuse

from sweeps.merge import Merged


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list:
    """Runs folders of several studies, and what was merged and compressed; `told` is what each merge did."""
    calls = []
    for study in ('norms', 'mixers'):
        (tmp_path / 'gpu' / study / 'records').mkdir(parents=True)
    (tmp_path / 'laptop' / 'norms' / 'records').mkdir(parents=True)
    (tmp_path / 'laptop' / 'notes').mkdir()
    told = Merged('norms', added=3, known=2)
    calls.append(told)

    def merge(source: Path, target: Path) -> Merged:
        calls.append(('merge', str(source), str(target)))
        return told

    monkeypatch.setattr('sweeps.merge.merge', merge)
    monkeypatch.setattr('sweeps.merge.compressed', lambda folder: calls.append(('compress', str(folder))))
    monkeypatch.chdir(tmp_path)
    return calls


def test_all_studies_of_all_folders_are_added_in_order(called: Callable, merged: list):
    done = called('merge', 'gpu', 'laptop', 'runs', '--compress')
    pairs = [('gpu', 'mixers'), ('gpu', 'norms'), ('laptop', 'norms')]
    each = [(('merge', f'{source}/{study}', f'runs/{study}'), ('compress', f'runs/{study}')) for source, study in pairs]
    assert merged[1:] == [call for two in each for call in two] and done.returncode == 0
    assert done.stdout.splitlines() == [f'{study} from {source}: 3 trials added, 2 known' for source, study in pairs]


def test_one_study_alone_and_nothing_compressed(called: Callable, merged: list):
    done = called('merge', 'gpu', 'laptop', 'runs', '--study', 'norms', '--json')
    assert merged[1:] == [('merge', 'gpu/norms', 'runs/norms'), ('merge', 'laptop/norms', 'runs/norms')]
    told = [(one['from'], one['added'], one['unlike']) for one in json.loads(done.stdout)]
    assert told == [
        ('gpu', 3, []),
        ('laptop', 3, []),
    ]
    refuse(called('merge', 'laptop', 'runs', '--study', 'mixers'), 'no records of mixers in laptop; give a runs folder')
    refuse(called('merge', 'nowhere', 'runs'), 'no records in nowhere; give a runs folder')
    refuse(called('merge', 'gpu'), 'only gpu is given; allowed: one runs folder or more to take from')


@pytest.mark.parametrize(
    ('count', 'shown'), [(1, 't0'), (5, 't0, t1, t2, t3, t4'), (6, 't0, t1, t2, t3, t4, ...'), (9, 't0, t1, t2, t3, t4, ...')]
)
def test_trials_with_other_scores_are_named_five_at_most(called: Callable, merged: list, count: int, shown: str):
    merged[0].unlike = [f't{number}' for number in range(count)]
    merged[0].sources.update({'abc': 2, 'def': 1})
    assert called('merge', 'laptop', 'runs').stdout.splitlines() == [
        'norms from laptop: 3 trials added (2 by sources abc, 1 by sources def), 2 known',
        f'norms: {count} trials have other scores in runs, which stay: {shown}',
    ]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The logs of a run, which may hold anything."""
    folder = tmp_path / 'runs' / 'norms' / 'logs'
    folder.mkdir(parents=True)
    (folder / 'worker-0.log').write_bytes(b'first\n[red]loss[/red] \xff ' + b'x' * 200 + b'\n\n')
    (folder / 'pack.log').write_text('')
    (folder / 'worker-1.log').mkdir()
    (folder / 'notes.txt').write_text('none')
    return tmp_path


LAST = '[red]loss[/red] \N{REPLACEMENT CHARACTER} ' + 'x' * 200


def test_the_last_line_of_each_log_is_told_as_it_is(called: Callable, logs: Path):
    done = called('logs', 'norms', cwd=logs)
    assert done.returncode == 0, done.stderr
    told = ['pack  (nothing)', f'worker-0  {LAST}', 'worker-1  (cannot be read: ']
    assert [line[: len(start)] for line, start in zip(done.stdout.splitlines(), told, strict=True)] == told


def test_one_log_is_told_whole_and_another_one_is_not_there(called: Callable, logs: Path):
    assert called('logs', 'norms', 'worker-0', cwd=logs).stdout == f'first\n{LAST}\n'
    done = called('logs', 'norms', 'worker-7', cwd=logs)
    refuse(done, "no log of 'worker-7' in runs/norms/logs; archlab logs norms lists them. Did you mean 'worker-")
    refuse(called('logs', 'mixers', cwd=logs), 'no logs in runs/mixers/logs; run the study first, or give --runs its folder')
