"""Settings of a cluster: written down once, in files that are weaker than what is asked for in the command."""

import json
from pathlib import Path

import pytest

from sweeps.launch import LAUNCHERS, make_launcher
from sweeps.launch.cluster_settings import FILE, files, settings
from sweeps.launch.slurm import SlurmSettings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'home'))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'home' / 'archlab').mkdir(parents=True)
    return tmp_path / 'home' / 'archlab'


def asked(study: Path | None = None, **options: object) -> SlurmSettings:
    return settings(SlurmSettings, 'slurm', study, options)


def test_the_users_file_the_studys_and_the_command(home: Path, tmp_path: Path):
    (home / FILE).write_text('[slurm]\npartition = "cpu"\ntime = "1:00:00"\nsetup = ["module load cuda"]\n[ray]\nother = 1\n')
    (tmp_path / 'studies').mkdir()
    (tmp_path / 'studies' / FILE).write_text('[slurm]\npartition = "gpu"\nsbatch = ["--exclusive"]\n')
    study = tmp_path / 'studies' / 'mine.py'
    assert asked() == SlurmSettings(partition='cpu', time='1:00:00', setup=('module load cuda',))
    assert asked(study) == SlurmSettings(partition='gpu', time='1:00:00', setup=('module load cuda',), sbatch=('--exclusive',))
    assert asked(study, partition=None, time='10', gpus=2, sbatch=('--nice',)) == SlurmSettings(
        partition='gpu', time='10', gpus=2, setup=('module load cuda',), sbatch=('--exclusive', '--nice')
    )


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('[slurm', 'is no TOML'),
        ('slurm = 3', r"'slurm' is 3; allowed: a table, \[slurm\]"),
        ('[slurm]\npartion = "a"', r"partion is not known; allowed: .*Did you mean 'partition'"),
        ('[slurm]\ngpus = "one"', "gpus is 'one'; allowed: a whole number"),
        ('[slurm]\ngpus = true', 'gpus is True; allowed: a whole number'),
        ('[slurm]\ntime = 60', 'time is 60; allowed: a text'),
        ('[slurm]\nsetup = "module load cuda"', "setup is 'module load cuda'; allowed: a list of texts"),
        ('[slurm]\ntime = "soon"', '--time'),
    ],
)
def test_a_wrong_file_is_refused(home: Path, text: str, words: str):
    (home / FILE).write_text(text)
    with pytest.raises(ValueError, match=words):
        asked()


def test_what_a_launcher_has_no_use_for_is_refused(home: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"--partition is nothing to launcher 'local'; allowed there: \['devices'\]"):
        make_launcher('local', tmp_path, options={'partition': 'gpu', 'gpus': None, 'sbatch': ()})
    with pytest.raises(ValueError, match="--address is nothing to launcher 'slurm'"):
        asked(address='here')


@pytest.mark.parametrize(
    ('kind', 'first', 'all_studies', 'own', 'command'),
    [('local', 'devices', 2, 3, 4), ('ray', 'address', 'a:1', 'b:2', 'auto'), ('slurm', 'partition', 'cpu', 'gpu', 'big')],
)
def test_a_launcher_is_made_with_what_files_and_the_command_say(
    home: Path, tmp_path: Path, monkeypatch, kind, first, all_studies, own, command
):
    class Told:
        Settings = LAUNCHERS[kind].Settings

        def __init__(self, *given: object):
            self.given = given

    class Plain(Told):
        Settings = None

    (tmp_path / 'studies').mkdir()
    (home / FILE).write_text(f'[{kind}]\n{first} = {json.dumps(all_studies)}\n')
    (tmp_path / 'studies' / FILE).write_text(f'[{kind}]\n{first} = {json.dumps(own)}\n')
    assert {*LAUNCHERS} == {'local', 'ray', 'slurm'}
    monkeypatch.setitem(LAUNCHERS, kind, Told)
    for study, options, wanted in (
        (None, None, all_studies),
        (tmp_path / 'studies' / 'mine.py', {first: None}, own),
        (tmp_path / 'studies' / 'mine.py', {first: command}, command),
    ):
        folder, workers, made = make_launcher(kind, tmp_path / 'run', 3, options, study).given
        assert (folder, workers, getattr(made, first)) == (tmp_path / 'run', 3, wanted) and type(made) is Told.Settings
    monkeypatch.setitem(LAUNCHERS, kind, Plain)
    assert make_launcher(kind, tmp_path, None, {first: None}).given == (tmp_path, None)
    with pytest.raises(ValueError, match=rf"--{first} with launcher '{kind}'; allowed with: \['"):
        make_launcher(kind, tmp_path, None, {first: command})


def test_where_the_files_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    for given in (None, ''):
        monkeypatch.delenv('XDG_CONFIG_HOME', raising=False) if given is None else monkeypatch.setenv('XDG_CONFIG_HOME', given)
        assert files(None) == [tmp_path / '.config' / 'archlab' / FILE, Path(FILE)]
    assert files(tmp_path / 'studies' / 'mine.py')[1] == tmp_path / 'studies' / FILE


def test_a_file_that_cannot_be_read_is_told(home: Path):
    (home / FILE).mkdir()
    with pytest.raises(ValueError, match=rf'{FILE}'):
        asked()


@pytest.mark.parametrize(
    'text', ['[slurm]\nsetup = ["a", 1]', '[slurm]\nsetup = 1', '[slurm]\ncpus = 1.5', '[slurm]\npartition = false']
)
def test_values_of_another_type_are_refused(home: Path, text: str):
    (home / FILE).write_text(text)
    with pytest.raises(ValueError, match=r'archlab\.toml: \[slurm\] \w+ is .*; allowed: a'):
        asked()
