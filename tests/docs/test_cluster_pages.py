"""The pages on clusters and security: their commands are commands, their numbers hold, and their YAML is a RayJob."""

import copy
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from kuberay_v1 import RAY_JOB, wrong

from archlab.application import app
from sweeps.launch.cluster_settings import settings
from sweeps.launch.ray_tasks import RaySettings
from sweeps.launch.slurm import SlurmSettings

DOCS = Path(__file__).resolve().parents[2] / 'docs'
CLUSTERS, SECURITY = DOCS / 'clusters.md', DOCS / 'security.md'
JOB = yaml.safe_load((DOCS / 'rayjob.yaml').read_text())


def commands() -> list[list[str]]:
    """The words of every `archlab` command of the pages and of the RayJob."""
    lines = [line for page in (CLUSTERS, SECURITY) for line in page.read_text().splitlines() if line.startswith('    ')]
    calls = [call for line in [*lines, JOB['spec']['entrypoint']] for call in re.findall(r'\barchlab (?!-)[^;#|]*', line)]
    assert len(calls) > 12
    return [shlex.split(call.partition('>')[0]) for call in calls]


@pytest.mark.parametrize('words', commands(), ids=' '.join)
def test_each_command_is_one(words: list[str]):
    """It is parsed, with all its options, and not run."""
    group = typer.main.get_command(app)
    command = group.commands[words[1]]
    context = command.make_context(words[1], words[2:])
    if words[1] == 'run' and (launcher := context.params['launcher']) in ('ray', 'slurm'):
        names = ('partition', 'gpus', 'cpus', 'memory', 'time', 'address')
        given = {name: context.params[name] for name in names}
        assert settings({'ray': RaySettings, 'slurm': SlurmSettings}[launcher], launcher, None, given)


def test_a_command_with_an_unknown_option_would_be_seen():
    with pytest.raises(Exception, match='--partitions'):
        test_each_command_is_one(['archlab', 'run', 'quickstart', '--partitions', 'gpu'])


def test_the_settings_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'none'))
    (text,) = re.findall(r'```toml\n(.*?)```', CLUSTERS.read_text(), flags=re.S)
    (tmp_path / 'archlab.toml').write_text(text)
    told = settings(SlurmSettings, 'slurm', tmp_path / 'study.py', {})
    assert vars(told).items() >= {k: v for k, v in tomllib.loads(text)['slurm'].items() if isinstance(v, str | int)}.items()


def test_the_job_has_the_fields_and_types_of_the_reference():
    assert wrong(JOB, RAY_JOB) == []
    spec = JOB['spec']['rayClusterSpec']
    images = [pod['image'] for group in (spec['headGroupSpec'], *spec['workerGroupSpecs']) for pod in containers(group)]
    assert len(set(images)) == 1 and images[0].endswith(f':{spec["rayVersion"]}')
    assert f'rayproject/ray:{spec["rayVersion"]}-' in CLUSTERS.read_text()
    locked = (DOCS.parent / 'constraints.txt').read_text()
    assert f'ray=={spec["rayVersion"]}\n' in locked
    # All pods see the folder for records under the same path.
    runs = JOB['spec']['entrypoint'].split('--runs ')[1].split()[0]
    for group in (spec['headGroupSpec'], *spec['workerGroupSpecs']):
        (mount,) = containers(group)[0]['volumeMounts']
        assert runs.startswith(mount['mountPath'] + '/')
        assert [volume['name'] for volume in group['template']['spec']['volumes']] == [mount['name']]
    # A worker's task fits into a pod.
    cpus = int(JOB['spec']['entrypoint'].split('--cpus ')[1])
    assert all(cpus <= int(one['resources']['limits']['cpu']) for one in containers(spec['workerGroupSpecs'][0]))


def containers(group: dict) -> list[dict]:
    return group['template']['spec']['containers']


@pytest.mark.parametrize(
    ('path', 'value', 'words'),
    [
        (('spec', 'entryPoint'), 'x', '.spec.entryPoint: no such field'),
        (('spec', 'backoffLimit'), '3', ".spec.backoffLimit: '3' is no int"),
        (('spec', 'shutdownAfterJobFinishes'), 1, 'is no bool'),
        (('spec', 'submissionMode'), 'Http', 'is none of'),
        (('spec', 'rayClusterSpec', 'headGroupSpec', 'rayStartParams', 'num-cpus'), 0, '.num-cpus: 0 is no str'),
        (('spec', 'rayClusterSpec', 'workerGroupSpecs'), {}, 'is no list'),
        (('apiVersion',), 'ray.io/v1alpha1', 'is none of'),
    ],
)
def test_what_the_reference_does_not_have_is_seen(path: tuple, value: object, words: str):
    job = copy.deepcopy(JOB)
    part = job
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    (told,) = wrong(job, RAY_JOB)
    assert words in told


def test_what_the_pages_say_of_files_and_numbers_holds():
    from archlab import answers
    from results.store import atomic
    from sweeps import journal, presence

    text = CLUSTERS.read_text()
    assert f'`{journal.FILE}`' in text and f'`{presence.FOLDER}/`' in text and f'{presence.SILENCE:.0f} seconds' in text
    assert presence.BEAT == 10 and 'every ten seconds' in text
    rows = dict(re.findall(r'^\| (\d) \| (.*?) \|$', text, flags=re.M))
    codes = (answers.FINE, answers.FELL_SHORT, answers.AT_WORK, answers.LEFT_OFF)
    assert list(rows) == [str(code) for code in codes]
    assert all(
        words in rows[str(code)] for code, words in zip(codes, ('complete', 'failed', 'at work', 'run it again'), strict=True)
    )
    said = str(atomic._unlinked(Path('x'), OSError(1, '...')))
    assert (
        'the file system makes no hard links (...), which safe commits need; give --runs a folder on a local disk or NFS'
        in text
    )
    assert said.removeprefix('x: ') in text
