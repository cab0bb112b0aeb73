"""Asked: the trials that a study has asked for so far."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from ablations.tasks import Task
from ablations.trial import Trial


class Asked:
    """Trials by id, each once; and by (phase, arm, task, replicate) all trials of a phase, even if another asked first.

    With `answer` trials without a record are answered at once, and their records are put into `records`.
    """

    def __init__(self, records: dict[str, dict], answer: Callable[[list[Trial]], list[dict]] | None = None):
        self.records, self.answer = records, answer
        self.trials: dict[str, Trial] = {}
        self.by_phase: dict[tuple[str, str, str, int], list[Trial]] = {}

    def ask(self, trials: list[Trial]) -> bool:
        """Put trials on the schedule; gives whether all of them are recorded."""
        for trial in trials:
            self.trials.setdefault(trial.id, trial)
        if self.answer:
            new = list({trial.id: trial for trial in trials if trial.id not in self.records}.values())
            self.records.update((record['id'], record) for record in self.answer(new))
        return all(trial.id in self.records for trial in trials)

    def budgets(
        self, arms: Iterable[str], tasks: Iterable[Task], steps: Mapping[tuple[str, str], int], costs: Mapping
    ) -> dict[tuple[str, str], dict]:
        """The tuning budget of each arm on each task so far; FLOPs are None where `costs` lacks them."""
        counts: Counter[tuple[str, str]] = Counter()
        # What tuned batches add to the steps of trials of the task's own batch, and the steps that their FLOPs are worth.
        more: Counter[tuple[str, str]] = Counter()
        # Steps of the task's own batch that stopped runs were not trained for.
        saved: Counter[tuple[str, str]] = Counter()
        for (phase, arm, task, _), trials in self.by_phase.items():
            if phase == 'tune':
                counts[arm, task] += len(trials)
                more[arm, task] += sum(t.program.steps - steps[arm, task] for t in trials if t.program.times_the_batch != 1)
                for trial in trials:
                    if trial.until:
                        saved[arm, task] += (trial.program.steps - trial.until) * trial.program.times_the_batch
                        more[arm, task] += (trial.program.steps - trial.until) * (trial.program.times_the_batch - 1)
        budgets, tasks = {}, list(tasks)
        for arm in arms:
            for task in tasks:
                done = counts[arm, task.name] * steps[arm, task.name] - round(saved[arm, task.name])
                flops = costs.get(arm, {}).get(task.name, {}).get('flops')
                budgets[arm, task.name] = {
                    'trials': counts[arm, task.name],
                    'steps': done + more[arm, task.name],
                    'examples': done * task.batch,
                    'flops': None if flops is None else done * flops,
                }
        return budgets
