"""Protocol: from a study and its records to the trials that come next. Pure functions; no jax."""
