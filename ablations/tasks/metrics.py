"""Metrics: the better direction of each known metric, its natural range, and whether it is printed in percent.

A metric that is not in the table has no natural range and is printed in its task's unit.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric: `direction` is the better one, `low` and `high` are the ends of its natural range.

    `share`: whether it is printed in percent. `own`: whether it has the unit of the target, and so any size.
    """

    direction: str
    low: float = -math.inf
    high: float = math.inf
    share: bool = False
    own: bool = False


_SHARE = Metric('higher', 0.0, 1.0, share=True)
_ERROR = Metric('lower', 0.0, own=True)
METRICS = {
    **dict.fromkeys(('accuracy', 'top5_accuracy', 'balanced_accuracy', 'macro_f1', 'auroc', 'mean_iou'), _SHARE),
    **dict.fromkeys(('mae', 'rmse'), _ERROR),
    'r2': Metric('higher', high=1.0),
    **dict.fromkeys(('loss', 'bits'), Metric('lower', 0.0)),
}
UNKNOWN = Metric('higher')


def metric(name: str) -> Metric:
    """What is known of a metric; a metric of another name has no range and no percent.

    >>> metric('auroc').share, metric('rmse').low, metric('words').high
    (True, 0.0, inf)
    """
    return METRICS.get(name, UNKNOWN)


def is_share(name: str) -> bool:
    """Whether a metric is printed in percent, and its differences in points."""
    return metric(name).share
