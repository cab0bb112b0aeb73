"""Rough worlds: what real studies do to a protocol that gentle noise does not, each with the studies that are run in it."""

import dataclasses

from sweeps.protocol.simulate import Hill, World
from sweeps.protocol.worlds import ARMS, WORLDS

DEVIATION = 0.035
"""The standard deviation of a replicate of two seeds at the usual noise of a run, the unit of planted effects."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A world and the studies in it.

    fields      of the study, beside the defaults; `arms` and `tasks` are numbers here
    planted     {arm: effect}, in deviations, on every task; {arm: (effect by task)} for different ones
    promised    whether the error rate must hold there; otherwise it is published
    after       numbers of replicates that a reader adds one after the other, having looked before
    """

    world: World
    fields: dict = dataclasses.field(default_factory=dict)
    planted: dict = dataclasses.field(default_factory=dict)
    promised: bool = True
    after: tuple[int, ...] = ()

    def effect(self, arm: str, place: int) -> float:
        """The planted effect of an arm on the task at this place, in the score's unit."""
        told = self.planted.get(arm, 0.0)
        return DEVIATION * (told[place] if isinstance(told, tuple) else told)


def _hills(hills: dict, about: str, **world: object) -> World:
    """A world whose arms differ; all other fields are those of every hill, and of the world."""
    own = {name: value for name, value in world.items() if name in Hill.__dataclass_fields__}
    return World(hills={arm: Hill(**{**own, **fields}) for arm, fields in hills.items()}, about=about, **world)


LOUD = {factor: _hills({'second': {'noise': 0.05 * factor}}, f'one arm {factor} times as noisy') for factor in (4, 10, 30)}
RARE = _hills(
    {'second': {'lost': 0.02}, 'third': {'lost': 0.05}, 'fourth': {'lost': 0.1}},
    '2, 5 and 10 % of the confirmation runs of three arms diverge',
)
FAMILY = {arm: place % 2 for place, arm in enumerate(ARMS)}
STATES = {'second': {'high': 0.9}, 'third': {'high': 0.8}, 'fourth': {'high': 0.7}, 'fifth': {'high': 0.6}}
NOISES = {
    'second': {'curvature': (4.0, 1.0), 'noise': 0.025},
    'third': {'curvature': (0.25,), 'noise': 0.15},
    'fourth': {'skew': 3.0, 'noise': 0.1},
}
PLACES = {'second': {'optimum': (0.25, 0.7)}, 'third': {'optimum': (0.85, 0.2)}, 'fourth': {'optimum': (0.7, 0.9)}}
EDGE = {'fifth': {'optimum': (1.25, 0.4)}}
FIXED = dict(height=0.995, curvature=0.3, noise=0.0, split=0.0, items=360)
ONE_SPLIT = World(
    height=0.9,
    curvature=0.01,
    noise=0.006,
    split=0.0,
    fixed=360,
    liking=0.028,
    about='one fixed test split of 360 items, of which arms like different ones; replicates hardly vary',
)

