"""`archlab plan`: what it prints of its facts, line by line."""

from pathlib import Path

import pytest

import sweeps.forecast
from archlab import FINE, main

FACTS = {
    **{'trials': 48, 'packs': 6, 'done': 2, 'expected': 50, 'estimated_seconds': 125.0, 'compile_seconds': 61.0},
    **{'estimate_from': 'a rule of thumb', 'absent': ['zinc', 'imagenet'], 'declared': {'imagenet': [64, 48, 3]}},
    'test_splits': [{'sentence': 'digits finds 6.9'}, {'sentence': ''}],
    'giveaways': {'shop': ['code tells the answer', 'row numbers the rows']},
    'budget': {},
}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, tiny_file: Path, tmp_path: Path, capsys) -> list[str]:
    monkeypatch.setattr(sweeps.forecast, 'forecast', lambda reading, *_: FACTS)
    assert main(['plan', str(tiny_file), '--runs', str(tmp_path)]) == FINE
    return capsys.readouterr().out.splitlines()


def test_what_is_known_beforehand_is_told(printed: list[str]):
    assert printed[0] == (
        'tiny_study: 48 trials in 6 packs would run now; 2 are recorded; 50 are foreseen in all; about 2 min 05 s left, '
        '1 min 01 s of it to compile (a rule of thumb)'
    )
    assert 'not prepared, and needed to run: zinc, imagenet; archlab data prepare NAME --source PATH' in printed
    (size,) = [line for line in printed if line.startswith('imagenet')]
    assert size.startswith('imagenet is counted at 64 x 48 x 3, which it is prepared at unless --size says otherwise')
    assert 'digits finds 6.9' in printed and '' not in printed[:4]
    (told,) = [line for line in printed if line.startswith("set 'shop'")]
    assert told.startswith("set 'shop': code tells the answer; row numbers the rows; leave out")


def test_stops_are_told(monkeypatch: pytest.MonkeyPatch, tiny_file: Path, tmp_path: Path, capsys):
    monkeypatch.setattr(sweeps.forecast, 'forecast', lambda reading, *_: FACTS)
    assert main(['plan', str(tiny_file), '--runs', str(tmp_path), '--set', 'halvings=(0.25,)']) == FINE
    assert 'Tuning stops the worse half of its runs at 0.25 of their steps: 0 of 0 so far' in capsys.readouterr().out


def test_a_study_of_one_arm_is_told_that_nothing_is_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    monkeypatch.setattr(sweeps.forecast, 'forecast', lambda reading, *_: FACTS)
    path = tmp_path / 'alone.py'
    path.write_text(
        'from ablations.study import Study\n'
        "study = Study(name='alone', question='Is it good?', arms={'plain': ()}, tasks=('digits',))\n"
    )
    assert main(['plan', str(path), '--runs', str(tmp_path)]) == FINE
    assert "'plain' is the only arm, so nothing is compared; give the study another one" in capsys.readouterr().out
