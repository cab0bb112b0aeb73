"""Code books of exported models: the command counts the codes of tuning-validation examples, and refuses other models."""

import json
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.config import changed
from ablations.study import swap
from ablations.tasks import TASKS
from arch.model import build
from sweeps.code_book import code_book, code_book_lines
from sweeps.export import write_safetensors

TASK = TASKS['recall']


def written(folder: Path, *changes: object) -> Path:
    """A model that has learned nothing, as an export."""
    config = changed(TASK.base, changes)
    drawn = jax.eval_shape(build(config).init, jax.random.key(0), jnp.zeros((2, 6), jnp.int32), {})
    generator = np.random.default_rng(0)
    params, state = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), drawn)
    about = {'model': config, 'data': TASK.data, 'study': 'one', 'task': 'recall', 'replicate': 0, 'blocks': ''}
    return write_safetensors(folder / 'model', params, state, about)


def test_the_codes_of_a_model_are_counted(called: Callable, tmp_path: Path):
    file = written(tmp_path, swap('body', 'patched', width=8, inner_width=8, depths=[1, 1], patch=2, code_levels=[4, 3]))
    use = json.loads(called('codes', file, '--json').stdout)
    assert use == pytest.approx(code_book(file))
    assert use['codes'] == 12 and use['patches'] > 500 and 2 / 12 < use['used'] <= 1
    assert 1 < use['perplexity'] <= 12 and 2 ** (2 * use['bits_per_token']) == pytest.approx(use['perplexity'])
    assert code_book_lines('model', {**use, 'used': 0.5, 'patches': 80, 'perplexity': 4.0, 'bits_per_token': 1.0}) == [
        'model: 50.0% of 12 codes have one of 80 patches',
        '  perplexity 4.0, at most 1.000 bits a token',
    ]


def test_a_model_without_codes_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="body 'isotropic' has no learned codes; allowed: body 'patched' with code_levels"):
        code_book(written(tmp_path))
