"""Settings of jax: those that a shell may hold for other work, and by which the numbers of a run would depend on that shell.

Half of a study with other random numbers would look like all the rest: no record says so.
"""

import os

import jax

SETTINGS = {
    'jax_default_prng_impl': 'threefry2x32',
    'jax_threefry_partitionable': True,
    'jax_random_seed_offset': 0,
    'jax_enable_x64': False,
    'jax_default_matmul_precision': None,
    'jax_disable_jit': False,
    'jax_softmax_custom_jvp': False,
    'jax_debug_nans': False,
    'jax_debug_infs': False,
    'jax_numpy_dtype_promotion': 'standard',
    'jax_numpy_rank_promotion': 'allow',
}
"""What they are in every run. With those that look for errors, a run that diverges would count as one that failed."""


def own_settings() -> list[str]:
    """Set what the environment says otherwise; gives the variables that count for nothing. What a program sets stays."""
    given = [name for name in SETTINGS if name.upper() in os.environ and name in jax.config.values]
    for name in given:
        jax.config.update(name, SETTINGS[name])
    return [name.upper() for name in given]
