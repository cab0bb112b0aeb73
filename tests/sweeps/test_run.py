"""Whole runs: killed at any moment and run again, the same trials and the same findings."""

import contextlib
import dataclasses
import errno
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import pytest
from launcher_here import LauncherHere
from made_up_launcher import MadeUp, Silent

import archlab as door
from ablations.settings import override
from ablations.study import Study, task
from ablations.study_files import load_study
from results.store import defined
from sweeps.launch import LAUNCHERS
from sweeps.launch.launcher import Order
from sweeps.launch.local import LocalLauncher
from sweeps.protocol.simulate import World
from sweeps.run import Run


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob('records/*.jsonl')) for line in path.read_text().splitlines()]


def facts(records: list[dict]) -> dict:
    """What a record says of its trial, without when and how fast it ran."""
    return {r['id']: (r['status'], r['score'], r['curve'], r['knobs'], r['seed']) for r in records}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The options of a run whose worker is a thread of this process."""
    monkeypatch.setitem(LAUNCHERS, 'here', LauncherHere)
    return '--launcher', 'here'


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_file: Path) -> tuple[Path, Path]:
    """A study file and the folder of a run of it that nobody disturbed, with the weights of what was confirmed.

    A thread of this process trained it: the same bits come from such threads alone, and from processes that compile as this one
    does.
    """
    assert jax.config.read('jax_disable_most_optimizations') == ('JAX_DISABLE_MOST_OPTIMIZATIONS' in os.environ)
    runs, said, warned = tmp_path_factory.mktemp('undisturbed') / 'runs', io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as here, contextlib.redirect_stdout(said), contextlib.redirect_stderr(warned):
        here.setitem(LAUNCHERS, 'here', LauncherHere)
        code = door.main(['run', str(tiny_file), '--runs', str(runs), '--launcher', 'here', '--keep-weights', '--json'])
    assert code == 0, warned.getvalue()
    assert 'Traceback' not in warned.getvalue() and 'WARNING' not in warned.getvalue()
    assert len(json.loads(said.getvalue())) == 2
    # Named once, before anything was trained.
    assert warned.getvalue().count('tiny_study: test splits that cannot resolve their margin: ') == 1
    return tiny_file, runs


@pytest.fixture(scope='module')
def undisturbed_processes(tmp_path_factory: pytest.TempPathFactory, archlab: Callable, tiny_file: Path) -> tuple[Path, Path]:
    """The same by as many worker processes as there are cores."""
    runs = tmp_path_factory.mktemp('processes') / 'runs'
    done = archlab('run', tiny_file, '--runs', runs)
    assert done.returncode == 0, done.stderr
    return tiny_file, runs


def kill_and_rerun(
    archlab: Callable, study: Path, runs: Path, kills: int, seed: int, longest: float, options: tuple = ()
) -> None:
    script = Path(sys.executable).with_name('archlab')
    chance = random.Random(seed)
    for _ in range(kills):
        process = subprocess.Popen(
            [str(script), 'run', str(study), '--runs', str(runs), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=dict(os.environ),
        )
        time.sleep(chance.uniform(0.5, longest))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = archlab('run', study, '--runs', runs, *options)
    assert done.returncode == 0, done.stderr


def check_same(called: Callable, undisturbed: tuple[Path, Path], runs: Path) -> None:
    """Check that a run that was killed has the trials of the undisturbed one, each once, and its findings."""
    study, calm = undisturbed
    records, expected = lines_of(runs / 'tiny_study'), lines_of(calm / 'tiny_study')
    ids = [record['id'] for record in records]
    assert len(ids) == len(set(ids))
    assert facts(records) == facts(expected)
    tables = [called('table', study, '--runs', folder, '--json').stdout for folder in (runs, calm)]
    assert tables[0] == tables[1] and json.loads(tables[0])


def test_killed_and_run_again(called: Callable, here: tuple[str, str], undisturbed: tuple[Path, Path], tmp_path: Path):
    """Killed once the first pack is recorded, and run again in another process."""
    study, runs = undisturbed[0], tmp_path / 'runs'
    program = (
        f'import sys; sys.path[:0] = [{str(Path(__file__).parents[2])!r}, {str(Path(__file__).parents[1])!r}]; '
        'from launcher_here import LauncherHere; from sweeps.launch import LAUNCHERS; LAUNCHERS["here"] = LauncherHere; '
        f'import archlab; archlab.main(["run", {str(study)!r}, "--runs", {str(runs)!r}, *{here!r}])'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    patience = time.monotonic() + 240
    while not list(runs.glob('tiny_study/records/*.jsonl')) and time.monotonic() < patience:
        time.sleep(0.02)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < len(lines_of(runs / 'tiny_study')) < len(lines_of(undisturbed[1] / 'tiny_study'))
    done = called('run', study, '--runs', runs, *here)
    assert done.returncode == 0, done.stderr
    check_same(called, undisturbed, runs)


@pytest.mark.slow
@pytest.mark.parametrize(('kills', 'options'), [(2, ('--workers', '1')), (10, ())])
def test_killed_at_random(
    archlab: Callable, called: Callable, undisturbed_processes: tuple[Path, Path], tmp_path: Path, kills: int, options: tuple
):
    kill_and_rerun(archlab, undisturbed_processes[0], tmp_path / 'runs', kills, seed=kills, longest=8.0, options=options)
    check_same(called, undisturbed_processes, tmp_path / 'runs')


def test_a_finished_run_has_nothing_left_to_do(called: Callable, undisturbed: tuple[Path, Path]):
    study, runs = undisturbed
    status = json.loads(called('status', study, '--runs', runs, '--json').stdout)
    assert status['complete'] and status['planned'] == status['done'] == status['ok'] + status['diverged']
    assert json.loads(called('plan', study, '--runs', runs, '--json').stdout)['trials'] == 0


def test_a_rerun_of_one_trial_gives_its_numbers(called: Callable, undisturbed: tuple[Path, Path]):
    """In another process than the one that recorded it."""
    study, runs = undisturbed
    record = next(r for r in lines_of(runs / 'tiny_study') if r['held'] == 'tuning' and r['status'] == 'ok')
    again = json.loads(called('run', study, '--runs', runs, '--trial', record['id']).stdout)
    assert again['recorded']['id'] == record['id']
    assert again['same_numbers'] is True


def test_a_run_says_what_it_is_of(called: Callable, undisturbed: tuple[Path, Path], tmp_path: Path):
    """The folder alone, without the study's file, is enough to know what was asked and what is concluded."""
    study, runs = undisturbed
    definition = defined.load(runs / 'tiny_study')
    assert definition == load_study(str(study)).to_dict()
    shutil.copytree(runs / 'tiny_study', tmp_path / 'tiny_study')
    done = called('claims', '--all', '--json', '--runs', tmp_path, '--published', tmp_path / 'none')
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)['claims']
    assert [(one['study'], one['arm'], one['scope']) for one in made] == [
        ('tiny_study', 'no_mixer', scope) for scope in ('dataset', 'dataset', 'overall')
    ]
    assert {one['settings'][0]['params'] for one in made} != {None} and made[0]['settings'][0]['steps'] == 8


