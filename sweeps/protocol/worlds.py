"""Worlds: the declared worlds in which the lab is calibrated, and some worlds beyond its promise."""

from sweeps.protocol.simulate import Hill, World

ARMS = ('base', 'second', 'third', 'fourth', 'fifth')
MORE = ('sixth', 'seventh', 'eighth', 'ninth', 'tenth', 'eleventh', 'twelfth')
"""Further arms of larger studies; they are as a world's own hill says."""


def _all(about: str, **hill: object) -> World:
    """A world in which all arms are the same."""
    return World(about=about, **hill)


def _mixed(about: str, hills: dict, split: float = 0.02, **hill: object) -> World:
    """A world in which the arms' hills differ."""
    made = {arm: Hill(**{**hill, **fields}) for arm, fields in hills.items()}
    return World(hills=made, split=split, about=about, **hill)


WORLDS = {
    'plain': _all('a round hill inside the range'),
    'quiet': _all('noise of one run a twentieth of the hill', noise=0.01),
    'loud': _all('noise of one run as large as what is to be found', noise=0.2),
    'shallow': _all('tuning hardly matters', curvature=(0.1,)),
    'sharp': _all('tuning matters much', curvature=(5.0,)),
    'lopsided': _all('four times steeper above the optimum', skew=4.0),
    'cliff near': _all('runs diverge just past the optimum', cliff=0.05, noise=0.02),
    'cliff and slope': _all('steeper above, then a cliff', skew=4.0, cliff=0.15),
    'edge': _all('the optimum at the end of the range', optimum=(0.97, 0.4)),
    'beyond': _all('the optimum past the end of the range', optimum=(1.25, 0.4), cliff=0.4),
    'below': _all('the optimum before the start of the range', optimum=(-0.2, 0.4)),
    'decay idle': _all('weight decay does not matter', curvature=(1.0, 0.0)),
    'plateau': _all('a hill on a plain', curvature=(8.0, 1.0), depth=0.3),
    'no split noise': _mixed('data splits do not matter', {}, split=0.0),
    'split noise': _mixed('data splits matter more than seeds', {}, split=0.1),
    'splits suit arms': _mixed('what a data split does to one arm alone as large as seed noise', {}, split=0.05, suits=0.05),
    'optimizers': _all('SGD is as good as AdamW', move={'sgd': -0.1}),
    'optimizers apart': _all('SGD is a little behind AdamW', shift={'sgd': -0.05}, move={'sgd': -0.1}),
    'windows': _mixed(
        'windows of different width, tuned procedures worth the same',
        {'second': {'curvature': (4.0, 1.0)}, 'third': {'curvature': (0.25,)}, 'fourth': {'cliff': 0.08, 'skew': 3.0}},
    ),
    'places': _mixed(
        'optima in different places, tuned procedures worth the same',
        {'second': {'optimum': (0.25, 0.7)}, 'third': {'optimum': (0.85, 0.2)}, 'fourth': {'optimum': (1.1, 0.5)}},
    ),
    'loud base': _mixed('the base twice as noisy as the others', {'base': {'noise': 0.1}}),
    'one loud arm': _mixed('one arm twice as noisy', {'second': {'noise': 0.1}}),
    'loud arms': _mixed('all arms but the base twice as noisy', {arm: {'noise': 0.1} for arm in ARMS[1:]}),
    'all unlike': _mixed(
        'noise from 1 to 2, windows of different width',
        {
            'second': {'noise': 0.1, 'curvature': (4.0, 1.0)},
            'third': {'noise': 0.07, 'curvature': (0.25,)},
            'fourth': {'noise': 0.085, 'optimum': (0.8, 0.5)},
        },
    ),
}
"""Worlds in which the lab promises false claims in at most 5 % of studies."""

BEYOND = {
    'base four times as loud': _mixed('noise ratio 4', {'base': {'noise': 0.2}}),
    'base ten times as loud': _mixed('noise ratio 10', {'base': {'noise': 0.5}}),
    'an arm four times as loud': _mixed('noise ratio 4', {'second': {'noise': 0.2}}),
    'an arm ten times as loud': _mixed('noise ratio 10', {'second': {'noise': 0.5}}),
    'two cliffs': _mixed(
        'confirmation runs fall off a cliff now and then in two of the arms',
        {'second': {'cliff': 0.0, 'noise': 0.02}, 'third': {'cliff': 0.0, 'noise': 0.02}},
        noise=0.02,
    ),
    'skewed regret': _mixed(
        'needles: most tunings find the top, some do not',
        {arm: {'curvature': (60.0, 1.0), 'depth': 0.5, 'noise': 0.01} for arm in ARMS[1:3]},
        noise=0.01,
    ),
}
"""Worlds beyond the promise: run and published."""

FLAT = ('loud', 'shallow', 'split noise', 'skewed regret', 'two cliffs')
"""Worlds in which tuning is mostly noise: there selection is promised to be no worse than taking the best trial."""
