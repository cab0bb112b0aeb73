"""Commands: orders to a worker, as plain data that goes through a pipe or a file (sweeps/worker.py reads them)."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablations.prepared_facts import sets_of
from ablations.study import Study
from ablations.trial import Program
from sweeps.protocol.pack import Pack
from sweeps.training.saving import Saving


def programs_of(study: Study) -> list[Program]:
    """The program of each task, arm and optimizer of a study, at the steps of the task."""
    return [
        study.program(arm, task.name, optimizer)
        for task in study.tasks
        for arm in study.arms
        for optimizer in study.optimizers_of(arm)
    ]


def reaches_of(study: Study) -> dict[str, dict[str, dict[str, tuple[float, float]]]]:
    """The lowest and the highest possible value of each tuned or fixed knob, by arm and optimizer."""
    return {arm: {optimizer: study.reach(arm, optimizer) for optimizer in study.optimizers_of(arm)} for arm in study.arms}


def metrics_of(study: Study) -> dict[str, list[str]]:
    """The declared metric and direction of each task."""
    return {task.name: [task.metric, task.direction] for task in study.tasks}


def preflight_command(study: Study) -> dict:
    """The command to build every model, count its cost, and name the platform."""
    return {
        'preflight': [dataclasses.asdict(program) for program in programs_of(study)],
        'knobs': reaches_of(study),
        'metrics': metrics_of(study),
        'blocks': study.blocks,
    }


def train_command(
    study: Study, manifest: Mapping, folder: Path, pack: Pack, name: str, skip: Iterable[str], saving: Saving
) -> dict:
    """The command to train a pack and commit its records under a name, except those of the trials to `skip`."""
    cost = manifest['costs'].get(pack.program.arm, {}).get(pack.program.task, {})
    sets, read = manifest.get('sets', {}), {*sets_of(pack.program.data)}
    return {
        'pack': pack.to_dict(),
        'flops': pack.program.flops(cost.get('flops')),
        'strategy': manifest['strategy'],
        'blocks': study.blocks,
        'folder': str(folder),
        'name': name,
        'skip': list(skip),
        'sets': {name: sets[name] for name in sorted(read & sets.keys())},
        **saving.to_dict(),
    }


def checked(command: object) -> dict:
    """A command as it was read from a file; raises ValueError for a command of another module."""
    try:
        if 'preflight' in command:
            programs, own = [Program(**program) for program in command['preflight']], ('knobs', 'metrics', 'blocks')
        else:
            programs, own = [Pack.from_dict(command['pack']).program], ('flops', 'strategy', 'blocks', 'folder', 'name', 'skip')
        lacking = [name for name in own if name not in command]
        if lacking or not programs or not all(isinstance(one.data, dict) and isinstance(one.model, dict) for one in programs):
            raise TypeError(f'it lacks {lacking}' if lacking else 'a program has no data or no model')
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(f'it is no order of the lab ({type(error).__name__}: {error})') from None
    return command
