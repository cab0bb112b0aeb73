"""Training: one pack of trials, from its arrays to its records."""
