"""Settings of jax in the shell that starts a run change no number of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from sweeps.training.settings_of_jax import SETTINGS, own_settings

ROOT = Path(__file__).parents[3]
TOLD = (
    'import json, jax; from sweeps.training.settings_of_jax import SETTINGS, own_settings; told = own_settings(); '
    'x = jax.random.normal(jax.random.key(3), (2, 2)); '
    'print(json.dumps([told, str((x @ x).dtype), (x @ x).tolist(), {name: jax.config.values.get(name) for name in SETTINGS}]))'
)
VARIABLES = {
    'JAX_DEFAULT_PRNG_IMPL': 'rbg',
    'JAX_THREEFRY_PARTITIONABLE': '0',
    'JAX_RANDOM_SEED_OFFSET': '5',
    'JAX_ENABLE_X64': '1',
    'JAX_DEBUG_NANS': '1',
    'JAX_NUMPY_DTYPE_PROMOTION': 'strict',
    'JAX_NUMPY_RANK_PROMOTION': 'raise',
    'JAX_DEFAULT_MATMUL_PRECISION': 'bfloat16',
    'JAX_DISABLE_JIT': '1',
}


def told(**more: str) -> list:
    given = {name: value for name, value in os.environ.items() if name.lower() not in SETTINGS}
    done = subprocess.run(
        [sys.executable, '-c', TOLD], cwd=ROOT, env={**given, 'JAX_PLATFORMS': 'cpu', **more}, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_variables_of_the_shell_count_for_nothing():
    plain = told()
    assert plain[0] == [] and plain[3] == {name: value for name, value in SETTINGS.items() if name in plain[3]}
    assert plain[3] == told(**VARIABLES)[3]
    names, *numbers = told(**VARIABLES)
    assert set(names) == set(VARIABLES) and numbers == plain[1:]


def test_what_a_program_sets_stays(monkeypatch: pytest.MonkeyPatch):
    for name in SETTINGS:
        monkeypatch.delenv(name.upper(), raising=False)
    with jax.numpy_dtype_promotion('strict'):
        assert own_settings() == []
        with pytest.raises(Exception, match='promotion'):
            jax.numpy.int32(1) + jax.numpy.float32(1)
