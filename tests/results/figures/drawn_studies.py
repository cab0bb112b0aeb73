"""Studies to draw: arms of declared worth on tasks of their own scale, some of which diverge, with records as full as real."""

import dataclasses
import functools
import math

import numpy as np

from ablations.shapes import amounts, drop_one, factorial, ladder, path
from ablations.spaces import log
from ablations.studies.quickstart import study as quickstart
from ablations.study import Study, put, swap
from ablations.trial import Schedule, Trial
from results.evidence import findings
from results.store.reading import Reading
from results.store.recorded import Records
from sweeps.protocol.plan import schedule

TUNE = {'adamw': {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)}}
LEVEL = {'digits': (0.93, 0.06), 'stdlib_bytes': (-2.45, 0.2)}
"""What the base scores on a task, the higher the better, and what one unit of worth is there."""
LONG = (
    'manifold_constrained_hyper_connections',
    'depth_weighted_average',
    'attention_residuals',
    'dynamic_tanh_everywhere',
    'root_mean_square_norm',
    'no_mixer_at_all',
    'selective_state_space_mixer',
    'gated_channel_block',
    'rotary_positions',
)


@dataclasses.dataclass(frozen=True)
class Scene:
    """A study with the worth of its arms (0 unless given) and the share of an arm's runs that diverge."""

    study: Study
    worth: dict = dataclasses.field(default_factory=dict)
    lost: dict = dataclasses.field(default_factory=dict)
    optimum: dict = dataclasses.field(default_factory=dict)
    noise: float = 0.08


def scores(scene: Scene, trial: Trial) -> tuple[list, bool]:
    """The metric at five evaluations, and whether the run diverges after the second."""
    task = scene.study.task(trial.task)
    level, scale = LEVEL[(task.ladder or task.name).removesuffix('_train').removesuffix('_classes')]
    space = scene.study.tune[trial.program.optimizer]
    places = [values.unit(dict(trial.knobs)[name]) for name, values in space.items()]
    random = np.random.default_rng(int(trial.id[:12], 16))
    best = level + scale * (
        scene.worth.get((trial.arm, task.name), scene.worth.get(trial.arm, 0.0)) + scene.noise * random.normal()
    )
    away = (places[0] - scene.optimum.get(trial.arm, 0.55)) ** 2 + 0.3 * (places[1] - 0.4) ** 2
    last, chance = best - 4 * scale * away, task.sign * task.chance
    curve = [chance + (last - chance) * (1 - math.exp(-1.6 * step)) / (1 - math.exp(-6.4)) for step in range(5)]
    lost = places[0] > 0.97 or random.random() < scene.lost.get(trial.arm, 0.0)
    return [task.sign * value if i < 3 or not lost else None for i, value in enumerate(curve)], lost


