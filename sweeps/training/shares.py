"""Shares: of each parameter in the learning rate, where parameters of one role differ in it."""

from collections.abc import Collection, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ablations.schedules import FIRST_SCALE, NAMED, SCALES
from arch.model import Model
from sweeps.training.joined import Form
from sweeps.training.optimizers import OPTIMIZERS

KNOBS = {'layer_decay': 1.0}


def check_shares(optimizer: str, model: Model, knobs: Collection[str]) -> None:
    """Raise ValueError where an optimizer or a model knows no shares, and a study asks for some."""
    cls = OPTIMIZERS[optimizer]
    if 'layer_decay' in knobs and (model.above is None or cls.MOVES):
        why = f"optimizer '{optimizer}' is" if cls.MOVES else 'a model of your own is'
        raise ValueError(f"'layer_decay': {why} without layers that could have rates of their own; leave layer_decay out")
    if model.growth is not None and isinstance(cls.GROWN, str):
        ruled = sorted(kind for kind, other in OPTIMIZERS.items() if not isinstance(other.GROWN, str))
        raise ValueError(
            f"initial 'mup' has no rule for the rates of optimizer '{optimizer}': {cls.GROWN}; allowed: {ruled}; tune one of "
            "these, or swap('initial', 'lecun_normal')"
        )


def decays(form: Form, layer_decay: object) -> dict[str, jax.Array] | None:
    """layer_decay ** (layers above) of what is stored, by its name; None where no study names it. 0 trains the head alone.

    So it is done from ELECTRA (2003.10555) and BEiT (2106.08254) on, where a model starts from trained weights.
    """
    if not form.above:
        return None
    return {name: jnp.float32(layer_decay) ** above for name, above in form.filled(form.above).items()}


def shares(optimizer: str, form: Form, knobs: Mapping[str, object]) -> Mapping[str, np.ndarray | jax.Array] | None:
    """The share of what is stored in the learning rate by its name; None where it is all of it.

    In muP (2203.03466) it follows from how much larger a parameter is than in the base model, and from the optimizer; in Muon
    also from the scale of its steps of matrices.
    """
    if not form.growth:
        return None
    rule, roles = OPTIMIZERS[optimizer].GROWN, {place: role for place, role, _ in form.alone}

    def by(scale: str) -> dict[str, np.ndarray]:
        return form.filled([rule(growth, roles.get(place, 'vector'), scale) for place, growth in enumerate(form.growth)])

    scale = knobs.get('matrix_scale')
    if scale is None:
        return by('')
    if isinstance(scale, float):
        return by(NAMED['matrix_scale'][int(scale)])
    each = [by(name) for name in SCALES]
    return {name: jnp.stack([own[name] for own in each])[jnp.asarray(scale, jnp.int32) - FIRST_SCALE] for name in each[0]}
