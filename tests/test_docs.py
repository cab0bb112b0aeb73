"""README and docs are true: their examples work as they stand there, commands exist, links lead somewhere."""

import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from notebook import NOTEBOOK, executed, load
from refused import refuse
from typer.main import get_command

import archlab as door
from ablations.config import put, swap
from ablations.schedules import number_of
from ablations.study import Study
from ablations.study_files import load_study
from arch.sockets import TABLES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / 'docs'
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(DOCS.glob('*.md'))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks() -> list[str]:
    """The Python examples of all pages."""
    return [block for page in PAGES for block in re.findall(r'```python\n(.*?)```', page.read_text(), flags=re.S)]


def test_the_study_can_be_planned(called: Callable, tmp_path: Path):
    path = tmp_path / 'gated.py'
    path.write_text(next(block for block in blocks() if "name='gated'" in block))
    done = called('plan', path, '--json')
    assert done.returncode == 0, done.stderr


def test_the_other_shapes_are_studies():
    code = [
        next(block for block in blocks() if word in block)
        for word in ('drop_one(', "optimizers('adamw', 'muon')", 'longer(', "arm_fixed={'linear'")
    ]
    made = []
    names = {'Study': lambda *_, **fields: made.append(Study(**{**FIELDS, **fields})), 'put': put, 'swap': swap}
    exec('\n'.join(code), names)
    shapes = ['path', 'add_one', 'drop_one', 'factorial', 'one_swap', 'one_swap']
    assert [study.shape for study in made] == [*shapes, 'one_swap', 'factorial', 'one_swap', 'one_swap']
    assert all(len(study.arms) > 2 for study in made[:4]) and [len(study.tasks) for study in made[4:6]] == [2, 3]
    assert [study.optimizers_of(list(study.arms)[1]) for study in made[6:8]] == [('muon',), ('muon',)]
    assert made[9].arm_fixed == {'linear': {'schedule': number_of('linear')}}
    assert [(one.data['length'], one.data['taught']) for one in made[8].tasks] == [(64, 64), (256, 64)]


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


def test_the_study_of_schedules_can_be_planned(called: Callable, tmp_path: Path):
    (tmp_path / 'schedules.py').write_text(next(block for block in blocks() if "name='norms_by_schedule'" in block))
    assert called('plan', tmp_path / 'schedules.py').returncode == 0


def test_the_whole_model_keeps_every_contract_and_is_an_arm(called: Callable, tmp_path: Path):
    (tmp_path / 'my_model.py').write_text(next(block for block in blocks() if 'MODELS' in block))
    (tmp_path / 'plain.py').write_text(next(block for block in blocks() if "name='plain_or_not'" in block))
    done = called('check', tmp_path / 'my_model.py')
    assert done.returncode == 0 and 'body plain  10 of 10 contracts hold' in done.stdout
    both = tmp_path / 'both.py'
    own = "from ablations.study import task\nones = task(source='ones.txt', read='lines', length=4)\n"
    both.write_text(own + (tmp_path / 'my_model.py').read_text())
    assert 'body plain  10 of 10' in called('check', both).stdout
    assert called('plan', tmp_path / 'plain.py').returncode == 0


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


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('NORMS = = {}', "file 'mine.py' does not load: SyntaxError"),
        ('NORMS = {}\nraise RuntimeError(5)', "file 'mine.py' does not load: RuntimeError: 5"),
        ('norms = {}', "file 'mine.py' has neither blocks nor tasks; allowed: tables of blocks (ACTIVATIONS, BLOCKS, "),
    ],
)
def test_a_file_that_cannot_be_checked_is_not_taken_for_a_task_file(called: Callable, tmp_path: Path, text: str, said: str):
    (tmp_path / 'mine.py').write_text(text)
    refuse(called('check', 'mine.py', cwd=tmp_path), said)


def commands(page: Path) -> list[list[str]]:
    """The words of every command line of a page that calls archlab, without what a shell makes of them."""
    links = []
    for line in re.findall(r'^ {4}(?:until )?(archlab .*)$', page.read_text(), flags=re.M):
        words = shlex.split(line.partition(';')[0].replace('\\', ''), comments=True)
        links.append(words[1 : words.index('>') if '>' in words else None])
    return links


@pytest.mark.parametrize('page', PAGES, ids=NAMES)
def test_every_command_of_a_page_can_be_called(page: Path):
    for words in commands(page):
        command, context, rest = get_command(door.app), None, list(words)
        while True:
            context = command.make_context('archlab', list(rest), parent=context)
            if not hasattr(command, 'commands'):
                break
            assert rest[:1] and rest[0] in command.commands, f'archlab {shlex.join(words)}'
            command, rest = command.commands[rest[0]], rest[1:]


def test_a_command_with_a_wrong_option_would_be_noticed(tmp_path: Path):
    (tmp_path / 'page.md').write_text('    archlab table quickstart --narrow   # no such option\n')
    with pytest.raises(Exception, match='--narrow'):
        test_every_command_of_a_page_can_be_called(tmp_path / 'page.md')


@pytest.mark.parametrize('page', PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', page.read_text()):
        assert '://' in target or (page.parent / target).exists(), target


def test_every_page_has_a_place_in_the_site():
    listed = re.findall(r'^(?!:|```|#)([\w/-]+)$', (DOCS / 'index.md').read_text(), flags=re.M)
    pages = {page.stem for page in [*DOCS.glob('*.md'), *DOCS.glob('*.ipynb')]} - {'index'}
    assert sorted(listed) == sorted([*pages, 'generated/kinds', 'paper/paper'])


def test_the_catalogue_has_every_kind_with_its_docstring(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(DOCS))
    from kinds import catalogue

    page = catalogue()
    monkeypatch.delitem(sys.modules, 'kinds')
    for family, kinds in TABLES.items():
        for kind, cls in kinds.items():
            if family != 'qk_norm' or f'### qk_norm: {kind}' in page:
                assert f'### {family}: {kind}\n' in page and (cls.__doc__ or '').split()[0].strip('`') in page
    assert '- fields, as they are unless given: `ratio=4.0`' in page


def test_the_notebook_gives_what_it_shows():
    shown = load()
    assert executed(shown, NOTEBOOK.parent) == shown
    assert sum(bool(cell.get('outputs')) for cell in shown['cells']) > 4


def test_every_file_of_the_house_is_there():
    room = ''
    for line in (DOCS / 'house.md').read_text().splitlines():
        matching = re.match(r'    (\w+)/ ', line)
        room = matching[1] + '/' if matching else room
        for name in re.findall(r'[\w/]+\.py', line):
            assert (ROOT / name).exists() or (ROOT / room / name).exists(), name


def test_an_image_of_a_real_result_is_there():
    for path in re.findall(r'!\[[^]]*\]\(([^)]+)\)', (ROOT / 'README.md').read_text()):
        assert (ROOT / path).is_file(), path
