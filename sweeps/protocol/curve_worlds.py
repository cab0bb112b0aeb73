"""Curve worlds: worlds whose runs can be stopped, with studies that stop the worse half of their tuning runs (`halvings`).

What a run scores at a stop is what it scores at its end, with further noise and with losses of another place and size. Where
rates look best at first that are too high for the end, as where small ones start slowly, the wrong runs are stopped.
"""

from sweeps.protocol.rough_worlds import hills_of
from sweeps.protocol.simulate import World

NOISE = 0.05
CURVE_WORLDS = {
    'curves': World(blur=NOISE, about='at the start a score has noise of its own, as much as a run has at its end'),
    'blurred curves': World(blur=3 * NOISE, about='three times as much of it'),
    'slow curves': World(blur=NOISE, slow=0.3, about='at the start the best rate is higher by 0.3 of its range'),
    'one slow arm': hills_of({'second': {'slow': 0.3}}, 'the same in one arm alone', blur=NOISE),
    'one very slow arm': hills_of({'second': {'slow': 0.8}}, 'in one arm it is higher by 0.8 of its range', blur=NOISE),
    'unlike curves': hills_of(
        {'second': {'apart': 3.0}, 'third': {'slow': 0.15}, 'fourth': {'apart': 0.5}},
        'at the start losses are three times as large in one arm and half as large in another; a third one is slow, by 0.15',
        blur=NOISE,
    ),
}

HALVED = {'halved': {'halvings': (0.3,)}, 'halved, 16 trials': {'halvings': (0.3,), 'trials': 16}}
"""Fields of studies: with the usual 10 trials a tuning trains as many steps as 6.5 runs have, with 16 trials as 10.4 have."""
