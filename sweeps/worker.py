"""Worker: a process that trains packs and commits their records. It reads commands and writes answers as JSON lines.

`{"preflight": [...]}` counts costs and names the platform; `{"pack": {...}}` trains one pack (sweeps/commands.py). It ends when
its input ends. So a worker whose launcher has died finishes and commits its pack first.

    python -m sweeps.worker         commands come through standard input, answers go to standard output
    python -m sweeps.worker FILE    commands stand in FILE, answers go to FILE.answers; status 2 where one was refused
"""

import json
import os
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import jax

from ablations.trial import Program
from results.store.records import commit
from sweeps.datasets.prepared import find
from sweeps.protocol.pack import Pack
from sweeps.training.checkpoints import Checkpoints
from sweeps.training.environment import environment
from sweeps.training.population import strategy_for
from sweeps.training.preflight import preflight, task_of
from sweeps.training.record import failed, lines
from sweeps.training.saving import Saving
from sweeps.training.trainer import Trainer


def serve(commands: Iterable[str], answers: TextIO) -> bool:
    """Answer commands until they end; gives whether all could be carried out."""
    trainer, fine = None, True
    for line in commands:
        command = json.loads(line)
        try:
            if 'preflight' in command:
                answer = _preflight(command)
            else:
                trainer = trainer or Trainer(command['strategy'], command['blocks'])
                answer = _train(command, trainer)
        except ValueError as error:
            answer, fine = {'invalid': str(error)}, False
        except Exception as error:
            traceback.print_exc()
            answer, fine = {'broken': f'{type(error).__name__}: {error}'.splitlines()[0]}, False
        answers.write(json.dumps(answer) + '\n')
        answers.flush()
    return fine


def _preflight(command: dict) -> dict:
    programs = [Program(**program) for program in command['preflight']]
    costs = preflight(programs, command['knobs'], command['metrics'], command['blocks'])
    # Costs can be counted without data, a run cannot do without: it is told here what to prepare, not by every pack.
    for program in programs:
        for name in task_of(program.data).absent():
            find(name)
    platform = jax.default_backend()
    about = {'platform': platform, 'strategy': strategy_for(platform), 'devices': jax.local_device_count()}
    return {'costs': costs, **about}


def _train(command: dict, trainer: Trainer) -> dict:
    pack = Pack.from_dict(command['pack'])
    folder, reason = Path(command['folder']), ''
    about = [pack.id, environment(), command['strategy'], command.get('weights', False)]
    checkpoints = Checkpoints(folder, pack.id, about, **command.get('checkpoints', {}))
    try:
        records = trainer.train(pack, command['flops'], checkpoints, folder / Saving.FOLDER if command.get('weights') else None)
    except Exception as error:
        traceback.print_exc()
        reason = f'{type(error).__name__}: {error}'.splitlines()[0][:300]
        records = failed(pack, reason)
    for note in checkpoints.notes:
        print(note, file=sys.stderr)
    population = trainer.populations.get(pack.program.id)
    splits = population.splits if population else 0
    lanes = {'strategy': command['strategy'], 'lanes': len(pack.trials), 'splits': splits}
    commit(folder, command['name'], lines(records, pack, command['skip'], lanes))
    checkpoints.clear()
    return {'pack': pack.id, 'reason': reason}


def main(arguments: list[str]) -> int:
    """Serve standard input or the named file; prints of libraries go to standard error. Gives the exit status."""
    if arguments:
        path = Path(arguments[0])
        with open(path, encoding='utf-8') as commands, open(f'{path}.answers', 'w', encoding='utf-8') as answers:
            return 0 if serve(commands, answers) else 2
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    serve(sys.stdin, answers)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
