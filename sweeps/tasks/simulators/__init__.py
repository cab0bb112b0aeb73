"""Simulators: made things with a hidden state, watched event by event, and what is asked about their episodes."""

from sweeps.tasks.simulators.balls import Balls
from sweeps.tasks.simulators.doors import Doors
from sweeps.tasks.simulators.simulator import Simulator

SIMULATORS: dict[str, type[Simulator]] = {'balls': Balls, 'doors': Doors}