def test_test_reads_are_counted(undisturbed: tuple[Path, Path]):
    _, runs = undisturbed
    manifest = json.loads((runs / 'tiny_study' / 'manifest.json').read_text())
    on_test = [record for record in lines_of(runs / 'tiny_study') if record['held'] == 'test']
    assert sum(manifest['test_reads'].values()) == len(on_test) > 0


def test_reads_of_test_data_outlive_the_manifest(
    called: Callable, here: tuple[str, str], undisturbed: tuple[Path, Path], tmp_path: Path
):
    """They are counted by the records when the manifest was removed; until then `verify` does not hold."""
    study, calm = undisturbed
    shutil.copytree(calm, tmp_path / 'runs')
    path = tmp_path / 'runs' / 'tiny_study' / 'manifest.json'
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, 'test_reads': {}}))
    done = called('verify', study, '--runs', tmp_path / 'runs', '--json')
    broken = [
        check for check in json.loads(done.stdout) if 'fewer reads of test data are counted than recorded' in check['why']
    ]
    assert done.returncode == 1 and [check['holds'] for check in broken] == [False]
    path.unlink()
    assert called('run', study, '--runs', tmp_path / 'runs', *here).returncode == 0
    again = json.loads(path.read_text())
    assert {name: again.get(name) for name in ('test_reads', 'digest', 'looks', 'design')} == {
        name: told.get(name) for name in ('test_reads', 'digest', 'looks', 'design')
    }


