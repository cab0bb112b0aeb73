"""Windows of which training sees the first tokens: what is trained on, what is scored, what it costs, and what cannot be."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from launcher_here import LauncherHere

from ablations.config import swap
from ablations.shapes import longer
from ablations.study import Study, task
from ablations.tasks import bases
from arch.model import build
from results.claims.setting import setting_of
from sweeps.forecast import costs_of
from sweeps.launch import LAUNCHERS
from sweeps.models.describe import Sizes, subjects
from sweeps.task_contracts import RULES, Tried
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.stdlib_bytes import StdlibBytes
from sweeps.tasks.text import Text
from sweeps.training.loop import make_training

LENGTH, TAUGHT, BATCH = 24, 6, 4
ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
SMALL = bases.decoder(256, length=LENGTH, width=8, depth=1, mixer=ATTENTION, ratio=1.0)
BARE = {**SMALL, 'mixer': {'kind': 'identity'}, 'norm': {'kind': 'identity'}}
LONG = dataclasses.replace(longer('stdlib_bytes', length=LENGTH, taught=TAUGHT, train=256, held=64), base=SMALL)
SHORT = dataclasses.replace(
    LONG, name='short', data={'kind': 'stdlib_bytes', 'length': TAUGHT, 'train': 256, 'held': 64}, base=SMALL
)
ARMS = {'learned': (), 'alibi': swap('position', 'alibi')}
STUDY = Study(name='longer', question='Does it hold on longer texts?', arms=ARMS, tasks=(LONG, SHORT))


def windows() -> tuple[np.ndarray, np.ndarray]:
    tokens = np.random.default_rng(0).integers(0, 256, (BATCH, LENGTH + 1)).astype(np.int32)
    return tokens[:, :-1], tokens[:, 1:]


@pytest.mark.parametrize('kind', [Text, StdlibBytes])
def test_a_training_batch_has_the_first_tokens(kind: type):
    x, y = map(jnp.asarray, windows())
    seen, ((target, weight),) = kind(length=LENGTH, taught=TAUGHT).draw(jax.random.key(0), x, y, {})
    assert seen.shape == target.shape == (BATCH, TAUGHT) and weight is None
    np.testing.assert_array_equal(seen, x[:, :TAUGHT])
    np.testing.assert_array_equal(target, y[:, :TAUGHT])
    whole, ((target, _),) = kind(length=LENGTH).draw(jax.random.key(0), x, y, {})
    assert whole.shape == target.shape == (BATCH, LENGTH)


def test_training_is_that_of_the_cut_windows_and_scoring_of_the_whole():
    kind, model, (x, y) = StdlibBytes(length=LENGTH, taught=TAUGHT), build(BARE), windows()
    training = make_training(model, kind, 'sgd', steps=1, batch=BATCH, evaluations=1)
    lane = {'seed': 3, 'knobs': {'lr': 0.5}, 'order': jnp.arange(BATCH)[None]}

    @jax.jit
    def told(x: jax.Array, y: jax.Array) -> tuple:
        params, state = training.draw(training.drawn_of(lane), x)
        carry = training.start(lane, params, state, x)
        after = training.advance(lane, carry, {'x': x, 'y': y}, 0, 0, 1)
        scored = training.evaluate(training.drawn_of(lane), carry['params'], state, {'x': x, 'y': y})
        tables = [one['position']['embedding'] for one in (params, after['params'].tree())]
        scores = model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=False)[0]
        # Each position of this model reads its own token alone.
        losses = [kind.losses(scores[:, :count], y[:, :count])[0].mean() for count in (TAUGHT, LENGTH)]
        return tables, losses, after['initial'], scored['loss']

    (before, after), (cut, whole), first, scored = told(x, y)
    assert float(first) == pytest.approx(float(cut), rel=1e-5) and float(scored) == pytest.approx(float(whole), rel=1e-5)
    assert abs(float(cut - whole)) > 1e-3
    # Rows of the table past the taught tokens are never trained.
    moved = np.abs(np.asarray(after - before)).sum(1)
    assert len(moved) == LENGTH and (moved[:TAUGHT] > 0).all() and not moved[TAUGHT:].any()


def test_training_costs_what_the_taught_tokens_cost_and_the_model_is_the_whole_one():
    costs = costs_of(STUDY)
    for arm in ARMS:
        long, short = costs[arm][LONG.name], costs[arm]['short']
        for name in ('flops', 'activation_bytes', 'flops_by_part', 'activation_bytes_by_part'):
            assert long[name] == short[name], name
        assert long['params'] == short['params'] and long['macs'] > 3 * short['macs']
    assert costs['learned'][LONG.name]['params'] - costs['alibi'][LONG.name]['params'] == LENGTH * 8


def test_a_description_counts_training_by_what_is_taught():
    settings = ["tasks.stdlib_bytes.data={'kind': 'stdlib_bytes', 'length': 32, 'taught': 8}"]

    def of(sizes: Sizes, settings: list[str]) -> tuple:
        subject = subjects('quickstart/dynamic_tanh', ["tasks=('stdlib_bytes',)", *settings], sizes)['stdlib_bytes',]
        return subject.x.shape[1:], subject.lesson and subject.lesson.shape

    assert of(Sizes(batch=3), settings) == ((32,), (3, 8)) and of(Sizes(), []) == ((32,), None)
    # A length that is asked for is that of both.
    assert of(Sizes(length=16), settings) == ((16,), None)


def test_a_model_that_is_as_long_as_its_windows_is_refused(tmp_path: Path):
    path = tmp_path / 'rows.py'
    path.write_text(
        'from flax import linen as nn\nfrom arch.block import Position\n\n\nclass Rows(Position):\n'
        '    """As many rows as tokens."""\n\n    @nn.compact\n    def __call__(self, x, context):\n'
        "        return x + self.param('embedding', nn.initializers.zeros, x.shape[1:])\n\n\nPOSITIONS = {'rows': Rows}\n"
    )
    study = dataclasses.replace(STUDY, arms={'learned': (), 'rows': swap('position', 'rows')}, blocks=str(path))
    with pytest.raises(
        ValueError, match=f"arm 'rows' on task '{LONG.name}': it is drawn for 24 tokens and cannot be trained on 6"
    ):
        costs_of(study)


BAD = [
    (lambda: Text(length=8, taught=9), r"task 'text': taught=9 of windows of length=8; allowed: 0 \(all of them\) to 8"),
    (lambda: Text(taught=-1), 'taught=-1 of windows'),
    (lambda: StdlibBytes(taught=65), "task 'stdlib_bytes': taught=65 of windows of length=64"),
    (lambda: Mixture(parts=({'kind': 'text', 'taught': 3},)).components, 'part 0 has taught=3; allowed: 0'),
    (lambda: longer('digits', length=8, taught=4), r"longer\('digits'\): its data 'digits' have no length"),
]


@pytest.mark.parametrize(('made', 'said'), BAD, ids=range(len(BAD)))
def test_what_cannot_be_taught_is_refused(made: Callable, said: str):
    with pytest.raises(ValueError, match=said):
        made()


def test_a_longer_task_is_said_in_a_word():
    made = longer('tinystories', length=256, taught=64, held=128)
    plain = task('tinystories')
    assert made == task(
        'tinystories', name='tinystories_64_to_256', data={**plain.data, 'length': 256, 'taught': 64, 'held': 128}
    )
    assert made.dataset == plain.dataset and 'taught' not in plain.data
    assert longer('stdlib_bytes', length=96, taught=32).base['position'] == {'kind': 'learned', 'length': 96}
    study = dataclasses.replace(
        STUDY, tasks=(made, plain), arms={'rotary': (), 'table': swap('position', 'learned', length=256)}
    )
    assert study.model('table', made.name)['position']['length'] == 256


def test_what_holds_on_longer_texts_is_a_question_of_its_own():
    kinds = [setting_of(STUDY, 'alibi', name, {}).kinds for name in (LONG.name, 'short')]
    assert kinds[0] == {**kinds[1], 'taught': '6 of 24'}


@pytest.mark.slow
def test_it_keeps_the_contracts_of_tasks_and_runs_to_a_verdict(
    called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    tried = Tried(None, LONG)
    broken = {name: why for name, rule in RULES.items() if name != 'again' and (why := rule(tried))}
    assert broken == {}
    monkeypatch.setitem(LAUNCHERS, 'here', LauncherHere)
    path, runs = tmp_path / 'longer_study.py', tmp_path / 'runs'
    path.write_text(
        '"""Does it hold on longer texts?"""\nimport dataclasses\nfrom ablations.shapes import longer\n'
        'from ablations.study import Study, swap\n'
        f'base = {SMALL!r}\n'
        f"long = longer('stdlib_bytes', length={LENGTH}, taught={TAUGHT}, train=256, held=64)\n"
        'long = dataclasses.replace(long, base=base, steps=8, batch=16, evaluations=2)\n'
        "study = Study(name='longer', question=__doc__, arms={'learned': (), 'alibi': swap('position', 'alibi')},\n"
        '              tasks=(long,), trials=4, replicates=2, seeds=2)\n'
    )
    assert called('run', path, '--runs', runs, '--launcher', 'here').returncode == 0
    table = called('table', path, '--runs', runs)
    assert (
        table.returncode == 0 and 'not comparable' not in table.stdout and f'stdlib_bytes_{TAUGHT}_to_{LENGTH}' in table.stdout
    )
