"""Trials: training runs to do, addressed by the digest of what determines them; and the schedule that asks for them."""

import dataclasses
import functools

from ablations.digest import digest

PHASES = ('tune', 'extend_1', 'extend_2', 'confirm', 'share')
TUNING, TEST = 'tuning', 'test'
"""The data that score a trial: the tuning-validation split of its replicate, or the sealed test split."""


@dataclasses.dataclass(frozen=True)
class Program:
    """All that determines a compiled training program; trials of one program differ only in traced values.

    `data` says what is learned and from what (a spec with a kind), `model` is the complete model config, `blocks` the
    hash of the user's own block file or ''.
    """

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

    @functools.cached_property
    def id(self) -> str:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != 'study'}
        return digest(fields)


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training run: a program, its knobs, a replicate with its data split, a seed, and the data that score it.

    `phase` says who asked first; it is not part of the address.
    """

    program: Program
    replicate: int
    knobs: tuple[tuple[str, float], ...]
    seed: int
    held: str
    phase: str

    @functools.cached_property
    def id(self) -> str:
        # The JSON of [program, replicate, knobs, seed, held], put together by hand: a study has many trials. Digested as text.
        knobs = ','.join([f'["{name}",{value!r}]' for name, value in self.knobs])
        return digest(f'["{self.program.id}",{self.replicate},[{knobs}],{self.seed},"{self.held}"]')

    @property
    def extends(self) -> bool:
        """Whether it searches past the study's own ranges."""
        return self.phase.startswith('extend')

    @property
    def arm(self) -> str:
        return self.program.arm

    @property
    def task(self) -> str:
        return self.program.task


@dataclasses.dataclass(frozen=True)
class Schedule:
    """All that a study wants so far, recorded or not.

    `trials` holds every trial once, in the order in which phases ask for them; `asked[phase, arm, task, replicate]` the
    trials of that phase, whoever asked first ('tune' there includes extensions). `selections[arm, task, replicate]` is the
    selected point, or None where every tuning run diverged. `censored[arm, task]` names the edges at which the optimum
    still lies, `extended[task]` the sides that were extended, by arm. `budgets[arm, task]` counts the tuning of an arm:
    trials, steps, examples, and FLOPs where the manifest knows costs. `look` is the last declared look (a number of
    replicates) whose trials are all recorded, 0 before the first; `complete` says that it is the study's last.
    """

    trials: tuple
    asked: dict
    selections: dict
    censored: dict
    extended: dict
    budgets: dict
    look: int
    complete: bool
