"""Setting: where a claim was found: one task, the two models that were compared there, and how large they are."""

import dataclasses
from collections.abc import Mapping

from ablations.schedules import value_text
from ablations.study import Study
from results.budgets import step_flops, steps_at_equal_compute, whole_evaluations
from results.claims.difference import differences, kinds_of

OPTIMIZER, TRAINING, OR = 'optimizer', 'training', ' or '
"""The paths of differences that are none of models, and what stands between several optimizers."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One task with the two models.

    kinds         {place: kind} of every spec of the reference's model, such as {'norm': 'layer_norm'}; and under 'taught', if
                  training sees the first tokens of longer windows, how many of how many: what holds there is another question
    differences   what the arm's model has otherwise: {path, from, to} each (results/claims/difference.py); then, under the path
                  OPTIMIZER, the optimizers that it is tuned with, and under TRAINING its values of training, where they are
                  others
    params, base_params, steps, base_steps      parameters and training steps of the arm and its reference; parameters are None
                  where they are not known
    batch         examples of a step
    """

    task: str
    dataset: str
    domain: str
    kinds: dict
    differences: tuple
    params: int | None
    base_params: int | None
    steps: int
    base_steps: int
    batch: int

    @property
    def examples(self) -> int:
        """Examples, repetitions counted, that the arm was trained on."""
        return self.steps * self.batch

    @property
    def size(self) -> tuple[int | None, int, int]:
        """What makes one setting larger than another: parameters of the larger model, steps, and examples."""
        known = [number for number in (self.params, self.base_params) if number is not None]
        return (max(known) if len(known) == 2 else None, self.steps, self.examples)


def setting_of(study: Study, arm: str, task: str, costs: Mapping) -> Setting:
    """The setting of an arm and its reference on a task; `costs` are those of the manifest, {arm: {task: cost}}."""
    item, base = study.task(task), study.reference(arm)
    before, after = study.model(base, task), study.model(arm, task)
    return Setting(
        task=task,
        dataset=item.dataset,
        domain=item.domain,
        kinds={**kinds_of(before), **_taught(item.data)},
        differences=(*differences(before, after), *_other_optimizers(study, arm), *_other_values(study, arm)),
        params=costs.get(arm, {}).get(task, {}).get('params'),
        base_params=costs.get(base, {}).get(task, {}).get('params'),
        steps=_steps(study, arm, task, costs),
        base_steps=_steps(study, base, task, costs),
        batch=item.batch,
    )


def _taught(data: Mapping) -> dict[str, str]:
    """How many tokens of its windows a task trains on, where these are not all.

    >>> _taught({'kind': 'text', 'length': 256, 'taught': 64}), _taught({'kind': 'text', 'length': 64, 'taught': 64})
    ({'taught': '64 of 256'}, {})
    """
    taught, length = data.get('taught', 0), data.get('length', 0)
    return {'taught': f'{taught} of {length}'} if 0 < taught < length else {}


def _other_optimizers(study: Study, arm: str) -> list[dict]:
    """The optimizers of an arm beside those of its reference, as a difference; none where they have the same."""
    before, after = (OR.join(sorted(study.optimizers_of(name))) for name in (study.reference(arm), arm))
    return [{'path': OPTIMIZER, 'from': before, 'to': after}] if before != after else []


def _other_values(study: Study, arm: str) -> list[dict]:
    """The values of training of an arm beside those of its reference, as differences; none where they have the same."""
    before, after = (study.fixed_of(name) for name in (study.reference(arm), arm))

    def told(values: Mapping[str, float], name: str) -> str | None:
        return value_text(name, values[name], 6) if name in values else None

    other = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return [{'path': f'{TRAINING}.{name}', 'from': told(before, name), 'to': told(after, name)} for name in other]


def _steps(study: Study, arm: str, task: str, costs: Mapping) -> int:
    """The steps of an arm; those of the task where compute is matched and its costs are not known."""
    item = study.task(task)
    flops, base_flops = (step_flops(costs, name, task) for name in (arm, study.base))
    if study.budget == 'trials' or not (flops and base_flops):
        return item.steps
    return whole_evaluations(steps_at_equal_compute(item, flops, base_flops), item.evaluations)
