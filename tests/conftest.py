"""Fixtures for all rooms: compiled programs are kept between test runs, and nothing leaves the checkout."""

import atexit
import gc
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parent.parent / '.cache'
os.environ.setdefault('XDG_CACHE_HOME', str(CACHE))
os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(CACHE / 'xla'))
os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0')
os.environ.setdefault('JAX_PLATFORMS', 'cpu')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# Hundreds of processes start in the tests. What one of them has compiled the next ones read, also where the environment says
# that Python writes no bytecode.
os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
sys.dont_write_bytecode = False
for threads in ('NPROC', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
    # As every worker of a run has it. Several processes test side by side, and threads that wait for small matrices cost more
    # than all of the work: 47 and 14 CPU seconds for the tests of four files.
    os.environ.setdefault(threads, '1')


def pytest_configure(config: pytest.Config) -> None:
    """Compile quickly where slow tests are left out: their programs run for milliseconds, compiling takes seconds.

    Set before jax is imported, and inherited by the workers that tests start. `make test-all` compiles as users do.
    """
    if config.option.markexpr == 'not slow':
        os.environ.setdefault('JAX_DISABLE_MOST_OPTIMIZATIONS', 'true')
        quick = '--xla_cpu_parallel_codegen_split_count=1'
        if importlib.metadata.version('jaxlib') < '0.11':
            # Later compilers do not know it, and end the process.
            quick += ' --xla_cpu_use_fusion_emitters=false'
        os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {quick}'.strip()
        if 'jax' in sys.modules:
            # The conftest of a folder that was named on the command line has imported it, before the variable was set. This
            # process would compile otherwise than those that it starts, to numbers with other last digits.
            sys.modules['jax'].config.update('jax_disable_most_optimizations', True)
    if hasattr(config, 'workerinput'):
        # Registered first, so that it is called last: what a worker found is told by then, and only its own process ends here.
        atexit.register(end_at_once, os.getpid())


def end_at_once(worker: int) -> None:
    """End a worker of the suite without taking apart all that it compiled, which takes seconds and shows nothing."""
    if os.getpid() == worker:
        os._exit(0)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage: a quarter of the time went there, and thousands of tests are none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Look for garbage seldom: an eighth of the time went there. What was collected stays, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


TINY = (
    '"""Does the lab run from end to end?"""\n'
    'from ablations.spaces import log\n'
    'from ablations.study import Study, swap, task\n'
    'from ablations.tasks.bases import decoder\n'
    'from ablations.tasks.decoders import ATTENTION\n'
    "small = decoder(12, 6, 8, 1, ATTENTION, 1.0) | {'norm': {'kind': 'identity'}}\n"
    "few = {'steps': 8, 'batch': 16, 'evaluations': 2, 'base': small}\n"
    "other = {'kind': 'recall', 'pairs': 2, 'keys': 4, 'values': 8}\n"
    "recall, values = task('recall', **few), task('recall', name='values', dataset='values', data=other, **few)\n"
    "space = {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-4, 1e-2)}\n"
    "study = Study(name='tiny_study', question=__doc__, arms={'base': (), 'no_mixer': swap('mixer', 'identity')},\n"
    "              tasks=(recall, values), tune={'sgd': space}, trials=4, extension=2, replicates=2)\n"
)
"""Two datasets of one shape and a model of eight channels: what is compiled for one serves the other."""


def pytest_unconfigure() -> None:
    """Let what was collected go: a library that looks for leaks in the end would find it."""
    gc.unfreeze()


@pytest.fixture(scope='session')
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study file of a user's own that runs in seconds: two arms on two datasets, eight steps a run."""
    path = tmp_path_factory.mktemp('tiny') / 'tiny_study.py'
    path.write_text(TINY)
    return path


@pytest.fixture(scope='session')
def archlab() -> Callable[..., subprocess.CompletedProcess]:
    """Call the installed command as a user does: `archlab('table', 'quickstart', cwd=...)`."""
    script = Path(sys.executable).with_name('archlab')
    if not script.exists():
        pytest.fail(f'{script} is not there: install the project (make test does)')

    def call(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(script), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, 'COLUMNS': '120', **environment},
            capture_output=True,
            text=True,
            timeout=500,
        )

    return call


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., subprocess.CompletedProcess]:
    """Call a command in this process, without the seconds that a new one takes to import jax."""
    import archlab as door

    def call(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess:
        with monkeypatch.context() as here:
            if cwd is not None:
                here.chdir(cwd)
            capsys.readouterr()
            before = dict(os.environ)
            code = door.main([str(argument) for argument in arguments])
            # What a command sets for its own process, no later test may see.
            os.environ.clear()
            os.environ.update(before)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(['archlab', *map(str, arguments)], code, said.out, said.err)

    return call
