"""Every module of the benchmarks finds what it imports from the rooms; many are loaded by processes of their own alone."""

import importlib
from pathlib import Path

import benchmarks

NEED_PYTORCH = ('optuna_study', 'pytorch', 'pytorch_model', 'pytorch_profile', 'pytorch_training')
"""What these import from the rooms is tried by the tests of the sides, with a stand-in."""


def test_every_module_is_imported():
    root = Path(benchmarks.__file__).parent
    names = ['.'.join(path.relative_to(root.parent).with_suffix('').parts) for path in sorted(root.rglob('*.py'))]
    made = [importlib.import_module(name) for name in names if name.rpartition('.')[2] not in (*NEED_PYTORCH, '__main__')]
    assert len(made) > 25
