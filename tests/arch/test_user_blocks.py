"""A user's block file: merged into the tables, or refused with the reason."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from ablations.tasks import TASKS
from arch.contracts import check
from arch.fits import fits
from arch.model import build
from arch.sockets import FAMILIES, NAMES, TABLES, load_tables

FILE = '''
from __future__ import annotations

from flax import linen as nn


class HalfNorm(nn.Module):
    """Halves: strength x / 2.

    `[..., C] -> [..., C]`
    """

    KNOBS = {'strength': 'strength'}

    strength: float = 1.0

    @nn.compact
    def __call__(self, x, context):
        gain = self.param('gain', lambda key: context.knob('strength', self.strength) * nn.initializers.ones(key, ()))
        return x * gain.astype(x.dtype) / 2


NORMS = {'half_norm': HalfNorm}
'''


@pytest.fixture
def block_file(tmp_path):
    def write(text):
        path = tmp_path / 'my_blocks.py'
        path.write_text(text)
        return str(path)

    return write


def test_tables_are_named_for_every_socket():
    assert sorted(NAMES.values()) == sorted(FAMILIES)


def test_no_file_gives_the_labs_own_tables():
    tables = load_tables(None)
    assert tables == TABLES
    tables['norm']['mine'] = object
    assert 'mine' not in TABLES['norm']


def test_kinds_of_a_file_are_merged_checked_and_built(block_file):
    tables = load_tables(block_file(FILE))
    assert set(tables['norm']) == {*TABLES['norm'], 'half_norm'}
    assert [contract for contract in check('norm', 'half_norm', tables) if not contract.holds] == []
    model = build({**TASKS['digits'].base, 'norm': {'kind': 'half_norm', 'strength': 0.5}}, tables)
    assert model.knobs['strength'] == 0.5
    params, _ = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((2, 8, 8, 1)), {}))
    assert params['stem']['norm']['gain'].shape == ()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("NORMS = {'layer_norm': None}", 'is None; allowed: a class of flax.linen.Module'),
        (
            "from flax import linen as nn\nNORMS = {'layer_norm': nn.Dense}",
            "NORMS has 'layer_norm', which the lab uses already",
        ),
        ('norms = {}', r"defines no table; allowed: \['ACTIVATIONS', 'BLOCKS', .*; add e.g. NORMS = "),
        ('NORMS = []', 'NORMS is a list; allowed: a dict of kinds; write e.g. '),
        (f"{FILE}\nMIXER = {{'mine': HalfNorm}}", r"MIXER holds blocks and is no table; .* Did you mean 'MIXERS'\?"),
        (f"{FILE}\nnorms = {{'mine': HalfNorm}}", r"norms holds blocks and is no table; .* Did you mean 'NORMS'\?"),
        (f"{FILE}\nINITIALS = {{'mine': HalfNorm}}", r"INITIALS\['mine'\] is .*; allowed: a class of arch.initials.Initial;"),
        (
            "from arch.initials import LecunNormal\nINITIAL = {'mine': LecunNormal}",
            r"INITIAL holds blocks and is no table; .* Did you mean 'INITIALS'\?",
        ),
        ("from arch.initials import LecunNormal\nNORMS = {'mine': LecunNormal}", 'allowed: a class of flax.linen.Module; '),
        ('import nothing_of_this_name', 'does not load: ModuleNotFoundError: .*; mend the file'),
        ('NORMS = {', 'does not load: SyntaxError'),
    ],
    ids=[
        *('no module', 'clash', 'no table', 'a list', 'misspelt table', 'table in small letters', 'no initial'),
        *('misspelt initials', 'initial as a norm', 'broken import', 'broken syntax'),
    ],
)
def test_files_that_are_refused(block_file, text, message):
    with pytest.raises(ValueError, match=message):
        load_tables(block_file(text))


def test_an_absent_file_is_refused():
    with pytest.raises(ValueError, match=r"blocks='nowhere\.py': no such file"):
        load_tables('nowhere.py')


def test_the_norm_of_contributing_is_one_class_and_one_row(block_file):
    text = (Path(__file__).parents[2] / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    shown = text.partition('```python\n')[2].partition('```')[0].replace('{..., ', '{')
    head = 'import jax.numpy as jnp\nfrom flax import linen as nn\nfrom arch.block import Norm\nfrom arch.norms import ALONE\n'
    tables = load_tables(block_file(f'{head}from arch.vectors import per_channel\n{shown}'))
    assert [contract for contract in check('norm', 'soft_sign', tables) if not contract.holds] == []
    for socket in ('norm', 'qk_norm'):
        assert tables[socket]['soft_sign'].EQUIVARIANT and 'queries' in fits(tables[socket]['soft_sign'])
        build({**TASKS['recall'].base, socket: {'kind': 'soft_sign'}}, tables)


def test_a_kind_has_the_very_name_that_its_table_gives(block_file):
    tables = load_tables(block_file(FILE.replace("'half_norm'", "'HalfNorm'")))
    assert 'HalfNorm' in tables['norm'] and set(tables['norm']) == {*TABLES['norm'], 'HalfNorm'}


OTHER_NAMES = """
MIXER = {'mine': HalfNorm, 'later': 3}
BLOCK = {}
norm = HalfNorm
"""


def test_other_names_of_a_file_are_its_own_affair(block_file):
    tables = load_tables(block_file(FILE + OTHER_NAMES))
    assert 'mine' not in tables['mixer'] and 'half_norm' in tables['norm'] and 'half_norm' in tables['qk_norm']


TWOS = """
import dataclasses

import jax.numpy as jnp

from arch.initials import LecunNormal


@dataclasses.dataclass(frozen=True)
class Twos(LecunNormal):
    '''Kernels of twos.'''

    def draw(self, key, shape, fan_in, fan_out):
        return jnp.full(shape, 2.0)


INITIALS = {'twos': Twos}
"""


def test_an_initial_of_a_file_draws_the_kernels(block_file):
    model = build({**TASKS['digits'].base, 'initial': {'kind': 'twos'}}, load_tables(block_file(TWOS)))
    program = jax.make_jaxpr(lambda: model.init(jax.random.key(0), jnp.zeros((2, 8, 8, 1)), {})[0]['head']['head'])()
    assert 'random_bits' not in str(program)


def test_another_version_of_a_file_than_the_one_that_is_meant_is_refused(block_file):
    path = block_file(FILE)
    with pytest.raises(ValueError, match=f"^blocks='{path}' "):
        load_tables(path, 'f' * 64)
