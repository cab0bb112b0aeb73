"""Sophia (2305.14342): steps by the curvature of the loss, which is measured now and then."""

from collections.abc import Mapping

import optax
from optax import contrib

from sweeps.training.elementwise import SHARED, Elementwise


class Sophia(Elementwise):
    """Sophia-H (2305.14342): the momentum over the diagonal of the Hessian, no number of it above 1. Weight decay is decoupled.

    The step is clip(m / max(`curvature_share` h, eps), 1). Each `refresh_steps` steps Hutchinson's estimate r * (H r) of the
    batch enters h, with r of random signs, the same for all runs. Lanes that run together make it at every step.
    """

    KNOBS = {'lr': None, 'b1': 0.965, 'b2': 0.99, 'eps': 1e-8, 'curvature_share': 0.01, 'refresh_steps': 10.0, **SHARED}
    TOLD = ('obj_fn',)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformationExtraArgs:
        sophia = contrib.sophia(
            1.0,
            b1=knobs['b1'],
            b2=knobs['b2'],
            eps=knobs['eps'],
            weight_decay=0.0,
            gamma=knobs['curvature_share'],
            update_interval=knobs['refresh_steps'],
        )
        return optax.chain(sophia, optax.scale(-1.0))