def record(scene: Scene, trial: Trial) -> dict:
    """The record that the trial leaves, as sweeps/training/record.py writes it."""
    curve, lost = scores(scene, trial)
    steps = trial.program.steps
    place = list(scene.study.arms).index(trial.arm)
    return {
        'id': trial.id,
        'arm': trial.arm,
        'task': trial.task,
        'status': 'diverged' if lost else 'ok',
        'diverged_at': 3 * steps // 4 if lost else None,
        'score': curve[-1],
        'score_se': 0.003,
        'n_held': 1000,
        'initial_loss': 2.3,
        'final_loss': None if lost else 0.4,
        'curve': {'step': [i * steps // 4 for i in range(5)], 'score': curve},
        'cost': {'steps': steps, 'seconds': 1e-3 * steps * (1 + 0.13 * place + int(trial.id[-2:], 16) / 3000)},
        'environment': {'source': 'made up', 'platform': 'cpu', 'device': 'cpu'},
        'held': trial.held,
    }


def costs(study: Study) -> dict:
    sizes = {task.name: 2 ** (2 * i if task.ladder else 0) for i, task in enumerate(study.tasks)}
    return {
        arm: {
            task.name: {
                'params': int(21_300 * sizes[task.name] * (1 + 0.11 * (i % 4))),
                'macs': int(7.1e5 * (1 + 0.2 * (i % 5))),
            }
            for task in study.tasks
        }
        for i, arm in enumerate(study.arms)
    }


def played(scene: Scene, share: float = 1.0) -> tuple[Study, Schedule, dict, list, dict]:
    """Everything a figure is drawn from, after this share of what the study wants was trained."""
    records: dict[str, dict] = {}
    manifest = {
        'costs': {
            arm: {task: {'flops': 6 * c['macs'], **c} for task, c in own.items()} for arm, own in costs(scene.study).items()
        }
    }
    while True:
        planned = schedule(scene.study, records, manifest)
        wanted = [trial for trial in planned.trials if trial.id not in records]
        if not wanted or (share < 1 and records):
            break
        for trial in wanted[: math.ceil(share * len(wanted))]:
            records[trial.id] = record(scene, trial)
    return scene.study, planned, records, findings(Reading(scene.study, planned, records, manifest)), manifest


def small(name: str, **fields: object) -> Study:
    """A study with few trials on digits and bytes; `fields` as of Study."""
    given = dict(name=name, question='Drawn?', tasks=('digits', 'stdlib_bytes'), tune=TUNE, trials=6, replicates=3, extension=0)
    return Study(**{**given, **fields})


@functools.cache
def scenes() -> dict[str, Scene]:
    """Scenes by name."""
    rms, identity, wide = swap('norm', 'rms_norm'), swap('mixer', 'identity'), put('channel.ratio', 3.0)
    ten = {'layer_norm': (), **dict.fromkeys(LONG, ())}
    parts = {'norm': rms, 'mixer': identity, 'width': wide}
    rungs = {'small': (), 'middle': put('channel.ratio', 3.0), 'large': put('channel.ratio', 6.0)}
    by_name = {
        'five': Scene(
            dataclasses.replace(quickstart, name='five', trials=6, extension=0),
            worth={'no_mixer': -9.0, 'rms_norm': 0.3},
            lost={'dynamic_tanh': 0.3},
        ),
        'two': Scene(small('two', arms={'layer_norm': (), 'rms_norm': rms}), worth={'rms_norm': 0.5}),
        'ten': Scene(
            small('ten', arms=ten, replicates=2, trials=5),
            worth={LONG[5]: -8.0, LONG[1]: 0.4, LONG[8]: -0.5, LONG[4]: -1.0},
            lost={LONG[3]: 0.4, LONG[7]: 1.0},
            optimum={LONG[6]: 1.2},
        ),
        'path': Scene(
            small(
                'path',
                **path(
                    {
                        'resnet': (),
                        'patchify': rms,
                        'depthwise_convolution': wide,
                        'inverted_bottleneck': identity,
                        'large_kernels': put('channel.ratio', 4.0),
                    }
                ),
            ),
            worth={'patchify': 0.4, 'depthwise_convolution': 0.45, 'inverted_bottleneck': 0.0, 'large_kernels': 0.9},
        ),
        'drop_one': Scene(small('drop_one', **drop_one(parts)), worth={'all': 0.6, 'without_mixer': 0.2}),
        'factorial': Scene(
            small('factorial', **factorial({'norm': {'layer': (), 'rms': rms}, 'mixer': {'conv': (), 'none': identity}})),
            worth={'rms': 0.3, 'none': -0.8, 'rms_and_none': 0.4},
        ),
        'three_factors': Scene(
            small(
                'three_factors',
                **factorial(
                    {
                        'norm': {'layer': (), 'rms': rms, 'dynamic_tanh': swap('norm', 'dynamic_tanh')},
                        'mixer': {'conv': (), 'none': identity},
                        'ratio': {'two': (), 'three': wide},
                    }
                ),
                replicates=2,
                trials=4,
            ),
            worth={'rms': 0.3, 'none': -0.8},
        ),
        'ladder': Scene(
            small(
                'ladder',
                arms={'layer_norm': (), 'rms_norm': rms, 'no_mixer': identity},
                tasks=(*ladder('digits', rungs), *ladder('stdlib_bytes', rungs)),
            ),
            worth={('rms_norm', 'digits_large'): 0.6, ('rms_norm', 'digits_middle'): 0.3, 'no_mixer': -0.4},
        ),
        'amounts': Scene(
            small(
                'amounts',
                arms={'layer_norm': (), 'no_mixer': identity},
                tasks=(*amounts('digits', train=[1000, 64, 256]), *amounts('digits', classes=[2, 5])),
            ),
            worth={'no_mixer': -0.8, ('no_mixer', 'digits_train_64'): 0.2},
        ),
        'diverged': Scene(
            small('diverged', arms={'layer_norm': (), 'rms_norm': rms}), lost={'layer_norm': 1.0, 'rms_norm': 1.0}
        ),
        'alone': Scene(small('alone', arms={'layer_norm': ()})),
        'two_optimizers': Scene(
            small(
                'two_optimizers',
                arms={'layer_norm': (), 'rms_norm': rms},
                tasks=('digits',),
                tune={'adamw': TUNE['adamw'], 'lion': TUNE['adamw']},
                share=True,
                trials=5,
            ),
            worth={'rms_norm': 0.5},
            lost={'rms_norm': 0.1},
        ),
        'one_recipe': Scene(
            small('one_recipe', arms={'layer_norm': (), 'rms_norm': rms}, tasks=('digits',), recipe='same'),
            worth={'rms_norm': -0.5},
        ),
    }
    for name in ('two', 'path', 'factorial', 'ladder', 'amounts', 'five', 'diverged'):
        scene = by_name[name]
        start = 'digits_train' if name == 'amounts' else 'digits'
        own = tuple(task for task in scene.study.tasks if task.name.startswith(start))
        by_name[f'{name}_on_digits'] = dataclasses.replace(scene, study=dataclasses.replace(scene.study, tasks=own))
    return by_name


@functools.cache
def data(name: str, share: float = 1.0) -> tuple[Study, Schedule, dict, list, dict]:
    """Everything a figure of this scene is drawn from."""
    return played(scenes()[name], share)


def read(name: str, share: float = 1.0) -> tuple[Reading, list]:
    """The reading of a scene and its findings, which is what a figure takes."""
    study, planned, records, findings, manifest = data(name, share)
    return Reading(study, planned, Records.of(records.values()), manifest), findings


@functools.cache
def shaken(name: str) -> tuple[Reading, list]:
    """The reading of a scene and its findings where every score is some units in the last place beside what it is."""
    study, planned, records, _, manifest = data(name)
    random = np.random.default_rng(0)

    def beside(value: float | None) -> float | None:
        return None if value is None else value * (1 + 2.0**-52 * int(random.choice((-4, -3, 3, 4))))

    records = [
        {**one, 'score': beside(one['score']), 'curve': {**one['curve'], 'score': list(map(beside, one['curve']['score']))}}
        for one in records.values()
    ]
    reading = Reading(study, planned, Records.of(records), manifest)
    return reading, findings(reading)


def drawn(figure) -> list[str]:
    """All words of a figure: titles, labels, ticks, texts in panels, legends."""
    texts = []
    for axes in figure.axes:
        words = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
        texts += [word.get_text() for word in words if word.get_text()]
    return texts + [text.get_text() for legend in figure.legends for text in legend.get_texts()]
