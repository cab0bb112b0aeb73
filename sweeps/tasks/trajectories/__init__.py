"""Trajectories: things that move by a law, seen as numbers of one byte; what comes next, and the law (docs/trajectories.md)."""

from sweeps.tasks.trajectories.motion import Motion
from sweeps.tasks.trajectories.pendulums import Pendulums
from sweeps.tasks.trajectories.planets import Planets
from sweeps.tasks.trajectories.three_bodies import ThreeBodies

MOTIONS: dict[str, type[Motion]] = {motion.NAME: motion for motion in (Pendulums, Planets, ThreeBodies)}
"""Kind -> class, as a motion's spec names it."""
