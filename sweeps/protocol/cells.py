"""Cells: worlds of known truth, each with the studies that are run in it; what the lab is calibrated in."""

import dataclasses
from collections.abc import Mapping

from ablations.study import Study
from sweeps.protocol.curve_worlds import CURVE_WORLDS, HALVED
from sweeps.protocol.metric_worlds import METRIC_WORLDS
from sweeps.protocol.rough_worlds import ONE_SPLIT, ROUGH, VERY_ROUGH
from sweeps.protocol.simulate import World
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, WORLDS

DEVIATION = 0.035
"""The standard deviation of a replicate of two seeds at the usual noise of a run, the unit of planted effects."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A world and the studies in it.

    name        of the world: arms of unlike hills are levelled once for it
    fields      of the study, beside the defaults; `arms` and `tasks` are numbers here, `shape` is 'path' or 'factorial'
    planted     {arm: effect}, in deviations, on every task; {arm: (effect by task)} for different ones
    promised    whether the error rate must hold there; otherwise it is published
    curved      whether tuning is more than noise there
    after       numbers of replicates that a reader adds one after the other, having looked before
    """

    name: str
    world: World
    fields: dict = dataclasses.field(default_factory=dict)
    planted: dict = dataclasses.field(default_factory=dict)
    promised: bool = True
    curved: bool = True
    after: tuple[int, ...] = ()

    def effect(self, arm: str, place: int) -> float:
        """The planted effect of an arm on the task at this place, in the score's unit."""
        told = self.planted.get(arm, 0.0)
        return DEVIATION * self.world.unit * (told[place] if isinstance(told, tuple) else told)

    def effects(self, study: Study) -> dict[tuple[str, str], float]:
        """The true effect of each arm on each task against the arm that it is compared with, in the score's unit."""
        return {
            (arm, task.name): self.effect(arm, place) - self.effect(study.reference(arm), place)
            for arm in study.arms
            for place, task in enumerate(study.tasks)
        }

    def with_a_loss(self) -> 'Cell':
        """The cell with a loss of three deviations in one arm."""
        arm = ARMS[2] if self.fields.get('arms', len(ARMS)) > 2 else ARMS[1]
        return dataclasses.replace(self, planted={arm: -3.0})

    def planted_world(self, study: Study, top: Mapping[str, float]) -> World:
        """The world with its planted effects, and with tops that make tuned procedures worth the same."""
        on_task = {task.name: {arm: self.effect(arm, place) for arm in self.planted} for place, task in enumerate(study.tasks)}
        tops = {arm: self.world.top.get(arm, 0.0) + top.get(arm, 0.0) for arm in {**self.world.top, **top}}
        return dataclasses.replace(self.world, on_task=on_task, top=tops)


REPLICATES, SIZES = (3, 5, 8), (2, 5, 12)
"""The numbers of replicates and of arms that every promised world is crossed with."""


def _rows() -> dict[str, tuple[str, str, str]]:
    """The promised worlds, or three variants of a world, by name."""
    one = {name: (name,) * len(REPLICATES) for name in (*WORLDS, *ROUGH) if not name.startswith(('families', 'ceiling'))}
    return {
        **one,
        'families': ('families, 4 deviations', 'families', 'families, 4 deviations'),
        'ceiling': ('ceiling', 'ceiling, unlike', 'ceiling'),
        'unequal counts': ('splits of 3 sd', 'splits of 1 sd', 'splits of 3 sd'),
    }


SPLITS = {f'splits of {size} sd': World(split=DEVIATION * size, about=f'splits of {size} deviations') for size in (1, 3)}


def _cover() -> dict[str, Cell]:
    """Each promised world at three pairs of replicates and arms: each number occurs once there, and all pairs occur."""
    made, worlds = {}, {**WORLDS, **ROUGH, **SPLITS}
    for place, (row, names) in enumerate(_rows().items()):
        for number, (replicates, name) in enumerate(zip(REPLICATES, names, strict=True)):
            arms = SIZES[(number + place) % len(SIZES)]
            fields = {'replicates': replicates, 'arms': arms, **({'base_factor': 2} if name in SPLITS else {})}
            told = f'{name}, {"twice the base, " if name in SPLITS else ""}{replicates} replicates, {arms} arms'
            made[told] = Cell(name, worlds[name], fields, curved=row not in FLAT)
    return made


