"""Exports: the runs of a study for the trackers that users look at already. A new one is a class and a row here."""

from ablations.config import closest
from results.exports.mlflow_store import MlflowTracker
from results.exports.tensorboard_files import TensorBoardTracker
from results.exports.tracker import Tracker
from results.exports.wandb_files import WandbTracker

TRACKERS: dict[str, type[Tracker]] = {'mlflow': MlflowTracker, 'tensorboard': TensorBoardTracker, 'wandb': WandbTracker}


def tracker_of(kind: str) -> type[Tracker]:
    """The class of a tracker by name; raises ValueError on an unknown one.

    >>> tracker_of('wandb').__name__
    'WandbTracker'
    """
    if kind not in TRACKERS:
        raise ValueError(f"--to '{kind}'; allowed: {list(TRACKERS)}.{closest(kind, TRACKERS)}")
    return TRACKERS[kind]
