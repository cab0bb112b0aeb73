"""Export: weights of confirmed models that load again and score what was recorded."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from launcher_here import LauncherHere
from made_up_launcher import Silent

from ablations.settings import override
from ablations.study_files import load_study
from arch.published.importing import load_weights
from sweeps import export as exports
from sweeps.export import confirmed, load
from sweeps.run import Run
from sweeps.training.checkpoints import read_tree
from sweeps.training.preflight import task_of
from sweeps.training.saving import Saving

SETTINGS = ['trials=2', 'extension=1']


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory, tiny_file: Path) -> tuple[Path, Path]:
    """The tiny study, made tinier, and a run of it that kept weights."""
    runs, study = tmp_path_factory.mktemp('kept') / 'runs', override(load_study(str(tiny_file)), SETTINGS)
    folder, saving = runs / study.name, Saving(weights=True)
    assert Run(study, folder, LauncherHere(folder), Silent(), SETTINGS, saving=saving)().schedule.complete
    return tiny_file, runs


def sound(runs: Path, arm: str, task: str | None = None) -> list[dict]:
    """Records of confirmation runs of an arm that did not diverge."""
    records = [json.loads(line) for path in runs.glob('*/records/*.jsonl') for line in path.read_text().splitlines()]
    own = [record for record in records if record['arm'] == arm and record['phase'] == 'confirm' and record['status'] == 'ok']
    return [record for record in own if task in (None, record['task'])]


def scored(path: Path) -> tuple[float, dict]:
    """The test score of an exported model, worked out here from its own forward pass."""
    loaded = load(path)
    task = task_of(loaded.about['data'])
    test = task.test()
    y, _, _ = loaded.model.apply(loaded.params, loaded.state, task.inputs(test.x), knobs={}, key=jax.random.key(0), train=False)
    asked = test.y >= 0
    right = (np.asarray(y).argmax(-1) == test.y) & asked
    return float((right.reshape(len(right), -1).sum(-1) / asked.reshape(len(right), -1).sum(-1)).mean()), loaded.about


@pytest.mark.parametrize('form', ['safetensors', 'orbax'])
def test_exported_weights_score_what_was_recorded(called: Callable, run: tuple[Path, Path], tmp_path: Path, form: str):
    study, runs = run
    done = called('export', f'{study}/no_mixer', '--runs', runs, '--out', tmp_path, '--format', form, '--json')
    assert done.returncode == 0, done.stderr
    files = [Path(name) for name in json.loads(done.stdout)]
    assert len(files) == len(set(files)) == len(sound(runs, 'no_mixer')) > 2
    for path in files[::2]:
        score, about = scored(path)
        assert score == pytest.approx(about['score'], abs=1e-6)
        assert about['arm'] == 'no_mixer' and about['study'] == 'tiny_study'


@pytest.mark.slow
def test_runs_without_weights_are_named_and_trained_on_request(archlab: Callable, tiny_file: Path, tmp_path: Path):
    study, runs = tiny_file, tmp_path / 'runs'
    settings = [part for setting in SETTINGS for part in ('--set', setting)]
    done = archlab('run', study, '--runs', runs, '--workers', '1', '--keep-weights', '--json', *settings)
    assert done.returncode == 0, done.stderr
    paths = sorted((runs / 'tiny_study' / 'weights').iterdir())
    whole, count = {path.name: path.read_bytes() for path in paths}, len(sound(runs, 'base', 'recall'))
    for path in paths:
        path.unlink()
    call = ['export', f'{study}/base', '--runs', runs, '--out', tmp_path / 'out', '--task', 'recall']
    done = archlab(*call)
    assert (
        done.returncode == 2
        and f'{count} of {count} confirmed runs kept no weights' in done.stderr
        and '--train' in done.stderr
    )
    done = archlab(*call, '--train')
    assert done.returncode == 0, done.stderr
    again = {path.name: path.read_bytes() for path in (runs / 'tiny_study' / 'weights').iterdir()}
    assert len(again) == count > 0 and all(whole[name] == content for name, content in again.items())


BAD = [
    (['tiny_study'], 'names no arm; give STUDY/ARM'),
    (['{study}/bse'], "has no arm 'bse'; allowed: ['base', 'no_mixer']"),
    (['{study}/base', '--format', 'pickle'], "format 'pickle'; allowed: ['safetensors', 'orbax']"),
    (['{study}/base', '--task', 'recal'], "has no task 'recal'; allowed: ['recall', 'values']"),
    (['{study}/base', '--data', '/nowhere'], "--data '/nowhere' is no folder"),
]


@pytest.mark.parametrize(('arguments', 'message'), BAD, ids=lambda value: value[0] if isinstance(value, list) else '')
def test_bad_input_is_refused(called: Callable, run: tuple[Path, Path], tmp_path: Path, arguments: list, message: str):
    study, runs = run
    done = called('export', *(part.format(study=study) for part in arguments), '--runs', runs, '--out', tmp_path / 'out')
    assert done.returncode == 2 and message in done.stderr
    assert not (tmp_path / 'out').exists()


def test_what_is_no_export_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match='is not what archlab export wrote'):
        load(tmp_path / 'nothing.safetensors')


def test_code_is_never_taken_from_an_export(tmp_path: Path):
    """What names a block file beside weights is data: it is run only where the caller gives it himself."""
    mark, code = tmp_path / 'ran', tmp_path / 'evil.py'
    code.write_text(f'open({str(mark)!r}, "w")')
    (tmp_path / 'weights.json').write_text(json.dumps({'model': {}, 'blocks': str(code)}))
    with pytest.raises(ValueError, match=r'data may not run code.*load\(path, blocks='):
        load(tmp_path / 'weights.safetensors')
    assert not mark.exists()


def plan(*recorded: str) -> SimpleNamespace:
    """A reading of two confirmation runs of an arm and one of tuning, of which these are recorded."""
    trials = {name: SimpleNamespace(id=name) for name in ('a', 'b', 'c')}
    asked = {
        ('confirm', 'base', 'recall', 0): (trials['a'],),
        ('confirm', 'base', 'values', 0): (trials['b'],),
        ('tune', 'base', 'recall', 0): (trials['c'],),
    }
    tasks = (SimpleNamespace(name='recall'), SimpleNamespace(name='values'))
    study = SimpleNamespace(name='mine', arms={'base': (), 'other': ()}, tasks=tasks)
    records = {name: {'status': 'diverged' if name == 'b' else 'ok'} for name in recorded}
    return SimpleNamespace(study=study, schedule=SimpleNamespace(asked=asked), records=records, folder=Path('runs'))


def test_the_runs_of_an_arm_are_those_that_confirmed_it_and_went_well():
    assert [one.id for one in confirmed(plan('a', 'b', 'c'), 'base')] == ['a']
    assert [one.id for one in confirmed(plan('a', 'c'), 'base', ['recall'])] == ['a']
    for reading, arm, tasks in ((plan('b', 'c'), 'base', None), (plan('a'), 'other', None), (plan('a'), 'base', ['values'])):
        with pytest.raises(ValueError, match=rf"arm '{arm}' of study 'mine' has no confirmed runs yet; archlab status says"):
            confirmed(reading, arm, tasks)


def test_what_is_trained_again_must_score_what_is_recorded(monkeypatch: pytest.MonkeyPatch):
    again = {'same_numbers': True, 'now': {'score': 0.25}, 'recorded': {'score': 0.5}}
    monkeypatch.setattr('sweeps.rerun.rerun', lambda reading, trial, weights: again)
    exports._train(plan('a'), SimpleNamespace(id='a'))
    again['same_numbers'] = False
    with pytest.raises(ValueError, match=r'trial a trained again scores 0\.25, recorded is 0\.5: sources, device or lane'):
        exports._train(plan('a'), SimpleNamespace(id='a'))


@pytest.mark.parametrize('about', ['[]', '{}', '{"model": "a"}', '{"model": '])
def test_a_description_without_a_model_is_no_export(tmp_path: Path, about: str):
    for name in ('about.json', 'a.json'):
        (tmp_path / name).write_text(about)
    for path in (tmp_path, tmp_path / 'a.safetensors'):
        with pytest.raises(ValueError, match=r'is not what archlab export wrote .*; give one of its files or folders'):
            load(path)


def test_an_export_says_what_it_is_of():
    """All that is needed to build the model again and to know where it comes from, and no more."""
    names = ('id', 'study', 'arm', 'task', 'dataset', 'replicate', 'seed', 'optimizer', 'knobs', 'steps', 'batch', 'data')
    names += ('model', 'score', 'score_se', 'environment', 'blocks')
    record = {**{name: f'the {name}' for name in names}, 'curve': [1, 2], 'item_scores': 'many'}
    reading = SimpleNamespace(records=SimpleNamespace(whole={'t': record}.__getitem__))
    assert exports._about(reading, SimpleNamespace(id='t')) == {name: f'the {name}' for name in names}


@pytest.mark.parametrize('state', [{}, {'norm': {'mean': np.arange(2.0)}}])
@pytest.mark.parametrize('write', [exports.write_safetensors, exports.write_orbax])
def test_an_export_is_written_with_its_description_in_the_order_of_its_names(tmp_path: Path, write: Callable, state: dict):
    (tmp_path / '.a.safetensors.left_behind').touch()
    made = write(tmp_path / 'a', {'head': {'kernel': np.ones((2, 3), np.float32)}}, state, {'task': 'mine', 'model': {'b': 1}})
    about = made.with_suffix('.json') if write is exports.write_safetensors else made / 'about.json'
    assert made == (tmp_path / 'a.safetensors' if write is exports.write_safetensors else tmp_path / 'a')
    if write is exports.write_orbax:
        tree = read_tree(made / 'weights')
        assert set(tree) == ({'params', 'state'} if state else {'params'})
        loaded = tree['params'], tree.get('state', {})
    else:
        loaded = load_weights(made)
    assert loaded[0]['head']['kernel'].tolist() == [[1.0] * 3] * 2
    assert jax.tree.map(np.ndarray.tolist, loaded[1]) == jax.tree.map(np.ndarray.tolist, state)
    assert about.read_text() == '{\n "model": {\n  "b": 1\n },\n "task": "mine"\n}\n'
    assert sorted({path.name for path in tmp_path.iterdir() if not path.name.startswith('.')}) == sorted(
        {made.name, about.name} - {'about.json'}
    )