ROUGH = {
    'heavy tails': Cell(World(tails=3, about="noise of Student's t with 3 degrees of freedom")),
    'cliff noise': Cell(
        _hills(
            {'second': {'cliff': 0.1}, 'third': {'cliff': 0.2}},
            'three times the noise close to cliffs, which lie in different places',
            near_cliff=3.0,
        )
    ),
    'two states': Cell(World(high=0.8, fall=0.2, noise=0.02, about='each run ends in a high or a low state')),
    'two states, unlike': Cell(_hills(STATES, 'chances of the high state from 0.97 to 0.6', high=0.97, fall=0.2, noise=0.02)),
    'windows and noise': Cell(_hills(NOISES, 'width of the window and noise both differ')),
    'ceiling': Cell(World(about='99.5 % right of 360 test items', **FIXED)),
    'ceiling, unlike': Cell(_hills({'second': {'height': 0.97}, 'third': {'height': 0.9}}, 'the same, unlike', **FIXED)),
    'fixed test split': Cell(ONE_SPLIT),
    'fixed test split, 10 replicates': Cell(ONE_SPLIT, {'replicates': 10}),
    'ridges': Cell(
        _hills({'second': {'ridge': -0.9}, 'third': {'ridge': 0.0}}, 'two values act together, differently by arm', ridge=0.9)
    ),
    'flips': Cell(
        _hills(
            {arm: {'shift': {'adamw': -0.1}} for arm in ARMS[1::2]}, 'the best optimizer differs by arm', shift={'sgd': -0.1}
        )
    ),
    'loud arm x4': Cell(LOUD[4]),
    'loud arm x10': Cell(LOUD[10]),
    'loud arm x10, 12 arms': Cell(LOUD[10], {'arms': 12}),
    'loud arm x4, 3 replicates': Cell(LOUD[4], {'replicates': 3}),
    'loud arm x10, 3 replicates': Cell(LOUD[10], {'replicates': 3}),
    'rare divergence': Cell(RARE),
    'rare divergence, 3 replicates': Cell(RARE, {'replicates': 3}),
    'rare divergence, 8 replicates': Cell(RARE, {'replicates': 8}),
    'equal divergence': Cell(World(lost=0.1, about='one confirmation run in ten of every arm diverges')),
    'families': Cell(World(families=FAMILY, kin=0.1, about='arms of two families answer a split alike, 2.8 deviations')),
    'families, 4 deviations': Cell(World(families=FAMILY, kin=0.14, about='the same, 4 deviations')),
    'families, 3 replicates': Cell(World(families=FAMILY, kin=0.1, about='two families'), {'replicates': 3}),
    'places at three times the noise': Cell(_hills(PLACES, 'optima in different places', noise=0.15)),
    'off range': Cell(_hills(EDGE, "one arm's optimum past the edge of the range", cliff=0.5)),
    'unequal counts': Cell(World(split=0.035, about='twice the replicates of the base, splits of 1 sd'), {'base_factor': 2}),
    'unequal counts, loud splits': Cell(World(split=0.105, about='the same, splits of 3 deviations'), {'base_factor': 2}),
    'two arms': Cell(WORLDS['plain'], {'arms': 2}),
    'twelve arms': Cell(WORLDS['plain'], {'arms': 12}),
    'six tasks': Cell(WORLDS['plain'], {'tasks': 6, 'arms': 3}),
    'three replicates': Cell(WORLDS['plain'], {'replicates': 3}),
    'eight replicates': Cell(WORLDS['plain'], {'replicates': 8}),
    'just outside': Cell(
        World(noise=0.02, split=0.01, about='an effect of 1.002 margins on every task'),
        {'tasks': 3, 'margin': 0.06},
        dict.fromkeys(ARMS[1:], -1.002 * 0.06 / DEVIATION),
    ),
    'overall': Cell(WORLDS['plain'], {'tasks': 3}, dict.fromkeys(ARMS[1:3], (4.0, 4.0, -2.0))),
    'looks at 3 and 5': Cell(WORLDS['plain'], {'looks': (3, 5)}),
    'looks at 3, 5 and 8': Cell(WORLDS['plain'], {'looks': (3, 5, 8), 'replicates': 8, 'shares': (0.1, 0.3, 0.6)}),
    'until decided, at most 10': Cell(WORLDS['plain'], {'looks': tuple(range(3, 11)), 'replicates': 10}),
    'looks after looking': Cell(WORLDS['plain'], {}, after=(6, 7, 8)),
    'loud arm x30': Cell(LOUD[30], promised=False),
    'divergence of 1 in 200': Cell(_hills({'second': {'lost': 0.005}}, '1 confirmation run in 200 diverges'), promised=False),
    'three families': Cell(
        World(families={arm: place % 3 for place, arm in enumerate(ARMS)}, kin=0.14, about='three families'), promised=False
    ),
}
"""Rough worlds by name: no false word in more than 5 % of studies where it is promised."""

FOUND = {
    'equal noise': Cell(WORLDS['plain'], planted={'third': -3.0}),
    'equal noise, a gain': Cell(WORLDS['plain'], planted={'third': 3.0}),
    'beside an arm four times as noisy': Cell(LOUD[4], planted={'third': -3.0}),
    'beside an arm ten times as noisy': Cell(LOUD[10], planted={'third': -3.0}),
    'splits of three deviations': Cell(World(split=0.105, about='splits'), planted={'third': -3.0}),
    'twice the replicates of the base': Cell(World(split=0.105, about='splits'), {'base_factor': 2}, {'third': -3.0}),
    'rare divergence': Cell(RARE, planted={'fifth': -3.0}),
    'looks at 3 and 5': Cell(WORLDS['plain'], {'looks': (3, 5)}, {'third': -3.0}),
    'looks at 3, 5 and 8': Cell(
        WORLDS['plain'], {'looks': (3, 5, 8), 'replicates': 8, 'shares': (0.1, 0.3, 0.6)}, {'third': -3.0}
    ),
    'until decided, at most 10': Cell(WORLDS['plain'], {'looks': tuple(range(3, 11)), 'replicates': 10}, {'third': -3.0}),
    'ridges': Cell(World(ridge=0.9, about='ridges'), planted={'third': -3.0}),
    'three replicates': Cell(WORLDS['plain'], {'replicates': 3}, {'third': -3.0}),
    'twelve arms': Cell(WORLDS['plain'], {'arms': 12}, {'third': -3.0}),
}
"""Studies with a planted effect, and how often it is found."""
