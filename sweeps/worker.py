"""Worker: a process that trains packs and commits their records. It reads commands and writes answers as JSON lines.

`{"preflight": [...]}` counts costs and names the platform; `{"pack": {...}}` trains one pack (sweeps/commands.py). It ends when
its input ends. So a worker whose launcher has died finishes and commits its pack first.

    python -m sweeps.worker --answers N    commands come through standard input, answers go to the open file descriptor N
    python -m sweeps.worker RUN ORDER      carries out one order file of a run's folder; status 2 where it is refused

Several processes may carry out one order together, each with devices of its own: those of one `srun`, or any that have
$ARCHLAB_PROCESSES (how many), $ARCHLAB_PROCESS (which, from 0) and $ARCHLAB_COORDINATOR (host:port of the first). The first one
commits and answers.

Standard output is no way for answers: whatever runs when Python starts may print there.
"""

import contextlib
import gc
import io
import json
import os
import platform
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import jax

from ablations.prepared_facts import digests_of, giveaways_of
from ablations.trial import Program
from ablations.user_file import STOPS, in_words, of_user
from results.store.records import commit
from sweeps.commands import checked
from sweeps.datasets.prepared import find
from sweeps.launch import order_files
from sweeps.launch.compilation_cache import overlook_cut_programs
from sweeps.presence import present
from sweeps.protocol.pack import Pack
from sweeps.tasks.task_declaration import check_declared
from sweeps.training.checkpoints import Checkpoints
from sweeps.training.compiling import Compiling
from sweeps.training.device import join
from sweeps.training.environment import ROOT, environment, source_hash
from sweeps.training.faults import ModelFault, lacks_memory
from sweeps.training.pauses import Pauses
from sweeps.training.population import strategy_for
from sweeps.training.preflight import preflight, task_of
from sweeps.training.record import failed, lines
from sweeps.training.saving import Saving
from sweeps.training.settings_of_jax import own_settings
from sweeps.training.shortage import shortage
from sweeps.training.trainer import Trainer

REFUSED = 2
"""The exit status of a worker that cannot carry out its order."""


def serve(commands: Iterable[str], answers: TextIO) -> bool:
    """Answer commands until they end; gives whether all could be carried out."""
    overlook_cut_programs()
    for name in own_settings():
        print(f'{name} is set, and counts for nothing: runs have the settings of jax that the lab has', file=sys.stderr)
    trainer, fine, compiling = None, True, Compiling().register()
    for line in commands:
        command = json.loads(line)
        compiling.reset()
        try:
            _same_sources(command)
            with of_user():
                if 'preflight' in command:
                    answer = _preflight(command)
                else:
                    trainer = trainer or Trainer(command['strategy'], command['blocks'])
                    answer = _train(command, trainer, compiling)
        except (ValueError, OSError, MemoryError) as error:
            answer, fine = {'invalid': _told(error)}, False
        except STOPS as error:
            traceback.print_exc()
            answer, fine = {'broken': in_words(error)}, False
        answers.write(json.dumps(answer) + '\n')
        answers.flush()
    return fine


def _same_sources(command: dict) -> None:
    """Raise ValueError where the run was started by another version of the lab than this worker's."""
    if command.get('sources', source_hash()) != source_hash():
        raise ValueError(
            f'a worker on {platform.node()} has other sources of the lab ({source_hash()} in {ROOT}) than the run '
            f'({command["sources"]}); install the same version there, or leave the sources alone while a run goes on'
        )


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f'{error.filename}: {error.strerror}; mend it and run again: nothing that is recorded is lost'
    return str(error) if isinstance(error, ValueError) else in_words(error)


def _preflight(command: dict) -> dict:
    programs = [Program(**program) for program in command['preflight']]
    costs = preflight(programs, command['knobs'], command['metrics'], command['blocks'])
    # Costs can be counted without data, a run cannot do without: it is told here what to prepare, not by every pack.
    for program in programs:
        check_declared(program)
        for name in task_of(program.data).absent():
            find(name)
    backend = jax.default_backend()
    devices = jax.device_count()
    about = {'platform': backend, 'strategy': strategy_for(backend, devices), 'devices': devices}
    sizes = {program.task: task_of(program.data).test_size() for program in programs}
    about['sets'] = digests_of([program.data for program in programs])
    if told := giveaways_of([program.data for program in programs]):
        about['giveaways'] = told
    return {'costs': costs, 'test_sizes': {task: size for task, size in sizes.items() if size is not None}, **about}


