"""Shares: of each parameter in the learning rate, where parameters of one role differ in it."""

import jax
import jax.numpy as jnp
import numpy as np

from arch.model import Model
from sweeps.training.joined import Form
from sweeps.training.optimizers import OPTIMIZERS

KNOBS = {'layer_decay': 1.0}


def layers_of(model: Model, params: dict) -> dict:
    """How many layers stand above every parameter. Raises ValueError where that is not known."""
    if model.above is None:
        raise ValueError(
            "'layer_decay' of a model of your own, whose layers are not known; allowed: none, leave layer_decay out"
        )
    return model.above(params)


def decays(form: Form, layer_decay: object) -> dict[str, jax.Array] | None:
    """layer_decay ** (layers above) of what is stored, by its name; None where no study names it. 0 trains the head alone.

    So it is done from ELECTRA (2003.10555) and BEiT (2106.08254) on, where a model starts from trained weights.
    """
    if not form.above:
        return None
    return {name: jnp.float32(layer_decay) ** above for name, above in form.filled(form.above).items()}


def shares(optimizer: str, form: Form) -> dict[str, np.ndarray] | None:
    """The share of what is stored in the learning rate by its name; None where it is all of it.

    In muP (2203.03466) it follows from how much larger a parameter is than in the base model, and from the optimizer. Raises
    ValueError for an optimizer without such a rule.
    """
    if not form.growth:
        return None
    rule = OPTIMIZERS[optimizer].GROWN
    if rule is None:
        ruled = sorted(kind for kind, cls in OPTIMIZERS.items() if cls.GROWN is not None)
        raise ValueError(
            f"initial 'mup' has no rule for the rates of optimizer '{optimizer}'; allowed: {ruled}; tune one of "
            "these, or swap('initial', 'lecun_normal')"
        )
    return form.filled([rule(growth) for growth in form.growth])
