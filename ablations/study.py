"""Study: a question, the arms that could answer it, and the protocol of their comparison."""

import copy
import dataclasses
import functools
import os
from pathlib import Path

from ablations.arm_optimizers import optimizers_of_arms
from ablations.arms import arms_of, check_comparisons
from ablations.batches import TUNED, batches_of, check_batches
from ablations.config import NAME, changed, closest, put, swap
from ablations.digest import digest
from ablations.fixed_values import fixed_for_all, fixed_of_arms
from ablations.halvings import checked_halvings
from ablations.screening import check_screening
from ablations.space_rules import bounded, check_ranges, check_space, reach
from ablations.spaces import SPACES
from ablations.task_files import is_address, own_task
from ablations.tasks import OwnTask, Task, task
from ablations.trial import Program
from ablations.user_file import FOLDER, content_hash

__all__ = ['Study', 'put', 'swap', 'task']

SHAPES = ('one_swap', 'path', 'add_one', 'drop_one', 'factorial')
COUNTS = {
    'trials': (1, 100_000),
    'screening': (0, 100_000),
    'extension': (0, 100_000),
    'replicates': (1, 1000),
    'seeds': (1, 1000),
    'base_factor': (1, 100),
}
"""The least and the largest value of each of a study's numbers: far beyond what anybody can train, and far below what fills a
memory."""
CHOICES = {
    'shape': SHAPES,
    'search': ('sobol', 'random', 'grid', 'tpe', 'gp'),
    'budget': ('trials', 'compute'),
    'recipe': ('own', 'same'),
}


def default_looks(replicates: int) -> tuple[int, ...]:
    """The looks of a study that declares none: a first one at 3 replicates where 5 or more are planned, and the last.

    >>> default_looks(5), default_looks(3)
    ((3, 5), (3,))
    """
    return (3, replicates) if replicates >= 5 else (replicates,)


def _described(spaces: dict) -> dict:
    """Spaces as plain data."""
    return {key: {name: values.to_dict() for name, values in space.items()} for key, space in spaces.items()}


