"""Trials: training runs to do, addressed by a digest of everything that determines them; and the schedule that wants them."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple

from ablations.batches import TUNED
from ablations.digest import digest

PHASES = ('tune', 'tune_kept', 'extend_1', 'extend_2', 'confirm', 'share')
"""Phases of trials. Those of the two `extend` rounds lie where the trials before point to, past an edge or not."""
AFTER_SCREENING = 'tune_kept'
"""The phase of the trials after a screening, of the better optimizer only."""
TUNING, TEST = 'tuning', 'test'
"""The data to score a trial on: the tuning-validation split of its replicate, or the sealed test split."""

OF_MODEL = ('batch', 'data', 'model', 'blocks')
"""The fields of a program that drawing and evaluating its model depend on."""
COMPILED = ('optimizer', 'steps', 'evaluations', *OF_MODEL)
"""The fields of a program that its compiled form depends on."""


class Needs(NamedTuple):
    """What has to be compiled for a program, as signatures: itself, and its model, which other programs may have in common."""

    program: str
    model: str


@dataclasses.dataclass(frozen=True)
class Program:
    """Everything that determines a compiled training program; trials of one program differ only in traced values.

    `study` counts, because data splits follow from it. `data` is the spec of the data, `model` the complete model config,
    `blocks` the hash of the user's own block file or '', and `declared` that of his own task's data or ''.
    """

    times_the_batch: ClassVar[float] = 1.0
    """How many times as many examples a step has as the task says; no field, because it follows from the task."""

    study: str
    arm: str
    task: str
    dataset: str
    optimizer: str
    steps: int
    batch: int
    evaluations: int
    data: dict
    model: dict
    blocks: str = ''
    declared: str = ''

    @functools.cached_property
    def id(self) -> str:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if not self.declared:
            # Left out where it says what older programs did, so that the ids of their trials stay.
            del fields['declared']
        return digest(fields)

    @functools.cached_property
    def signature(self) -> str:
        """Digest of what is compiled: programs with the same signature share it, so two arms of one model are compiled once."""
        return digest({name: getattr(self, name) for name in COMPILED})

    def at(self, knobs: Mapping[str, float]) -> 'Program':
        """The program of a trial with these knobs: with a tuned `batch`, and as many steps as make the same examples.

        >>> one = Program('s', 'a', 't', 'd', 'adamw', steps=60, batch=32, evaluations=5, data={}, model={})
        >>> one.at({'batch': 64.0}).steps, one.at({'batch': 64.0}).times_the_batch, one.at({'lr': 0.1}) is one
        (30, 2.0, True)
        """
        batch = int(knobs.get(TUNED, self.batch))
        if batch not in self._of_batches:
            self._of_batches[batch] = self._of(batch, self.steps * self.batch // batch)
        return self._of_batches[batch]

    def with_steps(self, of_batches: Mapping[int, int]) -> 'Program':
        """The same, whose programs `at` these batches have these steps: as many as cost the same, where that has to be rounded.

        >>> one = Program('s', 'a', 't', 'd', 'adamw', steps=60, batch=32, evaluations=5, data={}, model={})
        >>> one.with_steps({48: 40}).at({'batch': 48.0}).steps
        40
        """
        self._of_batches.update({batch: self._of(batch, steps) for batch, steps in of_batches.items() if batch != self.batch})
        return self

    def _of(self, batch: int, steps: int) -> 'Program':
        made = dataclasses.replace(self, batch=batch, steps=steps)
        object.__setattr__(made, 'times_the_batch', batch / self.batch)
        return made

    @functools.cached_property
    def _of_batches(self) -> dict[int, 'Program']:
        return {self.batch: self}

    def flops(self, of_step: float | None) -> float | None:
        """FLOPs of one of its steps, by those of a step of the task's own batch; None where they are not known."""
        return of_step if of_step is None or self.times_the_batch == 1 else of_step * self.times_the_batch

    @functools.cached_property
    def needs(self) -> Needs:
        return Needs(self.signature, digest({name: getattr(self, name) for name in OF_MODEL}))


def trial_id(program: str, replicate: int, knobs: Iterable[tuple[str, float]], seed: int, held: str, until: int = 0) -> str:
    """The id of a trial of the program with an id."""
    # The JSON of [program, replicate, knobs, seed, held], put together by hand: a study has many trials. Digested as text.
    told = ','.join([f'["{name}",{value!r}]' for name, value in knobs])
    return digest(f'["{program}",{replicate},[{told}],{seed},"{held}"{f",{until}" if until else ""}]')


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training run: a program, its knobs, a replicate with its data split, a seed, and the data that score it.

    `phase` is the phase that asked first; it is not part of the address. `until` is the step at which the run stops, to go on
    as the trial without it or not at all; 0 for the end, as almost always.
    """

    program: Program
    replicate: int
    knobs: tuple[tuple[str, float], ...]
    seed: int
    held: str
    phase: str
    until: int = 0

    @functools.cached_property
    def id(self) -> str:
        return trial_id(self.program.id, self.replicate, self.knobs, self.seed, self.held, self.until)

    @property
    def steps(self) -> int:
        """The steps that it is trained for."""
        return self.until or self.program.steps

    def up_to(self, share: float) -> 'Trial':
        """The same run, stopped at a share of its steps."""
        return dataclasses.replace(self, until=max(round(share * self.program.steps), 1))

    def whole(self) -> 'Trial':
        """The same run to its end."""
        return dataclasses.replace(self, until=0) if self.until else self

    @property
    def extends(self) -> bool:
        """Whether it is of a round that may extend ranges."""
        return self.phase.startswith('extend')

    @property
    def arm(self) -> str:
        return self.program.arm

    @property
    def task(self) -> str:
        return self.program.task


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Everything that a study wants so far, recorded or not.

    `trials` holds every trial once, in the order in which phases ask for them. `asked[phase, arm, task, replicate]` are all
    trials of a phase, even if another asked first ('tune' includes all tuning). `selections[arm, task, replicate]` is the
    selected point, or None where every tuning run diverged. `censored[arm, task]` names the edges at which the optimum still
    lies, and `extended[task][arm, optimizer, replicate]` the sides that each round extended. `budgets[arm, task]` counts the
    tuning of an arm: trials, steps, examples, and FLOPs if the manifest has costs. `look` is the last declared look (a number
    of replicates) with all trials recorded, 0 before the first; `complete` says that no more is to come. `parts[look, task]`
    are the arms that take part in a look of a task; without an entry all do. `expected[task]` is how many trials are foreseen
    in all, where the plan itself says so.
    """

    trials: tuple
    asked: dict
    selections: dict
    censored: dict
    extended: dict
    budgets: dict
    look: int
    complete: bool
    parts: dict = dataclasses.field(default_factory=dict)
    expected: dict = dataclasses.field(default_factory=dict)

    def reached(self, arm: str, task: str, looks: tuple) -> int:
        """The last recorded look that an arm took part in on a task; before the first is recorded, that one."""
        taken = [look for look in looks if look <= self.look and self.takes_part(arm, task, look)]
        return max(taken, default=looks[0])

    def takes_part(self, arm: str, task: str, look: int) -> bool:
        """Whether an arm gets the replicates that a look of a task adds: an arm that an earlier look decided does not."""
        return arm in self.parts.get((look, task), (arm,))