def _same_sets(command: dict, program: Program) -> None:
    """Raise ValueError where a prepared set is another than when the run began."""
    for name, digest in digests_of(program.data).items():
        if digest != command.get('sets', {}).get(name, digest):
            raise ValueError(
                f"the set '{name}' was prepared again while the study runs: its digest is {digest}, and was "
                f'{command["sets"][name]}; run again, which says what becomes of the records that there are'
            )


def _train(command: dict, trainer: Trainer, compiling: Compiling) -> dict:
    pack = Pack.from_dict(command['pack'])
    folder, reason = Path(command['folder']), ''
    about = [pack.id, environment(), command['strategy'], command.get('weights', False)]
    first = jax.process_index() == 0
    checkpoints = Checkpoints(folder, pack.id, about, **command.get('checkpoints', {}))
    weights = folder / Saving.FOLDER if command.get('weights') else None
    pauses = Pauses(folder, pack.trials, about[1:3])
    program = pack.program
    told = {'pack': pack.id, 'arm': program.arm, 'task': program.task, 'held': pack.held, 'lanes': len(pack.trials)}
    told['device'] = environment()['device']
    _same_sets(command, program)
    try:
        with present(folder, command['name'], **told) if first else contextlib.nullcontext():
            records = trainer.train(pack, command['flops'], checkpoints, weights, pauses)
    except (ModelFault, jax.errors.JaxRuntimeError, MemoryError) as error:
        traceback.print_exc()
        if lacks_memory(error):
            raise shortage(program.arm, program.task, in_words(error)) from None
        # A result of the pack, which is recorded. What else is raised is the fault of disks, data or settings: the run stops.
        reason = (str(error) if isinstance(error, ModelFault) else in_words(error))[:300]
        records = failed(pack, reason)
    # What was read in between was of the same set.
    _same_sets(command, program)
    for note in checkpoints.notes:
        print(note, file=sys.stderr)
    population = trainer.populations.get(pack.program.signature)
    splits = population.splits if population else 0
    how = {'strategy': command['strategy'], 'lanes': len(pack.trials), 'splits': splits}
    how['compile_seconds'] = round(compiling.seconds, 3)
    if population is not None and population.layout is not None:
        how |= {'devices': len(population.layout.devices), 'layout': population.layout.sizes}
    if first:
        commit(folder, command['name'], lines(records, pack, command['skip'], how))
    checkpoints.clear()
    pauses.clear()
    return {'pack': pack.id, 'reason': reason}


def _carry_out(run: Path, order: str) -> bool:
    """Carry out one order file and write its answer; gives whether it could be. Raises ValueError where it is damaged."""
    command = order_files.read(run, order)
    try:
        # The folder is where this machine sees it.
        command = {**checked(command), 'folder': str(run)}
    except ValueError as error:
        place = order_files.place(run, order, 'json')
        raise ValueError(f'{place}: {error}; run the study again, which writes it anew') from None
    answers = io.StringIO()
    join()
    fine = serve([json.dumps(command)], answers)
    if jax.process_index() == 0:
        order_files.tell(run, order, json.loads(answers.getvalue()))
    return fine


def main(arguments: list[str]) -> int:
    """Serve standard input, or the file that is named; gives the exit status."""
    if len(arguments) != 2:
        print(f'archlab: error: {len(arguments)} arguments; allowed: RUN ORDER, or --answers N', file=sys.stderr)
        return REFUSED
    if arguments[0] != '--answers':
        try:
            return 0 if _carry_out(Path(arguments[0]), arguments[1]) else REFUSED
        except ValueError as error:
            print(f'archlab: error: {error}', file=sys.stderr)
            return REFUSED
    number = int(arguments[1])
    os.set_inheritable(number, False)
    with open(number, 'w', encoding='utf-8') as answers:
        serve(sys.stdin, answers)
    # Everything goes with the process: to look through it all for what could be freed would take half a second more.
    gc.freeze()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
