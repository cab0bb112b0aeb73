"""The studies of docs/stacks: short, and every model of theirs builds, as a loop and as a scan."""

import itertools
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
    # Each arm on one of the tasks by turns: the others differ in vocabulary and length.
    for arm, task in zip(study.arms, itertools.cycle(study.tasks)):
        builds(study.model(arm, task.name))


@pytest.mark.slow
@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.stem)
def test_a_hybrid_builds_on_every_task(path: Path):
    study = load_study(str(path))
    for arm, task in itertools.product(study.arms, study.tasks):
        builds(study.model(arm, task.name))


def builds(config: dict) -> None:
    """As a loop and as a scan, with equally many parameters."""
    assert config['body']['stack']
    drawn = []
    for way in ('loop', 'scan'):
        model = build({**config, 'body': {**config['body'], 'over_depth': way}})
        x = jnp.zeros((2, config['position'].get('length', 16)), jnp.int32)
        drawn.append(jax.eval_shape(lambda model=model, x=x: model.init(jax.random.key(0), x, {}))[0])
    counts = [sum(leaf.size for leaf in jax.tree.leaves(params)) for params in drawn]
    assert counts[0] == counts[1]


def test_there_are_three():
    assert [path.stem for path in EXAMPLES] == ['gemma', 'griffin', 'jamba']