def test_weights_of_confirmed_models_are_kept(undisturbed: tuple[Path, Path]):
    _, runs = undisturbed
    confirmed = {record['id'] for record in lines_of(runs / 'tiny_study') if record['held'] == 'test'}
    assert {path.stem for path in (runs / 'tiny_study' / 'weights').iterdir()} == confirmed


def test_growing_a_study_reuses_what_is_recorded(called: Callable, undisturbed: tuple[Path, Path], tmp_path: Path):
    study, runs = undisturbed
    before = {record['id'] for record in lines_of(runs / 'tiny_study')}
    shutil.copytree(runs, tmp_path / 'runs')
    grown = json.loads(called('plan', study, '--runs', tmp_path / 'runs', '--set', 'replicates=3', '--json').stdout)
    # Replicates of a look are in step: what the two have of later rounds is asked for again when the third is as far.
    assert grown['done'] == 2 * 2 * 2 * 2 and grown['trials'] == 2 * 2 * 2
    assert {record['id'] for record in lines_of(tmp_path / 'runs' / 'tiny_study')} == before


DIVERGING = (
    '"""What if nothing trains?"""\n'
    'from ablations.spaces import log\n'
    'from ablations.study import Study, task\n'
    'from ablations.tasks.bases import decoder\n'
    "small = decoder(12, 6, 8, 1, {'kind': 'identity'}, 1.0)\n"
    "recall = task('recall', steps=8, batch=16, evaluations=2, base=small)\n"
    "study = Study(name='diverging', question=__doc__, arms={'base': (), 'same': ()}, tasks=(recall,),\n"
    '              trials=2, extension=1, replicates=2,\n'
    "              tune={'sgd': {'lr': log(1e30, 1e36), 'weight_decay': log(1e-4, 1e-2)}})\n"
)


def test_a_study_in_which_everything_diverges_says_so(called: Callable, here: tuple[str, str], tmp_path: Path):
    study, runs = tmp_path / 'diverging.py', tmp_path / 'runs'
    study.write_text(DIVERGING)
    done = called('run', study, '--runs', runs, *here, '--json')
    assert done.returncode == 1 and 'Traceback' not in done.stderr, done.stderr
    assert 'archlab: warning: every run of the study diverged (8 of 8)' in done.stderr
    finding = json.loads(done.stdout)[0]
    assert finding['verdict'] == 'not comparable' and 'diverged' in finding['reason']
    assert finding['diverged_share'] == finding['base_diverged_share'] == 1.0
    assert finding['overall'] == 'undecided' and 'one dataset' in finding['overall_reason']
    for call in (('table',), ('report', '--out', tmp_path / 'page.html')):
        shown = called(call[0], study, '--runs', runs, *call[1:])
        assert shown.returncode == 0, shown.stderr
    rules = json.loads(called('verify', study, '--runs', runs, '--json').stdout)
    broken = {rule['rule'] for rule in rules if not rule['holds']}
    assert {'more than one dataset', 'every arm gave values'} <= broken


