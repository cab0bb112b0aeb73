"""Rough worlds: the strains that real studies put on a protocol, beyond gentle noise."""

from sweeps.protocol.simulate import Hill, World
from sweeps.protocol.worlds import ARMS


def hills_of(hills: dict, about: str, **world: object) -> World:
    """A world whose arms differ; all other fields are those of every hill, and of the world."""
    own = {name: value for name, value in world.items() if name in Hill.__dataclass_fields__}
    return World(hills={arm: Hill(**{**own, **fields}) for arm, fields in hills.items()}, about=about, **world)


LOUD = {factor: hills_of({'second': {'noise': 0.05 * factor}}, f'one arm {factor} times as noisy') for factor in (4, 10, 30)}
RARE = hills_of(
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
    'heavy tails': World(tails=3, about="noise of Student's t with 3 degrees of freedom"),
    'cliff noise': hills_of(
        {'second': {'cliff': 0.1}, 'third': {'cliff': 0.2}},
        'three times the noise close to cliffs, which lie in different places',
        near_cliff=3.0,
    ),
    'two states': World(high=0.8, fall=0.2, noise=0.02, about='each run ends in a high or a low state'),
    'two states, unlike': hills_of(STATES, 'chances of the high state from 0.97 to 0.6', high=0.97, fall=0.2, noise=0.02),
    'windows and noise': hills_of(NOISES, 'width of the window and noise both differ'),
    'ceiling': World(about='99.5 % right of 360 test items', **FIXED),
    'ceiling, unlike': hills_of({'second': {'height': 0.97}, 'third': {'height': 0.9}}, 'the same, unlike', **FIXED),
    'ridges': hills_of(
        {'second': {'ridge': -0.9}, 'third': {'ridge': 0.0}}, 'two values act together, differently by arm', ridge=0.9
    ),
    'flips': hills_of(
        {arm: {'shift': {'adamw': -0.1}} for arm in ARMS[1::2]}, 'the best optimizer differs by arm', shift={'sgd': -0.1}
    ),
    'loud arm x4': LOUD[4],
    'loud arm x10': LOUD[10],
    'rare divergence': RARE,
    'equal divergence': World(lost=0.1, about='one confirmation run in ten of every arm diverges'),
    'families': World(families=FAMILY, kin=0.1, about='arms of two families answer a split alike, by 2.8 deviations'),
    'families, 4 deviations': World(families=FAMILY, kin=0.14, about='the same, by 4 deviations'),
    'places at three times the noise': hills_of(PLACES, 'optima in different places', noise=0.15),
    'off range': hills_of(EDGE, "one arm's optimum past the edge of the range", cliff=0.5),
}
"""Rough worlds in which the lab promises a false word in at most 5 % of studies."""

VERY_ROUGH = {
    'loud arm x30': LOUD[30],
    'divergence of 1 in 200': hills_of({'second': {'lost': 0.005}}, '1 confirmation run in 200 diverges'),
    'three families': World(families={arm: place % 3 for place, arm in enumerate(ARMS)}, kin=0.14, about='three families'),
}
"""Rough worlds beyond the promise: run and published."""
