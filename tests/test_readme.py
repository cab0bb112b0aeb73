"""The README's examples work as they stand there."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from ablations.config import put, swap
from ablations.study import Study
from ablations.study_files import load_study

README = Path(__file__).resolve().parent.parent / 'README.md'


def blocks() -> list[str]:
    return re.findall(r'```python\n(.*?)```', README.read_text(), flags=re.S)


def test_the_study_can_be_planned(called: Callable, tmp_path: Path):
    path = tmp_path / 'gated.py'
    path.write_text(next(block for block in blocks() if "name='gated'" in block))
    done = called('plan', path, '--json')
    assert done.returncode == 0, done.stderr


def test_the_other_shapes_are_studies():
    code = next(block for block in blocks() if 'drop_one(' in block)
    made = []
    names = {'Study': lambda *_, **fields: made.append(Study(**{**FIELDS, **fields})), 'put': put, 'swap': swap}
    exec(code, names)
    assert [study.shape for study in made] == ['path', 'add_one', 'drop_one', 'factorial', 'one_swap']
    assert all(len(study.arms) > 2 for study in made[:4]) and len(made[4].tasks) == 2


FIELDS = {'name': 'shapes', 'question': 'Which?', 'arms': {'base': ()}, 'tasks': ('digits',)}


def test_the_block_keeps_every_contract(called: Callable, tmp_path: Path):
    path = tmp_path / 'my_norm.py'
    path.write_text(next(block for block in blocks() if 'SoftClip' in block))
    done = called('check', path, '--json')
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(contract['holds'] for contract in json.loads(done.stdout)['norm soft_clip'])
    study = tmp_path / 'soft.py'
    study.write_text(
        '"""Does soft clipping do?"""\n'
        'from ablations.study import Study, swap\n'
        "study = Study(name='soft', question=__doc__, tasks=('digits', 'stdlib_bytes'), blocks='my_norm.py',\n"
        "              arms={'layer_norm': (), 'soft_clip': swap('norm', 'soft_clip')})\n"
    )
    assert called('plan', study).returncode == 0
    first = load_study(str(study)).digest
    path.write_text(path.read_text() + '# changed\n')
    assert load_study(str(study)).digest != first


BROKEN_MIXER = (
    'import jax.numpy as jnp\n'
    'from flax import linen as nn\n\n'
    'class Backwards(nn.Module):\n'
    '    """Every token sees the one after it, also where it must not.\n\n    `[B, N, C] -> [B, N, C]`\n    """\n\n'
    '    @nn.compact\n'
    '    def __call__(self, x, context):\n'
    '        return jnp.roll(x, -1, axis=1)\n\n'
    "MIXERS = {'backwards': Backwards}\n"
)


def test_a_broken_block_is_told_what_it_breaks(called: Callable, tmp_path: Path):
    path = tmp_path / 'backwards.py'
    path.write_text(BROKEN_MIXER)
    done = called('check', path)
    assert done.returncode == 1 and 'causal' in done.stdout
    assert called('check', tmp_path / 'nowhere.py').returncode == 2


def test_every_command_exists_and_every_file_of_the_tree_too():
    from typer.main import get_command

    import archlab as door

    text = README.read_text()
    known = get_command(door.app).commands
    for command in re.findall(r'^    archlab ([\w-]+)', text, flags=re.M):
        assert command in known
    tree = text.split('## The house')[1].split('## ')[0]
    room = ''
    for line in tree.splitlines():
        found = re.match(r'    (\w+)/ ', line)
        room = found[1] + '/' if found else room
        for name in re.findall(r'[\w/]+\.py', line):
            assert (README.parent / name).exists() or (README.parent / room / name).exists(), name


def test_an_image_of_a_real_result_is_there():
    for path in re.findall(r'!\[[^]]*\]\(([^)]+)\)', README.read_text()):
        assert (README.parent / path).is_file(), path
