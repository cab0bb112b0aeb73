"""The command for an accelerator: it measures here at small sizes, and keeps what it has whatever becomes of a part."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import about, agreement, models
from benchmarks.measured import Measured, read


def test_measurements_are_whole_after_each(tmp_path: Path):
    measured = Measured(tmp_path / 'part.json')
    assert read(tmp_path / 'part.json') == []
    for number in (1, 2):
        measured.add('one', seconds=number)
        assert read(tmp_path / 'part.json') == [{'name': 'one', 'seconds': own} for own in range(1, number + 1)]


def test_a_part_that_lasts_too_long_is_cut_off_and_the_next_begun(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(command, '_facts', lambda name: {'NEEDS': ('nobody_has_this',) * (name == 'lanes'), 'SECONDS': 0.2})
    assert command.main(['--out', str(tmp_path), '--only', 'about,lanes,models']) == 1
    told = json.loads((tmp_path / command.FILE).read_text())['parts']
    assert [(name, one['ended']) for name, one in told.items()] == [
        ('about', 'cut off after 0 s'),
        ('lanes', 'skipped: nobody_has_this is not installed'),
        ('models', 'cut off after 0 s'),
    ]
    assert [line.split(':')[0] for line in capsys.readouterr().out.splitlines()] == list(told)
    assert [path.name for path in tmp_path.iterdir()] == [command.FILE]


def test_no_part_is_begun_without_time(tmp_path: Path):
    assert command.main(['--out', str(tmp_path), '--only', 'about', '--seconds', '5']) == 1
    assert 'no time was left' in (tmp_path / command.FILE).read_text()


def test_an_unknown_part_is_named(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(['--out', str(tmp_path), '--only', 'abuot'])
    assert ended.value.code == 2 and "unknown part 'abuot'" in capsys.readouterr().err


def test_every_part_says_what_it_needs_and_how_long_it_may_take():
    facts = [command._facts(name) for name in command.PARTS]
    assert all(isinstance(own['NEEDS'], tuple) and 0 < own['SECONDS'] <= 180 for own in facts[:-1])
    assert facts[-1]['SECONDS'] == 480, 'the last part takes what is left'
    assert sum(own['SECONDS'] for own in facts[:4]) <= 480, 'the worthiest parts fit whatever they take'


def test_numbers_that_differ_are_told_apart():
    one = {'a': about.jnp.ones(3), 'b': about.jnp.full(2, 100.0)}
    assert agreement.apart(one, one) == 0
    assert agreement.apart({**one, 'b': one['b'] + 1}, one) == pytest.approx(0.01)


def test_tiny_models_are_measured(tmp_path: Path):
    """Losses of ten steps on one batch fall; the share of peak is that of the counted operations."""
    name, (config, shape) = next(iter(models.TINY.items()))
    steps = models.Steps(config(), shape)
    measured = steps.measure()
    assert 0 < measured['loss'] < 4.2 and measured['flops'] > 0 and measured['step']['least'] > 0, name


@pytest.mark.slow
def test_the_whole_command_at_small_sizes(tmp_path: Path):
    code = command.main(['--out', str(tmp_path), '--tiny', '--seconds', '900'])
    told = json.loads((tmp_path / command.FILE).read_text())['parts']
    assert code == 0, {name: (one['ended'], one.get('said')) for name, one in told.items() if one['ended'] != 'done'}
    assert tuple(told) == command.PARTS
    rows = [row for one in told.values() for row in one['measured']]
    assert all(row.get('agrees', True) for row in rows)
    assert {row['name']: row.get('bitwise_the_same', True) for row in rows}['killed and gone on']
    assert (tmp_path / command.FILE).stat().st_size < 1e6


@pytest.mark.parametrize(('tiny', 'limits'), [(False, [90, 60, 30]), (True, [205, 115, 55])])
def test_parts_share_the_time_that_is_left(tmp_path: Path, monkeypatch, tiny, limits):
    """A part has its own limit and no more than what the parts before it left; after the last there is none."""
    clock, asked = [1000.0], []

    def run_part(name, folder, small, limit):
        asked.append((name, small, limit))
        clock[0] += {'about': 90, 'agreement': 60, 'lanes': 50}[name]
        return {'ended': 'done', 'seconds': 1.0, 'measured': []}

    monkeypatch.setattr(command, 'time', SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(command, 'run_part', run_part)
    seconds = {'about': 90, 'agreement': 60, 'lanes': 30, 'models': 170}
    monkeypatch.setattr(command, '_facts', lambda name: {'NEEDS': (), 'SECONDS': seconds[name]})
    told = command.run_all(tmp_path, tuple(seconds), tiny, 205)
    assert asked == [(name, tiny, limit) for name, limit in zip(seconds, limits, strict=False)]
    assert [one['ended'] for one in told.values()] == ['done'] * 3 + ['not begun: no time was left']
    assert json.loads((tmp_path / command.FILE).read_text()) == {'tiny': tiny, 'parts': told}