@dataclasses.dataclass(frozen=True)
class Study:
    """A question put to models that are each tuned on their own.

    name        name of the runs folder; tuning points and seeds derive from it
    question    the study file's docstring
    arms        {arm: changes}, changes a tuple of `put` and `swap`; the first arm is the base and changes nothing
    against     {arm: arm}: the arm that an arm is compared with, unless it is the base (made by ablations/shapes.py)
    levels      {arm: {factor: level}} of a full factorial, or {}
    shape       how the arms relate to each other, one of SHAPES
    tasks       task names or Task objects, best of two or more datasets; tasks of one's own as 'FILE.py:NAME', or by their
                variable where the study's own file declares them
    tune        {optimizer: {value: range}}: the tuned values, the same for every arm
    optimizers  {arm: (optimizer, ...)}: those of `tune` that an arm is tuned with, as many for every arm; without an entry all.
                Arms of one model may differ in them. An arm that has others than the base does not `share` the base's recipe
    own         {arm: {value: range}}: what an arm tunes beside, because only it has that knob; at the same number of trials
    fixed       {value: number}: knobs that are not tuned and not left at the lab's own values (ablations/knobs.py)
    arm_fixed   {arm: {value: number}}: knobs that have another value in an arm, which may so differ by its schedule or its loss
    search      how tuning points are proposed: sobol, random, grid, tpe or gp (sweeps/protocol/search)
    budget      'trials': every arm the same trials and steps; 'compute': steps so that every arm spends the base's FLOPs
    recipe      'own': every arm is tuned on its own; 'same': only the base is tuned, and all arms are confirmed at its recipe.
                This is the usual fallacy, here to show its conclusion
    share       whether every arm is also confirmed at the recipe of the base: what one recipe for all would have concluded
    trials      tuning trials per optimizer, arm, task and replicate
    screening   with several optimizers: trials that each of them gets first; only the one that is then better in a replicate of
                an arm gets the rest. 0: every optimizer gets all `trials`. Simulated with two optimizers, 8 of 16 saves a fifth
                of the runs. It loses nothing with equal optimizers. With one better it finds as much as 12 trials of each,
                at the same price: no better than fewer trials for both
    halvings    shares of their steps at which tuning runs stop, but for the better half of those that were asked for together;
                () trains all to their end. What it does to verdicts is measured (docs/trust.md) and not promised
    extension   how many of them, at most half, come last, in two rounds: past an edge where the trials before point there
    replicates  independent tunings: the unit of evidence
    base_factor the base gets this many times the replicates: every comparison shares it
    seeds       confirmation runs per replicate
    looks       numbers of replicates at which the findings may be read, the last one `replicates`; they share the error, and
                only arms that a look left undecided go on. () looks at 3 replicates first where there are at least 5
    shares      the share of the error rate that each look may spend, adding up to 1; () for (n / N)^2 at n of N replicates
    alpha       familywise error rate of the study's claims
    blocks      path of a Python file with the user's own kinds, or None
    """

    name: str
    question: str
    arms: dict
    tasks: tuple
    tune: dict = dataclasses.field(default_factory=lambda: {'adamw': SPACES['adamw']})
    optimizers: dict = dataclasses.field(default_factory=dict)
    arm_fixed: dict = dataclasses.field(default_factory=dict)
    own: dict = dataclasses.field(default_factory=dict)
    fixed: dict = dataclasses.field(default_factory=dict)
    against: dict = dataclasses.field(default_factory=dict)
    levels: dict = dataclasses.field(default_factory=dict)
    shape: str = 'one_swap'
    search: str = 'sobol'
    budget: str = 'trials'
    recipe: str = 'own'
    share: bool = False
    trials: int = 10
    screening: int = 0
    halvings: tuple = ()
    extension: int = 4
    replicates: int = 5
    base_factor: int = 1
    seeds: int = 4
    looks: tuple = ()
    shares: tuple = ()
    alpha: float = 0.05
    blocks: str | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f'study name {self.name!r}; allowed: lower-case letters, digits and _; rename the study')
        if not isinstance(self.question, str) or not self.question.strip():
            raise ValueError(f"study '{self.name}' has no question; write it as the file's docstring and pass __doc__")
        self._check_counts()
        self._check_tasks()
        self._check_arms()
        self._check_values()
        for arm in self.arms:
            for item in self.tasks:
                self._model(arm, item.name)
        if self.blocks is not None:
            if not isinstance(self.blocks, str):
                raise ValueError(f"study '{self.name}': blocks={self.blocks!r}; give the path of your block file in quotes")
            path = Path(os.path.realpath(Path(FOLDER.get(), self.blocks)))
            if not path.is_file():
                raise ValueError(f"blocks='{self.blocks}': no such file ({path}); give the path of your block file")
            object.__setattr__(self, 'blocks', str(path))
            self.blocks_hash  # noqa: B018 (of the version that is there now: an edit while a study runs is another version)

    def _check_counts(self) -> None:
        for name, (low, high) in COUNTS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"study '{self.name}': {name}={value!r}; allowed: a whole number from {low} to {high:,}")
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"study '{self.name}': {name}={value!r}; allowed: {list(allowed)}.{closest(value, allowed)}")
        if not isinstance(self.share, bool):
            raise ValueError(f"study '{self.name}': share={self.share!r}; allowed: True or False")
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0 < self.alpha < 1:
            raise ValueError(f"study '{self.name}': alpha={self.alpha!r}; allowed: between 0 and 1, usually 0.05")
        given = self.looks if isinstance(self.looks, (tuple, list)) else (self.looks,)
        looks = tuple(given) or default_looks(self.replicates)
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in looks)
        if not whole or list(looks) != sorted(set(looks)) or looks[0] < 1 or looks[-1] != self.replicates:
            raise ValueError(
                f"study '{self.name}': looks={self.looks!r}; allowed: rising numbers of replicates, the last "
                f'one replicates={self.replicates}; change looks or replicates'
            )
        object.__setattr__(self, 'looks', looks)
        self._check_shares()

    def _check_shares(self) -> None:
        shares = self.shares if isinstance(self.shares, (tuple, list)) else (self.shares,)
        numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) and 0 <= n <= 1 for n in shares)
        if shares and (not numbers or len(shares) != len(self.looks) or abs(sum(shares) - 1) > 1e-9 or not shares[-1]):
            raise ValueError(
                f"study '{self.name}': shares={self.shares!r}; allowed: a number from 0 to 1 for each of the looks "
                f'{list(self.looks)}, adding up to 1, the last above 0'
            )
        object.__setattr__(self, 'shares', tuple(map(float, shares)))

    def _check_tasks(self) -> None:
        if not isinstance(self.tasks, (tuple, list)) or not self.tasks:
            raise ValueError(f"study '{self.name}': tasks={self.tasks!r}; give a tuple of task names or tasks")
        tasks = tuple(map(self._task, self.tasks))
        names = [item.name for item in tasks]
        if len(set(names)) < len(names):
            raise ValueError(f"study '{self.name}': tasks {names} repeat a name; name each task once")
        object.__setattr__(self, 'tasks', tasks)

    def _task(self, item: Task | OwnTask | str) -> Task:
        if isinstance(item, Task):
            return item
        return own_task(item, self.name) if isinstance(item, OwnTask) or is_address(item) else task(item)

    def _check_arms(self) -> None:
        object.__setattr__(self, 'arms', arms_of(self.name, self.arms))
        check_comparisons(self.name, self.arms, self.against, self.levels, self.shape)
        object.__setattr__(self, 'against', dict(self.against))
        object.__setattr__(self, 'levels', {arm: dict(own) for arm, own in self.levels.items()})

    def _check_values(self) -> None:
        check_space(self.tune)
        # The learning rate comes first, where selection looks for it; the other values in an order of their own, so that
        # how a space was written down changes no trial.
        tune = {
            optimizer: {'lr': space['lr'], **{name: space[name] for name in sorted(space)}}
            for optimizer, space in self.tune.items()
        }
        object.__setattr__(self, 'fixed', fixed_for_all(self.name, self.fixed, tune))
        object.__setattr__(self, 'tune', tune)
        check_batches(self.name, tune, self.tasks, self.budget)
        object.__setattr__(self, 'optimizers', optimizers_of_arms(self.name, self.optimizers, self.arms, tune))
        self._check_own()
        for_all = {name for space in tune.values() for name in space}
        names = {arm: for_all | set(self.own.get(arm, ())) for arm in self.arms}
        object.__setattr__(self, 'arm_fixed', fixed_of_arms(self.name, self.arm_fixed, names))
        check_screening(self.name, self.screening, self.trials, self.search, self.optimizers_of(self.base))
        batches = batches_of(tune) if self.budget == 'trials' else []
        object.__setattr__(self, 'halvings', checked_halvings(self.name, self.halvings, self.tasks, batches))

    @property
    def tunes_batch(self) -> bool:
        """Whether trials of one arm may have different batches, and so different numbers of steps."""
        return any(TUNED in space for space in self.tune.values())

    def _check_own(self) -> None:
        if not isinstance(self.own, dict) or not all(isinstance(space, dict) and space for space in self.own.values()):
            raise ValueError(f"study '{self.name}': own={self.own!r}; give {{arm: {{value: range}}}}")
        for field in ('own', 'optimizers') if self.recipe == 'same' else ():
            if getattr(self, field):
                raise ValueError(
                    f"study '{self.name}': {field} with recipe='same', under which only the base is tuned; remove one of them"
                )
        for arm, space in self.own.items():
            if arm not in self.arms:
                raise ValueError(
                    f"study '{self.name}': own['{arm}'] is of no arm; allowed: {list(self.arms)}.{closest(arm, self.arms)}"
                )
            check_ranges(f"own['{arm}']", space)
            for name in space:
                if name == TUNED:
                    raise ValueError(f"own['{arm}']['batch']: the batch is tuned for all arms or for none; move it to tune")
                if name in self.fixed or any(name in shared for shared in self.tune.values()):
                    raise ValueError(
                        f"own['{arm}']['{name}']: '{name}' is tuned or fixed for all arms too; remove it from one of them"
                    )
        object.__setattr__(self, 'own', {arm: {name: space[name] for name in sorted(space)} for arm, space in self.own.items()})

    def space(self, arm: str, optimizer: str) -> dict:
        """What an arm tunes under an optimizer type: {value: range}, the learning rate first, the arm's own values last."""
        return {**self.tune[optimizer], **self.own.get(arm, {})}

    def optimizers_of(self, arm: str) -> tuple[str, ...]:
        """The optimizers that an arm is tuned with, in the order of `tune`."""
        return self.optimizers.get(arm, tuple(self.tune))

    def is_shared(self, arm: str) -> bool:
        """Whether an arm is also confirmed at the recipe of the base."""
        return self.share and self.optimizers_of(arm) == self.optimizers_of(self.base)

    def fixed_of(self, arm: str) -> dict[str, float]:
        """The knobs that an arm does not tune and has at values of the study's, its own before those of all arms."""
        return {**self.fixed, **self.arm_fixed.get(arm, {})}

    @property
    def tuning_runs(self) -> int:
        """The tuning runs of a replicate of an arm on a task inside the study's own ranges, over all of its optimizers."""
        count = len(self.optimizers_of(self.base))
        return self.screening * count + self.trials - self.screening if self.screening else self.trials * count

    @property
    def base(self) -> str:
        """The first arm, which changes nothing."""
        return next(iter(self.arms))

    def reference(self, arm: str) -> str:
        """The arm that `arm` is compared with: the base, or its entry in `against`."""
        return self.against.get(arm, self.base)

    def count(self, arm: str, look: int) -> int:
        """Replicates of an arm at a look."""
        return look * (self.base_factor if arm == self.base else 1)

    def task(self, name: str) -> Task:
        """A task of this study; raises ValueError on an unknown name."""
        for item in self.tasks:
            if item.name == name:
                return item
        names = [item.name for item in self.tasks]
        raise ValueError(f"study '{self.name}' has no task '{name}'; allowed: {names}.{closest(name, names)}")

    def model(self, arm: str, task_name: str) -> dict:
        """The complete model config of an arm on a task; raises ValueError naming both where a change does not apply."""
        if arm not in self.arms:
            raise ValueError(f"study '{self.name}' has no arm '{arm}'; allowed: {list(self.arms)}.{closest(arm, self.arms)}")
        return copy.deepcopy(self._model(arm, task_name))

    def _model(self, arm: str, task_name: str) -> dict:
        """The model config that nobody may change."""
        if (arm, task_name) not in self._models:
            try:
                base, changes = self.task(task_name).base, self.arms[arm]
                unchanged = not changes and arm != self.base
                self._models[arm, task_name] = self._model(self.base, task_name) if unchanged else changed(base, changes)
            except ValueError as error:
                raise ValueError(f"arm '{arm}' does not apply to the base of task '{task_name}': {error}") from None
        return self._models[arm, task_name]

    @functools.cached_property
    def _models(self) -> dict:
        return {}

    @functools.cached_property
    def blocks_hash(self) -> str:
        """Hash of the user's own block file as it was when the study was made, or ''."""
        return content_hash(Path(self.blocks).read_bytes()) if self.blocks else ''

    def program(self, arm: str, task_name: str, optimizer: str, steps: int | None = None) -> Program:
        """The common program of the trials of an arm, a task and an optimizer type; `steps` replaces the task's steps."""
        item = self.task(task_name)
        return Program(
            study=self.name,
            arm=arm,
            task=item.name,
            dataset=item.dataset,
            optimizer=optimizer,
            steps=item.steps if steps is None else steps,
            batch=item.batch,
            evaluations=item.evaluations,
            data=item.data,
            model=self.model(arm, item.name),
            blocks=self.blocks_hash,
            declared=item.declared,
        )

    def reach(self, arm: str, optimizer: str) -> dict[str, tuple[float, float]]:
        """The lowest and the highest possible value of each tuned or fixed knob of an arm under an optimizer type."""
        tuned = {name: reach(bounded(name, values), self.extension > 0) for name, values in self.tune[optimizer].items()}
        # What an arm alone tunes keeps its range.
        own = {name: reach(bounded(name, values), extended=False) for name, values in self.own.get(arm, {}).items()}
        return {**tuned, **own, **{name: (value, value) for name, value in self.fixed_of(arm).items()}}

    def to_dict(self) -> dict:
        """The study as plain data; `digest` is its address."""
        return {
            'name': self.name,
            'question': self.question,
            'base': self.base,
            'arms': {arm: [change.to_dict() for change in changes] for arm, changes in self.arms.items()},
            'tasks': [item.to_dict() for item in self.tasks],
            'tune': _described(self.tune),
            'fixed': dict(self.fixed),
            'against': dict(self.against),
            'levels': {arm: dict(levels) for arm, levels in self.levels.items()},
            'shape': self.shape,
            'search': self.search,
            'budget': self.budget,
            'recipe': self.recipe,
            'trials': self.trials,
            'extension': self.extension,
            'replicates': self.replicates,
            'base_factor': self.base_factor,
            'seeds': self.seeds,
            'looks': list(self.looks),
            'alpha': self.alpha,
            'blocks': self.blocks_hash,
            # A later field is left out where it says what older studies did, so that their digests stay.
            **({'shares': list(self.shares)} if self.shares else {}),
            **({} if self.share else {'share': False}),
            **({'own': own} if (own := _described(self.own)) else {}),
            **({'arm_fixed': {arm: dict(own) for arm, own in self.arm_fixed.items()}} if self.arm_fixed else {}),
            **({'optimizers': {arm: list(own) for arm, own in self.optimizers.items()}} if self.optimizers else {}),
            **({'screening': self.screening} if self.screening else {}),
            **({'halvings': list(self.halvings)} if self.halvings else {}),
        }

    @functools.cached_property
    def digest(self) -> str:
        return digest(self.to_dict())
