"""The Slurm launcher by made-up commands: what it asks of Slurm, what it knows from it, what it says of what went wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from made_up_slurm import MadeUpSlurm

from ablations.trial import Needs
from sweeps.launch import make_launcher, order_files
from sweeps.launch.launcher import Order
from sweeps.launch.queued import UNSEEN
from sweeps.launch.slurm import TIME, SlurmLauncher, SlurmSettings, script, seconds_of


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeUpSlurm:
    made = MadeUpSlurm(tmp_path / 'slurm')
    monkeypatch.setenv('PATH', made.path)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    monkeypatch.setattr(sys, 'executable', str(made.worker))
    return made


def launcher(tmp_path: Path, **options: object) -> SlurmLauncher:
    made = make_launcher('slurm', tmp_path / 'run', None, options)
    made.pause, made.patience = 0.03, 0.05
    order_files.prepare(made.folder)
    return made


def orders(*names: str, **command: object) -> list[Order]:
    return [Order(name, Needs('p', 'm'), command) for name in names]


def test_orders_become_tasks_of_array_jobs_and_are_known_by_name(tmp_path: Path, slurm: MadeUpSlurm):
    """Also to a launcher that is started later, on what Slurm allows in one array."""
    first = launcher(tmp_path)
    first.submit(orders('a', 'b', 'c', 'd', 'e'))
    assert list(slurm.read()) == ['1_0', '1_1', '1_2', '2_0', '2_1']
    assert launcher(tmp_path).alive() == first.alive() == {'a', 'b', 'c', 'd', 'e'}
    slurm.run('1_1')
    assert first.alive() == {'a', 'c', 'd', 'e'}
    assert order_files.log(first.folder, 'b').read_text() == 'the worker of b says this\n'
    assert not order_files.place(first.folder, 'b', 'json').exists(), 'an order that is carried out is cleared away'


def test_only_so_many_orders_wait_in_the_queue(tmp_path: Path, slurm: MadeUpSlurm, monkeypatch: pytest.MonkeyPatch):
    """What comes first of the rest is chosen when half of them have begun."""
    monkeypatch.setattr('sweeps.launch.queued.MOST_PENDING', 4)
    one, needs = launcher(tmp_path), [Needs('p', 'm')] * 9
    assert one.alive() == set() and one.room() and one.choose(needs) == [0, 1, 2, 3]
    one.submit(orders('a', 'b', 'c', 'd'))
    assert not one.room() and one.choose(needs) == []
    slurm.write({task: {**about, 'state': 'RUNNING'} if task == '1_0' else about for task, about in slurm.read().items()})
    assert one.alive() == {'a', 'b', 'c', 'd'} and not one.room()
    slurm.run('1_1')
    assert one.alive() == {'a', 'c', 'd'} and one.room() and one.choose(needs) == [0, 1]


def test_another_run_has_jobs_of_its_own(tmp_path: Path, slurm: MadeUpSlurm):
    launcher(tmp_path).submit(orders('a'))
    assert launcher(tmp_path / 'other').alive() == set()


def test_what_each_worker_needs_is_asked_for(tmp_path: Path, slurm: MadeUpSlurm):
    asked = {'partition': 'gpu', 'gpus': 1, 'cpus': 4, 'memory': '8G', 'time': '2:00:00', 'sbatch': ('--constraint=a100',)}
    launcher(tmp_path, **asked).submit(orders('a'))
    told = slurm.read()['1_0']['options']
    assert '--output=/dev/null' in told, 'a worker writes its log itself'
    for option in ('partition=gpu', 'gpus-per-task=1', 'cpus-per-task=4', 'mem=8G', 'time=2:00:00', 'constraint=a100'):
        assert f'--{option}' in told


def test_on_a_gpu_a_worker_keeps_its_threads(tmp_path: Path):
    texts = {gpus: script(tmp_path, 'list', SlurmSettings(gpus=gpus)) for gpus in (0, 1)}
    assert 'export NPROC=1' in texts[0] and 'NPROC' not in texts[1]
    assert all('JAX_COMPILATION_CACHE_DIR' in text for text in texts.values())


def test_the_script_is_sound_shell_whatever_the_folder_is_called(tmp_path: Path):
    folder = tmp_path / "it's $HOME `here`"
    order_files.prepare(folder)
    written = tmp_path / 'task.sh'
    written.write_text(script(folder, 'none.list', SlurmSettings(setup=('module() { :; }', 'module load cuda'))))
    done = subprocess.run(['bash', '-n', written], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    assert subprocess.run(['bash', written], env={'SLURM_ARRAY_TASK_ID': '0'}, check=False).returncode == UNSEEN


def test_a_preflight_is_answered_through_files(tmp_path: Path, slurm: MadeUpSlurm):
    one, start = launcher(tmp_path), SlurmLauncher.start

    def started(names: list[str]) -> None:
        start(one, names)
        slurm.run_all()

    one.start = started
    assert one.preflight({'preflight': [], 'answer': {'platform': 'gpu'}}) == {'platform': 'gpu'}
    assert list((one.folder / 'orders').glob('preflight*')) == []


@pytest.mark.parametrize(
    ('state', 'code', 'words'),
    [
        ('FAILED', f'{UNSEEN}:0', 'the nodes do not see this folder'),
        ('CANCELLED', '0:15', 'first worker was taken out of the queue by hand; run again'),
        ('FAILED', '1:0', 'FAILED, exit status 1'),
        ('TIMEOUT', '0:15', 'TIMEOUT after 00:01:00; give --time more'),
        ('OUT_OF_MEMORY', '0:9', 'OUT_OF_MEMORY'),
    ],
)
def test_a_first_worker_that_ends_without_an_answer_is_told(
    tmp_path: Path, slurm: MadeUpSlurm, state: str, code: str, words: str
):
    one, start = launcher(tmp_path), SlurmLauncher.start

    def started(names: list[str]) -> None:
        start(one, names)
        slurm.write({task: {**about, 'state': state, 'code': code} for task, about in slurm.read().items()})

    one.start = started
    with pytest.raises(ValueError, match=words):
        one.preflight({'preflight': []})


def test_a_first_worker_that_is_killed_once_is_tried_again(tmp_path: Path, slurm: MadeUpSlurm):
    one, start, started = launcher(tmp_path), SlurmLauncher.start, []

    def killed_once(names: list[str]) -> None:
        start(one, names)
        started.extend(names)
        slurm.end('1_0', 'NODE_FAIL') if len(started) == 1 else slurm.run_all()

    one.start = killed_once
    assert one.preflight({'preflight': []}) == {'platform': 'cpu'} and len(started) == 2


def test_a_refusing_worker_stops_the_run(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path)
    one.submit(orders('a', answer={'invalid': 'the data are not prepared here'}))
    slurm.run_all()
    with pytest.raises(ValueError, match='not prepared here'):
        one.alive()


def test_how_an_order_ended_is_told_with_the_tail_of_its_log(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path)
    one.submit(orders('a', do='die'))
    slurm.run_all()
    assert one.alive() == set() and not one.cancelled('a')
    assert one.ended('a').startswith('FAILED, exit status 7; ') and one.ended('a').endswith('the worker of a says this')
    assert one.ended('never submitted') == 'no trace of it in Slurm any more'


def test_what_a_person_cancelled_is_known_of_the_last_submission_only(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path)
    one.submit(orders('a', 'b'))
    slurm.end('1_0', 'CANCELLED')
    assert one.alive() == {'b'} and one.cancelled('a') and not one.cancelled('b')
    one.submit(orders('a'))
    slurm.end('2_0', 'NODE_FAIL')
    assert one.alive() == {'b'} and not one.cancelled('a')


def test_a_task_that_slurm_holds_is_let_go_a_few_times_and_then_lost(tmp_path: Path, slurm: MadeUpSlurm):
    """A node that fails to start a task: Slurm puts it into the queue again and holds it, for ever. What people hold waits."""
    one = launcher(tmp_path)
    one.submit(orders('a', 'b'))
    slurm.hold('1_1', 'JobHeldUser')
    for times in range(1, 4):
        slurm.hold('1_0', 'launch failed requeued held')
        assert one.alive() == {'a', 'b'}
        assert slurm.read()['1_0']['releases'] == times and 'releases' not in slurm.read()['1_1']
    slurm.hold('1_0', 'launch failed requeued held')
    assert one.alive() == {'b'}
    assert slurm.read()['1_0']['state'] == 'CANCELLED' and not one.cancelled('a'), 'not by hand'
    one.submit(orders('a'))
    slurm.end('2_0', 'CANCELLED')
    assert one.cancelled('a'), 'this time it is'


def test_a_controller_that_does_not_answer_loses_nothing(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path)
    one.submit(orders('a'))
    (slurm.folder / 'down').touch()
    assert one.alive() is None
    (slurm.folder / 'down').unlink()
    assert one.alive() == {'a'}


@pytest.mark.parametrize(('error', 'left'), [(KeyboardInterrupt, 'PENDING'), (ValueError, 'CANCELLED')])
def test_an_interrupt_leaves_the_queue_alone_and_an_error_clears_it(tmp_path: Path, slurm: MadeUpSlurm, error: type, left: str):
    with pytest.raises(error), launcher(tmp_path) as one:
        one.submit(orders('a'))
        raise error
    assert slurm.read()['1_0']['state'] == left


@pytest.mark.parametrize('reason', ['PartitionConfig', 'PartitionTimeLimit', '(BadConstraints)'])
def test_a_first_worker_that_no_node_could_run_is_not_waited_for(tmp_path: Path, slurm: MadeUpSlurm, reason: str):
    one, start = launcher(tmp_path, gpus=9), SlurmLauncher.start

    def held(names: list[str]) -> None:
        start(one, names)
        slurm.hold('1_0', reason)

    one.start = held
    with pytest.raises(ValueError, match=r'let it wait for ever .*--gpus-per-task=9; nodes have part'):
        one.preflight({'preflight': []})
    assert slurm.read()['1_0']['state'] == 'CANCELLED'


def test_more_devices_than_there_are_is_refused_with_what_nodes_have(tmp_path: Path, slurm: MadeUpSlurm):
    with pytest.raises(ValueError, match=r'Invalid generic resource .*gpus-per-task=64; nodes have partition gpu'):
        launcher(tmp_path, gpus=64).submit(orders('a'))


def test_the_time_limit_is_known_in_seconds(tmp_path: Path, slurm: MadeUpSlurm):
    told = {time: launcher(tmp_path, time=time).limit for time in (None, '0', '3', '0:30', '1-00:00:10')}
    assert told == {None: None, '0': None, '3': 180, '0:30': 30, '1-00:00:10': 86410}


@pytest.mark.parametrize(
    ('asked', 'seconds'),
    [
        ({'time': '3'}, 180),
        ({'time': '3', 'sbatch': ('-C', 'a100', '--time=1:00:00')}, 3600),
        ({'sbatch': ('-t', '5')}, 300),
        ({'time': '0'}, None),
        ({}, 1800),  # the default partition says how long a job may usually take
        ({'partition': 'gpu'}, 7200),  # this one only how long it may take at most
        ({'partition': 'elsewhere'}, None),
    ],
)
def test_a_worker_lives_as_long_as_slurm_lets_it_however_that_was_asked_for(
    tmp_path: Path, slurm: MadeUpSlurm, asked: dict, seconds: float | None
):
    assert launcher(tmp_path, **asked).lifetime == seconds


def test_refusals_name_what_is_allowed(tmp_path: Path, slurm: MadeUpSlurm, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match=r"partition 'nix': .*allowed: \['gpu', 'main'\]"):
        launcher(tmp_path, partition='nix').submit(orders('a'))
    with pytest.raises(ValueError, match='--time'):
        launcher(tmp_path, time='soon')
    with pytest.raises(ValueError, match='--gpus -1'):
        launcher(tmp_path, gpus=-1)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(ValueError, match='no sbatch, squeue, scontrol, scancel on the path'):
        launcher(tmp_path)


@pytest.mark.parametrize(
    ('asked', 'options'),
    [
        ({}, ['--cpus-per-task=1']),
        ({'gpus': 2}, ['--ntasks=1', '--cpus-per-task=1', '--gpus-per-task=2']),
        ({'nodes': 2, 'gpus': 1}, ['--nodes=2', '--ntasks-per-node=1', '--cpus-per-task=1', '--gpus-per-task=1']),
        ({'account': 'a', 'cpus': 3, 'sbatch': ('-C', 'b')}, ['--account=a', '--cpus-per-task=3', '-C', 'b']),
        (
            {'partition': 'p', 'account': 'a', 'time': '5', 'memory': '4G'},
            ['--partition=p', '--account=a', '--time=5', '--mem=4G', '--cpus-per-task=1'],
        ),
    ],
)
def test_settings_are_options_of_sbatch(asked: dict, options: list[str]):
    assert SlurmSettings(**asked).options == options


@pytest.mark.parametrize(
    ('asked', 'said'),
    [
        ({'nodes': 0}, '--nodes 0; allowed: 1 or more; leave it out for one'),
        ({'cpus': 0}, '--gpus 0, cpus 0; allowed: no GPU or more, and one CPU or more'),
        *(({'time': time}, f"--time '{time}'; allowed: Slurm's times") for time in ('', '1:', '1:2:3:4', '1-', '5m', '1:234')),
    ],
)
def test_settings_that_slurm_could_not_read_are_refused(asked: dict, said: str):
    with pytest.raises(ValueError, match=said):
        SlurmSettings(**asked)


@pytest.mark.parametrize(
    ('time', 'seconds'),
    [('1', 60), ('1:02', 62), ('1:02:03', 3723), ('2-0', 172800), ('2-3:04', 183840), ('2-3:04:05', 183845), ('0-0', None)],
)
def test_times_of_slurm_in_seconds(time: str, seconds: float | None):
    assert TIME.fullmatch(time) and seconds_of(time) == seconds


def test_several_nodes_train_together_and_setup_comes_before_the_worker(tmp_path: Path):
    lines = script(tmp_path, 'list', SlurmSettings(nodes=3, setup=('module load cuda',))).splitlines()
    assert lines[-1].startswith('exec srun --nodes=3 --ntasks-per-node=1 --kill-on-bad-exit=1 ')
    assert 'module load cuda' in lines[:-1] and lines[0] == '#!/bin/bash'
    alone = script(tmp_path, 'list', SlurmSettings()).splitlines()
    assert 'srun' not in alone[-1] and alone[-1].endswith('-P -m sweeps.worker "$run" "$order"')


def test_as_many_tasks_run_at_a_time_as_was_asked_for(tmp_path: Path, slurm: MadeUpSlurm):
    some, all_of_them = SlurmLauncher(tmp_path, 2, SlurmSettings()), launcher(tmp_path)
    assert (some._array(5), all_of_them._array(5), all_of_them._array(1)) == ('--array=0-4%2', '--array=0-4', '--array=0-0')


@pytest.mark.parametrize(
    ('told', 'most'),
    [('MaxArraySize            = 1001\n', 1000), ('MaxArraySize=1', 1), ('MaxArraySize = 9999999', 10_000), ('', 1000)],
)
def test_an_array_has_no_more_tasks_than_slurm_allows(tmp_path: Path, slurm: MadeUpSlurm, told: str, most: int):
    one = launcher(tmp_path)
    one._call = lambda *command: subprocess.CompletedProcess(command, 0, told, '')
    assert one._most == most


def test_a_command_that_cannot_be_started_is_a_command_that_failed(monkeypatch: pytest.MonkeyPatch):
    done = SlurmLauncher._call('no-such-command-of-slurm')
    assert done.returncode == 1 and done.stdout == '' and 'no-such-command-of-slurm' in done.stderr

    def slow(command: tuple, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 120)

    monkeypatch.setattr(subprocess, 'run', slow)
    assert 'timed out' in SlurmLauncher._call('squeue').stderr


def test_a_refusal_of_another_kind_names_the_options(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path, sbatch=('--qos=none',))
    said = 'sbatch: error: Invalid qos\nsbatch: error: Batch job submission failed\n'
    assert one._refusal(said) == (
        'sbatch refuses: Invalid qos Batch job submission failed; change the options of sbatch (--cpus-per-task=1 --qos=none)'
    )
    assert 'nodes have ' in one._refusal('Memory specification can not be satisfied')
    assert "sbatch refuses partition 'by default': No default Partition" in one._refusal('No default Partition')


@pytest.mark.parametrize(
    ('state', 'said'),
    [
        ({'JobState': 'FAILED', 'ExitCode': '3:0'}, 'FAILED, exit status 3'),
        ({'JobState': 'FAILED', 'ExitCode': '0:9'}, 'FAILED, signal 9'),
        ({'JobState': 'TIMEOUT', 'ExitCode': '0:15'}, 'TIMEOUT after its time limit; give --time more'),
        ({'JobState': 'NODE_FAIL', 'ExitCode': '1:0'}, 'NODE_FAIL'),
        ({}, 'no trace of it in Slurm any more'),
        ({'JobState': 'FAILED', 'ExitCode': f'{UNSEEN}:0'}, 'no sight of '),
    ],
)
def test_how_a_task_ended_in_words(tmp_path: Path, slurm: MadeUpSlurm, state: dict, said: str):
    one = launcher(tmp_path)
    one._state = lambda name: state
    assert one.ended('a').startswith(said) and one.unseen('a') == said.startswith('no sight')


def test_a_run_that_ends_well_or_has_nothing_in_the_queue_clears_nothing(tmp_path: Path, slurm: MadeUpSlurm):
    ended = []
    for error, orders_of in ((None, {'a'}), (KeyboardInterrupt, {'a'}), (KeyboardInterrupt, set()), (SystemExit, {'a'})):
        one = launcher(tmp_path)
        one.orders, one.end = set(orders_of), ended.append
        one.__exit__(error)
    assert ended == [set(), {'a'}]


def test_of_what_squeue_tells_only_tasks_of_this_run_count(tmp_path: Path, slurm: MadeUpSlurm):
    one = launcher(tmp_path)
    one.submit(orders('a', 'b'))
    (key,) = (path.stem for path in (one.folder / 'orders').glob('*.list'))
    lines = [
        f'0|{one.prefix}{key}|PENDING|Priority|of two parts',
        f'1|{one.prefix}{key}|RUNNING|None',
        f'N/A|{one.prefix}{key}|PENDING|None',
        f'7|{one.prefix}{key}|PENDING|None',
        f'0|{one.prefix}elsewhere|PENDING|None',
        '1|another-job|PENDING|None',
    ]
    one._call = lambda *command: subprocess.CompletedProcess(command, 0, '\n'.join(lines) + '\n', '')
    assert one.living() == {'a', 'b'} and one.reasons == {'a': 'Priority|of two parts', 'b': 'None'}
    assert one.pending == 3, 'tasks of this run that wait, and no others'
    one._call = lambda *command: subprocess.CompletedProcess(command, 1, '', 'no controller')
    assert one.living() is None


@pytest.mark.parametrize(
    ('nodes', 'had'),
    [
        (
            'gpu|64|512000|gpu:a100:4|2:00:00\nmain|8|16000|(null)|infinite\nmain|8|16000|(null)|infinite\n\n',
            'partition gpu, cpus 64, MB 512000, gres gpu:a100:4, time 2:00:00; '
            'partition main, cpus 8, MB 16000, gres (null), time infinite',
        ),
        ('', 'not been told by sinfo'),
    ],
)
def test_what_is_too_much_is_said_with_what_each_kind_of_node_has(tmp_path: Path, slurm: MadeUpSlurm, nodes: str, had: str):
    one = launcher(tmp_path, gpus=9)
    one._call = lambda *command: subprocess.CompletedProcess(command, 0, nodes, '')
    said = one._refusal('sbatch: error: Requested node configuration is not available')
    asked = '--ntasks=1 --cpus-per-task=1 --gpus-per-task=9'
    assert said.endswith(f'not available: asked for {asked}; nodes have {had}; ask for what one of them has')
