"""Models that start from the weights of a trained one."""

import functools
import hashlib
import re
from pathlib import Path

import jax
import numpy as np
import pytest
from tiny_population import BATCH, CONFIG, STEPS, TASK, TinyPopulation, same_bits

import archlab
from ablations.config import Put, Swap, changed
from ablations.study import Study, put, swap, task
from arch.model import build
from arch.published.importing import save_weights
from sweeps.training.loop import make_training
from sweeps.training.population import Population
from sweeps.training.preflight import model_of
from sweeps.training.start import start_from, started, weights_file

X = TASK.pool().x[:1]


@functools.cache
def trained() -> tuple[dict, dict]:
    """Parameters that no seed of the tests draws."""
    return jax.jit(lambda key: build(CONFIG).init(key, TASK.inputs(X), {}))(jax.random.key(77))


@pytest.fixture
def sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    save_weights(tmp_path / 'mine.safetensors', *trained())
    return start_from(tmp_path / 'mine.safetensors')['sha256']


def drawn(config: dict) -> dict:
    model = started(build(config), config)
    return jax.jit(lambda key: model.init(key, TASK.inputs(X), {})[0])(jax.random.key(0))


def with_weights(sha256: str, **fields: object) -> dict:
    return {**CONFIG, 'initial': {'kind': 'weights', 'sha256': sha256, **fields}}


def test_a_model_starts_from_them_and_its_head_anew(sha256: str):
    assert same_bits(drawn(with_weights(sha256)), trained()[0])
    fresh = drawn({**with_weights(sha256, new=['head']), 'head': {**CONFIG['head'], 'outputs': 7}})
    assert fresh['head']['head']['kernel'].shape[-1] == 7
    assert np.asarray(fresh['head']['head']['kernel']).std() > 0.1
    assert same_bits(
        {name: part for name, part in fresh.items() if name != 'head'},
        {name: part for name, part in trained()[0].items() if name != 'head'},
    )
    assert same_bits(drawn(with_weights(sha256, new=['head/head']))['head']['norm'], trained()[0]['head']['norm']), (
        'the norm before it stays'
    )


def test_it_is_trained_from_there_and_what_is_frozen_stays(sha256: str, tiny: TinyPopulation):
    config = with_weights(sha256, new=['head/head'])
    population = Population(make_training(started(build(config), config), TASK, 'adamw', STEPS, BATCH, 2), 'loop', 3)
    ended = {}
    still = {f'lr_{role}': 0.0 for role in ('matrix', 'conv', 'embedding', 'vector')}
    tiny.run('loop', [tiny.lane(1, 1e-2, **still)], None, lambda lane, *rest: ended.update({lane: rest[0]}), population)
    own, before = ended[0], trained()[0]
    assert same_bits(own['stem'], before['stem'])
    assert same_bits(own['block_0'], before['block_0'])
    assert (np.asarray(own['head']['head']['kernel']) != np.asarray(before['head']['head']['kernel'])).any()


def test_the_hash_is_in_the_address_of_a_trial(sha256: str):
    def program(other: str):
        base = {**task('digits').base, 'initial': {'kind': 'weights', 'sha256': other}}
        study = Study(name='s', question='?', arms={'base': ()}, tasks=(task('digits', base=base),))
        return study.program('base', 'digits', 'adamw')

    assert program(sha256).id != program('0' * 64).id
    assert program(sha256).id == program(sha256).id
    with pytest.raises(ValueError, match=r'no weights with sha256 0000000000000000\.\.\. in .*archlab start-from FILE'):
        model_of(program('0' * 64), None)


def test_the_same_weights_have_one_hash_whoever_wrote_the_file(sha256: str, tmp_path: Path):
    save_weights(tmp_path / 'again.safetensors', *trained())
    assert start_from(tmp_path / 'again.safetensors')['sha256'] == sha256
    assert hashlib.sha256(weights_file(sha256).read_bytes()).hexdigest() == sha256
    assert [path.name for path in weights_file(sha256).parent.iterdir()] == [f'{sha256}.safetensors']


def test_the_command_says_how_a_study_names_them(sha256: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert archlab.main(['start-from', str(tmp_path / 'mine.safetensors')]) == 0
    assert f"swap('initial', 'weights', sha256='{sha256}')" in capsys.readouterr().out.replace('\n', '')
    assert archlab.main(['start-from', str(tmp_path / 'nowhere.safetensors')]) == 2


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        (
            put('head.outputs', 7),
            r"'params/head/head/.*' has the shape \[.*10\].* needs \[.*7\]; .*'initial.new', \['head'\]",
        ),
        (swap('position', 'learned', length=4), r"'params/position/embedding' is missing in .*\['position'\]"),
        (swap('norm', 'identity'), r"the model has no 'params/block_0/norm.*leave its module out"),
        (put('initial.new', ['haed']), r"new=\['haed'\] is in no parameter's path; allowed: \['block_0', 'head', 'stem'\]"),
    ],
)
def test_weights_that_do_not_fit(sha256: str, changes: Put | Swap, said: str):
    config = changed(with_weights(sha256), (changes,))
    with pytest.raises(ValueError, match=said):
        jax.eval_shape(lambda: drawn(config))


def test_damaged_weights_and_hashes_that_are_none(sha256: str):
    with weights_file(sha256).open('ab') as file:
        file.write(b'more')
    from sweeps.training import start

    start._weights.cache_clear()
    with pytest.raises(ValueError, match='is damaged, its sha256 is another'):
        drawn(with_weights(sha256))
    with pytest.raises(ValueError, match="sha256='abc'; allowed: the 64 digits"):
        build(with_weights('abc'))


def test_weights_that_are_not_there_are_named_with_their_folder(sha256: str):
    other = '0' * 64
    folder = weights_file(sha256).parent
    with pytest.raises(
        ValueError, match=rf'no weights with sha256 0000000000000000\.\.\. in {folder}; bring them there: archlab'
    ):
        drawn(with_weights(other))


def test_what_is_told_of_weights_that_studies_may_start_from(sha256: str, tmp_path: Path):
    count = sum(leaf.size for leaf in jax.tree.leaves(trained()[0]))
    told = start_from(tmp_path / 'mine.safetensors')
    assert told == {'sha256': sha256, 'file': f'{tmp_path}/weights/{sha256}.safetensors', 'parameters': count} and count > 100


def test_weights_that_a_model_has_no_place_for_are_named_with_the_module_to_leave_out(sha256: str):
    config = changed(with_weights(sha256), (swap('norm', 'identity'),))
    with pytest.raises(ValueError, match='the model has no') as told:
        jax.eval_shape(lambda: drawn(config))
    module, where = 'block_0', f"which is in {sha256[:16]}...; change the model, or leave its module out: put('initial.new', "
    assert re.fullmatch(
        rf"initial 'weights': the model has no 'params/{module}/norm[\w/]*/bias', {re.escape(where)}\['{module}'\]\)",
        str(told.value),
    )
