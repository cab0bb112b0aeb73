"""Worker: a process that trains packs and commits their records. Reads commands as JSON lines, answers the same way.

`{"preflight": {...}}` counts costs and names the platform; `{"pack": {...}}` trains one pack. It ends when its input does,
so a worker whose launcher has died finishes and commits its pack and goes.
"""

import json
import os
import sys
import traceback
from pathlib import Path

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


def serve(commands, answers) -> None:
    """Answer commands until they end."""
    trainer = None
    for line in commands:
        command = json.loads(line)
        try:
            if 'preflight' in command:
                answer = _preflight(command)
            else:
                trainer = trainer or Trainer(command['strategy'], command['blocks'])
                answer = _train(command, trainer)
        except ValueError as error:
            answer = {'invalid': str(error)}
        except Exception as error:
            traceback.print_exc()
            answer = {'broken': f'{type(error).__name__}: {error}'.splitlines()[0]}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


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


def main() -> None:
    """Serve on standard input; what libraries print goes to standard error, answers to the original standard output."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == '__main__':
    main()
