"""Sensitivity: how much an arm loses over the range of learning rates (Wortsman et al., 2309.14322)."""

import numpy as np


def lr_sensitivity(losses: np.ndarray, initial: np.ndarray) -> float | None:
    """Mean of min(loss, loss at initialisation) over trials spread evenly in log learning rate, less the best loss.

    Diverged trials count with their loss at initialisation. Nats; 0 is an arm that any rate of the range serves. None
    without trials.
    """
    if len(losses) == 0:
        return None
    capped = np.minimum(np.where(np.isfinite(losses), losses, np.inf), initial)
    return float(capped.mean() - capped.min())
