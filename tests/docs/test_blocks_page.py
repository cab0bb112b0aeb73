"""docs/blocks.md names what every block may say of itself, and its example of one keeps what it says."""

import re
from pathlib import Path

import pytest

from arch.block import Block
from arch.contracts import check
from arch.declared import flags_of
from arch.monolith import FLAGS
from arch.sockets import load_tables

PAGE = (Path(__file__).parents[2] / 'docs' / 'blocks.md').read_text(encoding='utf-8')


def test_every_flag_of_a_block_stands_there_with_its_default():
    rows = dict(re.findall(r'^\| `([A-Z_]+)` \| (.*?) \|', PAGE, flags=re.M))
    assert rows.keys() == flags_of(Block).keys()
    for name, default in flags_of(Block).items():
        assert name in ('FITS', 'EQUIVARIANT') or rows[name] == f'`{default!r}`'
    assert all(f'`{name}' in PAGE.partition('## A whole model')[2] for name in FLAGS)


@pytest.mark.parametrize('says', [True, False])
def test_a_block_that_uses_the_batch_says_so(tmp_path: Path, says: bool):
    code = next(code for code in re.findall(r'```python\n(.*?)```', PAGE, flags=re.S) if 'MIXES_BATCH = True' in code)
    first = 'import jax.numpy as jnp\nfrom flax import linen as nn\n\n\n'
    (tmp_path / 'b.py').write_text(
        f"{first}{code if says else code.replace('MIXES_BATCH = True', '')}\nNORMS = {{'batch_clip': BatchClip}}\n"
    )
    told = check('norm', 'batch_clip', load_tables(str(tmp_path / 'b.py')), ['batch'], lines=1)
    assert all(one.holds for one in told) == says
    assert says or 'say MIXES_BATCH = True if they should' in told[-1].why