PLAIN = WORLDS['plain']
LOOKS = {'looks': (3, 5, 8), 'replicates': 8, 'shares': (0.1, 0.3, 0.6)}
UNTIL = {'looks': tuple(range(3, 11)), 'replicates': 10}
FORMS = {
    'six tasks': Cell('plain', PLAIN, {'tasks': 6, 'arms': 3}),
    'three tasks': Cell('plain', PLAIN, {'tasks': 3}),
    'a path': Cell('all unlike', WORLDS['all unlike'], {'shape': 'path'}),
    'a factorial of three factors': Cell('plain', PLAIN, {'shape': 'factorial', 'arms': 8}),
    'just outside the margin': Cell(
        'just outside',
        World(noise=0.02, split=0.01, about='an effect of 1.002 margins on every task'),
        {'tasks': 3, 'margin': 0.06},
        dict.fromkeys(ARMS[1:], -1.002 * 0.06 / DEVIATION),
    ),
    'better on two tasks, worse on the third': Cell('plain', PLAIN, {'tasks': 3}, dict.fromkeys(ARMS[1:3], (4.0, 4.0, -2.0))),
    'one fixed test split': Cell('one fixed test split', ONE_SPLIT),
    'one fixed test split, ten replicates': Cell('one fixed test split', ONE_SPLIT, {'replicates': 10}),
    'looks at 3, 5 and 8': Cell('plain', PLAIN, LOOKS),
    'until decided, at most 10': Cell('plain', PLAIN, UNTIL),
    'until decided beside a loud arm': Cell('loud arm x10', ROUGH['loud arm x10'], UNTIL),
    'looks after looking': Cell('plain', PLAIN, after=(6, 7, 8)),
    'an error to be lowered': Cell('an error', METRIC_WORLDS['an error']),
    'an error to be lowered, three tasks': Cell('an error', METRIC_WORLDS['an error'], {'tasks': 3, 'arms': 3}),
    'an error to be lowered, arms unlike': Cell('an error, all unlike', METRIC_WORLDS['an error, all unlike']),
    'an area under a curve': Cell('an area', METRIC_WORLDS['an area']),
    'an area under a curve, near 1': Cell('an area near 1', METRIC_WORLDS['an area near 1']),
    'bits of one fixed test split': Cell('bits of one fixed test split', METRIC_WORLDS['bits of one fixed test split']),
}
"""Studies of other forms; of none may more than 5 % say a false word."""

PLANTED = {
    'equal noise': Cell('plain', PLAIN, planted={'third': -3.0}),
    'equal noise, a gain': Cell('plain', PLAIN, planted={'third': 3.0}),
    'beside an arm four times as noisy': Cell('loud arm x4', ROUGH['loud arm x4'], planted={'third': -3.0}),
    'beside an arm ten times as noisy': Cell('loud arm x10', ROUGH['loud arm x10'], planted={'third': -3.0}),
    'splits of three deviations': Cell('splits of 3 sd', SPLITS['splits of 3 sd'], planted={'third': -3.0}),
    'twice the replicates of the base': Cell('splits of 3 sd', SPLITS['splits of 3 sd'], {'base_factor': 2}, {'third': -3.0}),
    'rare divergence': Cell('rare divergence', ROUGH['rare divergence'], planted={'fifth': -3.0}),
    'families': Cell('families', ROUGH['families'], planted={'third': -3.0}),
    'looks at 3, 5 and 8': Cell('plain', PLAIN, LOOKS, {'third': -3.0}),
    'five replicates, one look': Cell('plain', PLAIN, {'looks': (5,)}, {'third': -3.0}),
    'until decided, at most 10': Cell('plain', PLAIN, UNTIL, {'third': -3.0}),
    'ridges': Cell('all ridges', World(ridge=0.9, about='two values act together'), planted={'third': -3.0}),
    'three replicates': Cell('plain', PLAIN, {'replicates': 3}, {'third': -3.0}),
    'twelve arms': Cell('plain', PLAIN, {'arms': 12}, {'third': -3.0}),
    'a gap of two margins on three tasks': Cell('plain', PLAIN, {'tasks': 3, 'margin': 0.06}, {'third': -2 * 0.06 / DEVIATION}),
    'an error to be lowered': Cell('an error', METRIC_WORLDS['an error'], planted={'third': -3.0}),
    'an error to be lowered, a gain': Cell('an error', METRIC_WORLDS['an error'], planted={'third': 3.0}),
    'an area under a curve': Cell('an area', METRIC_WORLDS['an area'], planted={'third': -3.0}),
    'equal arms, a wide margin': Cell('plain', PLAIN, {'margin': 0.1}),
}
"""Studies with a planted effect, and how often it is found."""

PUBLISHED = {name: Cell(name, world, promised=False) for name, world in {**BEYOND, **VERY_ROUGH}.items()}
"""Worlds beyond the promise."""

HALVINGS = {
    f'{name}, {how}{told}': Cell(name, world, fields, planted, promised=False)
    for told, planted in (('', {}), (', a planted loss', {'third': -3.0}))
    for name, world in CURVE_WORLDS.items()
    for how, fields in HALVED.items()
}
"""Studies that stop the worse half of their tuning runs. A claim counts as false against what arms are worth without that."""

DEFAULT = {'cover': _cover(), 'forms': FORMS, 'found': PLANTED, 'published': PUBLISHED}
"""The cells of the default protocol, by part: those that a calibration without names runs."""
PARTS = {**DEFAULT, 'halved': HALVINGS}
"""All cells, by part."""