def test_a_full_disk_ends_the_run_and_loses_nothing(
    called: Callable, here: tuple[str, str], undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    study, calm = undisturbed
    runs = tmp_path / 'runs'
    shutil.copytree(calm, runs)
    first, *others = sorted((runs / 'tiny_study' / 'records').glob('*.jsonl'))
    contents = {path.name: path.read_bytes() for path in others}
    first.unlink()
    true_link = os.link

    def link(source: object, target: object, **rest: object) -> None:
        if str(target).endswith('.jsonl'):
            raise OSError(errno.ENOSPC, 'No space left on device')
        true_link(source, target, **rest)

    with monkeypatch.context() as full:
        full.setattr(os, 'link', link)
        done = called('run', study, '--runs', runs, *here)
    assert done.returncode == 2 and 'the disk is full' in done.stderr and 'Traceback' not in done.stderr
    left = {path.name: path.read_bytes() for path in (runs / 'tiny_study' / 'records').iterdir()}
    assert left == contents
    assert called('run', study, '--runs', runs, *here).returncode == 0
    assert facts(lines_of(runs / 'tiny_study')) == facts(lines_of(calm / 'tiny_study'))


class Deadly(LocalLauncher):
    """Kills each worker that is given a pack of one arm."""

    def submit(self, orders: list[Order]) -> None:
        super().submit(orders)
        for worker in self.crew.values():
            if worker.order is not None and worker.order.command['pack']['program']['arm'] == 'no_mixer':
                worker.process.kill()


@pytest.mark.slow
def test_workers_that_die_are_replaced_and_then_recorded(undisturbed: tuple[Path, Path], tmp_path: Path):
    study = override(load_study(str(undisturbed[0])), ['trials=1', 'extension=0', 'replicates=1', 'seeds=1'])
    study = dataclasses.replace(study, tasks=study.tasks[:1])
    folder = tmp_path / 'tiny_study'
    outcome = Run(study, folder, Deadly(folder, 1), Silent())()
    by_arm = {arm: {r['status'] for r in outcome.records.values() if r['arm'] == arm} for arm in study.arms}
    assert by_arm['no_mixer'] == {'failed'} and 'failed' not in by_arm['base']
    assert outcome.failures
    for reason in outcome.failures.values():
        assert f'ended 3 times with signal SIGKILL; see {folder}/logs/worker-0.log' in reason
    again = Run(study, folder, LocalLauncher(folder, 1), Silent(), retry=True)()
    assert 'failed' not in {record['status'] for record in again.records.values()}
    assert not again.failures and again.schedule.complete


LONG = (
    '"""Does a pack that was killed go on inside itself?"""\n'
    'from ablations.spaces import log\n'
    'from ablations.study import Study, task\n'
    "digits = task('digits', steps=500, batch=16, evaluations=5)\n"
    "space = {'lr': log(1e-3, 1e-2), 'weight_decay': log(1e-2, 1.0)}\n"
    "study = Study(name='long_study', question=__doc__, arms={'base': (), 'null': ()}, tasks=(digits,),\n"
    "              tune={'adamw': space}, trials=2, extension=1, replicates=2)\n"
)


@pytest.mark.slow
@pytest.mark.parametrize('resident', ['', '1000'], ids=['on the device', 'streamed'])
def test_a_pack_of_500_steps_killed_inside_goes_on_to_the_same_bits(
    archlab: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resident: str
):
    monkeypatch.setenv('ARCHLAB_RESIDENT_BYTES', resident)
    study = tmp_path / 'long_study.py'
    study.write_text(LONG)
    calm = archlab('run', study, '--runs', tmp_path / 'calm', '--workers', '1')
    assert calm.returncode == 0, calm.stderr
    script, chance, folder = Path(sys.executable).with_name('archlab'), random.Random(2), tmp_path / 'runs' / 'long_study'
    for _ in range(5):
        # Workers too: the whole group, as when a machine is switched off.
        process = subprocess.Popen(
            [str(script), 'run', str(study), '--runs', str(tmp_path / 'runs'), '--workers', '1', '--checkpoint-steps', '40'],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        known, patience = set(folder.glob('checkpoints/*/*/commit_success.txt')), time.monotonic() + 240
        while known >= set(folder.glob('checkpoints/*/*/commit_success.txt')) and time.monotonic() < patience:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 1.5))
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = archlab('run', study, '--runs', tmp_path / 'runs', '--checkpoint-steps', '40')
    assert done.returncode == 0, done.stderr
    records = [lines_of(tmp_path / folder / 'long_study') for folder in ('runs', 'calm')]
    assert facts(records[0]) == facts(records[1]) and len(records[0]) == len(facts(records[0]))
    assert not (tmp_path / 'runs' / 'long_study' / 'checkpoints').exists()


def test_commits_do_not_list_the_folder_of_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where a study has ten thousand files, to list them at each commit would cost more than to train."""
    listed, real = [], os.scandir
    monkeypatch.setattr(os, 'scandir', lambda place='.': listed.append(Path(str(place)).name) or real(place))
    times = {}
    for replicates in (1, 4):
        study = Study(
            name=f'listed_{replicates}',
            question='How often is it listed?',
            arms={'base': (), 'second': ()},
            tasks=(task('digits', chance=-1.0),),
            **{'trials': 2, 'extension': 0, 'replicates': replicates, 'seeds': 1, 'looks': (replicates,)},
        )
        listed.clear()
        Run(study, tmp_path / study.name, MadeUp(study, World(noise=0.01)), Silent())()
        times[len(list((tmp_path / study.name / 'records').iterdir()))] = listed.count('records')
    few, many = sorted(times)
    assert few < many and times[few] == times[many], f'times that the folder was listed, by its files: {times}'
