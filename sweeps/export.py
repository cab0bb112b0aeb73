"""Export: the weights of a study's confirmed models, as files that describe themselves and can be loaded again."""

import dataclasses
import json
import re
from pathlib import Path

from ablations.trial import Trial
from results.store import atomic, regular
from results.store.reading import Reading
from sweeps.training.saving import Saving

FORMATS = ('safetensors', 'orbax')
HASH = re.compile('[0-9a-f]{16}')
"""How an export names the block file of its model; older ones give its path."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """A trained model: `model` (arch.model.Model), its `params` and `state`, and `about`, its description and origin."""

    model: object
    params: dict
    state: dict
    about: dict


def confirmed(reading: Reading, arm: str, tasks: list[str] | None = None) -> list[Trial]:
    """The recorded confirmation runs of an arm; raises ValueError on an unknown arm or task, and where there are none."""
    study = reading.study
    if arm not in study.arms:
        raise ValueError(f"study '{study.name}' has no arm '{arm}'; allowed: {list(study.arms)}")
    names = [task.name for task in study.tasks]
    for task in tasks or ():
        if task not in names:
            raise ValueError(f"study '{study.name}' has no task '{task}'; allowed: {names}")
    runs = [
        trial
        for (phase, its, task, _), trials in reading.schedule.asked.items()
        if (phase, its) == ('confirm', arm) and task in (tasks or names)
        for trial in trials
        if reading.records.get(trial.id, {}).get('status') == 'ok'
    ]
    if not runs:
        raise ValueError(f"arm '{arm}' of study '{study.name}' has no confirmed runs yet; archlab status says how far it is")
    return runs


def export(
    reading: Reading, arm: str, out: Path, form: str = 'safetensors', tasks: list[str] | None = None, train: bool = False
) -> list[Path]:
    """Write the weights of an arm's confirmed models into `out`; gives the files, one for each run.

    They come from a run with --keep-weights. With `train`, missing ones are trained again, and each of these reads the test
    split once more. Raises ValueError on an unknown format, and on missing weights without `train`.
    """
    from arch.published.importing import load_weights

    if form not in FORMATS:
        raise ValueError(f"format '{form}'; allowed: {list(FORMATS)}")
    trials = confirmed(reading, arm, tasks)
    weights = reading.folder / Saving.FOLDER
    missing = [trial for trial in trials if not _file(weights, trial).exists()]
    if missing and not train:
        raise ValueError(
            f'{len(missing)} of {len(trials)} confirmed runs kept no weights in {weights}; add --train to train them again '
            'now, or run studies with --keep-weights'
        )
    for trial in missing:
        _train(reading, trial)
    written = []
    for trial in trials:
        params, state = load_weights(_file(weights, trial))
        path = out / f'{trial.task}-{arm}-replicate_{trial.replicate}-seed_{trial.seed}'
        about = _about(reading, trial)
        write = write_orbax if form == 'orbax' else write_safetensors
        written.append(write(path, params, state, about))
    return written


def load(path: Path | str, blocks: Path | str | None = None) -> Exported:
    """The trained model of an exported file or folder.

    `blocks` is the block file of a model that has kinds of the user's own: it is run, so it is never taken from the export.
    Raises ValueError if `path` is no such thing, or without the model's own block file.
    """
    from arch.model import build
    from arch.published.importing import load_weights
    from arch.sockets import load_tables

    path = Path(path)
    try:
        about = json.loads(regular.read(path / 'about.json' if path.is_dir() else path.with_suffix('.json')))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f'{path} is not what archlab export wrote ({error}); give one of its files or folders') from None
    if not isinstance(about, dict) or not isinstance(about.get('model'), dict):
        raise ValueError(f'{path} is not what archlab export wrote (it names no model); give one of its files or folders')
    known = str(about.get('blocks') or '')
    if known and blocks is None:
        raise ValueError(
            f"{path} is a model with blocks of a user's own; data may not run code: look at the block file, and give it "
            "yourself: load(path, blocks='FILE.py')"
        )
    if path.is_dir():
        from sweeps.training.checkpoints import read_tree

        tree = read_tree(path / 'weights')
        params, state = tree['params'], tree.get('state', {})
    else:
        params, state = load_weights(path)
    tables = load_tables(str(blocks) if known else None, known if HASH.fullmatch(known) else '')
    return Exported(build(about['model'], tables), params, state, about)


def _file(folder: Path, trial: Trial) -> Path:
    return folder / f'{trial.id}.safetensors'


def _train(reading: Reading, trial: Trial) -> None:
    from sweeps.rerun import rerun

    again = rerun(reading, trial.id, reading.folder / Saving.FOLDER)
    if not again['same_numbers']:
        score, recorded = again['now']['score'], again['recorded']['score']
        raise ValueError(
            f'trial {trial.id} trained again scores {score}, recorded is {recorded}: sources, device or lane strategy differ; '
            'run the study again with --keep-weights, in another --runs folder'
        )


def _about(reading: Reading, trial: Trial) -> dict:
    record = reading.records.whole(trial.id)
    names = ('id', 'study', 'arm', 'task', 'dataset', 'replicate', 'seed', 'optimizer', 'knobs', 'steps', 'batch', 'data')
    about = {name: record[name] for name in (*names, 'model', 'score', 'score_se', 'environment')}
    return {**about, 'blocks': record['blocks']}


def write_safetensors(path: Path, params: dict, state: dict, about: dict) -> Path:
    """Write weights and their description beside each other; gives the file of the weights."""
    from arch.published.importing import save_weights

    file = path.with_suffix('.safetensors')
    atomic.sweep(file.parent, file.name)
    save_weights(file, params, state)
    atomic.replace(path.with_suffix('.json'), json.dumps(about, indent=1, sort_keys=True) + '\n')
    return file


def write_orbax(path: Path, params: dict, state: dict, about: dict) -> Path:
    """Write weights and their description into a folder of their own; gives the folder."""
    from sweeps.training.checkpoints import write_tree

    with atomic.replacing_folder(path) as place:
        write_tree(place / 'weights', {'params': params, **({'state': state} if state else {})})
        (place / 'about.json').write_text(json.dumps(about, indent=1, sort_keys=True) + '\n', encoding='utf-8')
    return path
