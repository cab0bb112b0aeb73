"""The studies of docs/stacks: short, and every model of theirs builds, as a loop and as a scan."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from ablations.study_files import load_study
from arch.model import build

EXAMPLES = sorted((Path(__file__).parents[2] / 'docs' / 'stacks').glob('*.py'))


@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.stem)
def test_a_hybrid_is_short_and_builds(path: Path):
    assert len(path.read_text().splitlines()) < 40
    study = load_study(str(path))
    for arm in study.arms:
        for task in study.tasks:
            config = study.model(arm, task.name)
            assert config['body']['stack'], (arm, task.name)
            drawn = []
            for way in ('loop', 'scan'):
                model = build({**config, 'body': {**config['body'], 'over_depth': way}})
                x = jnp.zeros((2, config['position'].get('length', 16)), jnp.int32)
                drawn.append(jax.eval_shape(lambda model=model, x=x: model.init(jax.random.key(0), x, {}))[0])
            counts = [sum(leaf.size for leaf in jax.tree.leaves(params)) for params in drawn]
            assert counts[0] == counts[1]


def test_there_are_three():
    assert [path.stem for path in EXAMPLES] == ['gemma', 'griffin', 'jamba']
