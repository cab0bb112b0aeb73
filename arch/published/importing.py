"""Importing: weights of published models from .safetensors files, and our parameters to such files."""

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from arch.make import did_you_mean
from arch.published import MODELS
from arch.roles import names

TREES = ('params', 'state')
WRAPPERS = ('module.', '_orig_mod.')


def read_tensors(file: Path | str) -> dict[str, np.ndarray]:
    """The tensors of a .safetensors file by name, or those of all the files that a model.safetensors.index.json lists.

    Raises ValueError where a file is absent, truncated or of another kind.
    """
    file = Path(file)
    if not file.is_file():
        raise ValueError(f"'{file}': no such file; give the path of a .safetensors file")
    if file.suffix == '.json':
        tensors = {}
        for part in _parts(file):
            tensors.update(read_tensors(file.parent / part))
        return tensors
    try:
        # jax has told numpy of bfloat16, which such files may hold.
        return load_file(file)
    except (SafetensorError, TypeError, KeyError) as error:
        raise ValueError(
            f"'{file}' is no whole .safetensors file: {error}; fetch it again, or save the weights with safetensors"
        ) from error


def _parts(index: Path) -> list[str]:
    """The files that the index of a model in several files names."""
    try:
        names = set(json.loads(index.read_text(encoding='utf-8'))['weight_map'].values())
        if not all(isinstance(name, str) for name in names):
            raise TypeError('a tensor lies in no file')
        return sorted(names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"'{index}' is no index of .safetensors files: it has no 'weight_map' of tensors to files; give the index that "
            'lies beside the files, or one file'
        ) from error


def import_weights(name: str, file: Path | str) -> tuple[dict, dict]:
    """Our (params, state) of a published model, in float32, from a file of the reference's weights.

    Raises ValueError for an unknown model, a model without a map, an unreadable file, and for missing, misshapen or unused
    tensors.
    """
    allowed = [other for other, model in MODELS.items() if model.weights]
    if name not in MODELS:
        raise ValueError(f"unknown model '{name}'; allowed: {allowed}.{did_you_mean(name, allowed)}")
    model = MODELS[name]
    if model.weights is None:
        raise ValueError(f"model '{name}' has no weights to import; allowed: {allowed}; draw its parameters with init")
    return model.weights(model.config, unwrapped(read_tensors(file)))


def unwrapped(tensors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Tensors without torch's prefixes for the names of a wrapped model: for devices, or compiled.

    >>> list(unwrapped({'module._orig_mod.head.bias': np.zeros(1)}))
    ['head.bias']
    """
    while prefix := next((one for one in WRAPPERS if tensors and all(name.startswith(one) for name in tensors)), ''):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def save_weights(file: Path | str, params: Mapping, state: Mapping) -> None:
    """Write parameters and statistics to a .safetensors file, named as in 'params/block_0/mixer/query/kernel'.

    The file appears whole. Raises ValueError where it can't be written.
    """
    file = Path(file)
    tensors = {}
    for tree, part in zip(TREES, (params, state), strict=True):
        for path, leaf in jax.tree_util.tree_leaves_with_path(part):
            tensors['/'.join((tree, *names(path)))] = np.asarray(leaf, order='C')
    # What a killed process leaves is known by its name, and by nobody's holding it (results/store/atomic.py).
    aside = file.with_name(f'.{file.name}.aside-{uuid.uuid4().hex}')
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(aside, 'wb') as held:
            with contextlib.suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.write(save(tensors))
            held.flush()
            os.fsync(held.fileno())
            aside.replace(file)
        _flush(file.parent)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"'{file}' can't be written: {error}; check the path and the disk") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load_weights(file: Path | str) -> tuple[dict, dict]:
    """The (params, state) that `save_weights` wrote. Raises ValueError for a file that it did not write."""
    trees = {tree: {} for tree in TREES}
    for name, tensor in read_tensors(file).items():
        tree, *modules = name.split('/')
        if tree not in TREES or len(modules) < 2:
            raise ValueError(
                f"'{file}' holds '{name}', allowed are names such as 'params/stem/patches/kernel'; import the weights of "
                'another implementation with import_weights first'
            )
        part = trees[tree]
        for module in modules[:-1]:
            part = part.setdefault(module, {})
        part[modules[-1]] = tensor
    return trees['params'], trees['state']


def import_file(name: str, file: Path | str, out: Path | str) -> dict:
    """Import the weights of a published model from `file`, write ours to `out`, and say what was imported."""
    params, state = import_weights(name, file)
    save_weights(out, params, state)
    leaves = jax.tree.leaves(params)
    return {
        'model': name,
        'file': str(file),
        'tensors': len(leaves) + len(jax.tree.leaves(state)),
        'parameters': sum(leaf.size for leaf in leaves),
        'out': str(out),
    }
