"""What was found: records -> evidence -> tables, figures, report. Imports ablations only; no jax, no flax, no arch."""
