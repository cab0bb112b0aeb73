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
        # Of trials of the task's own batch that are trained to their end only the number has to be known.
        plain, odd_steps, odd_examples = Counter(), Counter(), Counter()
        for (phase, arm, task, _), trials in self.by_phase.items():
            if phase == 'tune':
                odd = [trial for trial in trials if trial.until or trial.program.times_the_batch != 1]
                counts[arm, task] += len(trials)
                plain[arm, task] += len(trials) - len(odd)
                odd_steps[arm, task] += sum(trial.steps for trial in odd)
                odd_examples[arm, task] += sum(trial.steps * trial.program.batch for trial in odd)
        budgets, tasks = {}, list(tasks)
        for arm in arms:
            for task in tasks:
                key = arm, task.name
                done = plain[key] * steps[key]
                examples = done * task.batch + odd_examples[key]
                flops = costs.get(arm, {}).get(task.name, {}).get('flops')
                worth = examples // task.batch if examples % task.batch == 0 else examples / task.batch
                budgets[key] = {
                    'trials': counts[key],
                    'steps': done + odd_steps[key],
                    'examples': examples,
                    'flops': None if flops is None else worth * flops,
                }
        return budgets
