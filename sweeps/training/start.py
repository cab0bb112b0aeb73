"""Start: models whose first values are the weights of a trained one.

The files lie in the data folder, `weights/SHA256.safetensors`, so that a config names them by what is in them.
"""

import dataclasses
import functools
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ablations.locations import data_folder
from arch.model import Model
from arch.published.importing import TREES, load_weights, save_weights
from arch.roles import names
from results.store import atomic


def weights_file(sha256: str) -> Path:
    """Where the file with this hash lies."""
    return data_folder() / 'weights' / f'{sha256}.safetensors'


def start_from(file: Path) -> dict:
    """Copy a file of weights to where studies find it; its hash, place and number of parameters.

    Raises ValueError for a file that neither `archlab export` nor `archlab import-weights` wrote.
    """
    params, state = load_weights(file)
    with tempfile.TemporaryDirectory() as folder:
        # Written anew, so that the hash is that of the weights and not of how somebody's file is laid out.
        anew = Path(folder, 'weights.safetensors')
        save_weights(anew, params, state)
        content = anew.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    atomic.replace(weights_file(sha256), content)
    return {
        'sha256': sha256,
        'file': str(weights_file(sha256)),
        'parameters': sum(leaf.size for leaf in jax.tree.leaves(params)),
    }


@functools.lru_cache(2)
def _weights(file: Path, sha256: str) -> dict[str, np.ndarray]:
    """The parameters and statistics of a file by their paths."""
    if not file.is_file():
        raise ValueError(
            f"initial 'weights': no weights with sha256 {sha256[:16]}... in {file.parent}; bring them there: archlab "
            'start-from FILE.safetensors; where data lie: --data or $ARCHLAB_DATA'
        )
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise ValueError(
            f"initial 'weights': {file} is damaged, its sha256 is another; remove it, then archlab start-from again"
        )
    return _flat(*load_weights(file))


def _flat(params: Mapping, state: Mapping) -> dict[str, np.ndarray]:
    leaves = [(tree, *leaf) for tree, part in zip(TREES, (params, state), strict=True) for leaf in _leaves(part)]
    return {'/'.join((tree, *names(path))): leaf for tree, path, leaf in leaves}


def _leaves(part: Mapping) -> list[tuple]:
    return jax.tree_util.tree_leaves_with_path(part)


def started(model: Model, config: Mapping) -> Model:
    """The model with its first values from a file, if its `initial` kind says so.

    Drawing it raises ValueError for weights that are missing, damaged, or of another shape. The weights are constants of the
    program that draws.
    """
    spec = config['initial']
    if spec['kind'] != 'weights':
        return model
    file, new = weights_file(spec['sha256']), [tuple(name.split('/')) for name in spec.get('new', ())]
    weights = _weights(file, spec['sha256'])

    def init(key: jax.Array, x: jax.Array, knobs: Mapping[str, object]) -> tuple[dict, dict]:
        drawn = dict(zip(TREES, model.init(key, x, knobs), strict=True))
        used, without = set(), set(new)

        def own(path: tuple, leaf: jax.Array) -> jax.Array:
            tree, *inner = names(path)
            fresh = [name for name in new if tuple(inner[: len(name)]) == name]
            without.difference_update(fresh)
            if fresh:
                return leaf
            name = '/'.join((tree, *inner))
            if name not in weights or weights[name].shape != leaf.shape:
                has = f'has the shape {list(weights[name].shape)}' if name in weights else 'is missing'
                raise ValueError(
                    f"initial 'weights': '{name}' {has} in {file.name[:16]}..., and the model needs {list(leaf.shape)}; change "
                    f"the model, or draw it anew: put('initial.new', ['{inner[0]}'])"
                )
            used.add(name)
            return jnp.asarray(weights[name], leaf.dtype)

        made = jax.tree_util.tree_map_with_path(own, drawn)
        if without:
            raise ValueError(
                f"initial 'weights': new={sorted('/'.join(name) for name in without)} is in no parameter's path; allowed: "
                f'{sorted(drawn[TREES[0]])}, or paths below; mend new'
            )
        left = [name for name in weights if name not in used and not any(_below(name, own) for own in new)]
        if left:
            raise ValueError(
                f"initial 'weights': the model has no '{left[0]}', which is in {file.name[:16]}...; change the model, or leave "
                f"its module out: put('initial.new', ['{left[0].split('/')[1]}'])"
            )
        return made[TREES[0]], made[TREES[1]]

    return dataclasses.replace(model, init=init)


def _below(name: str, module: tuple[str, ...]) -> bool:
    return tuple(name.split('/')[1 : 1 + len(module)]) == module
