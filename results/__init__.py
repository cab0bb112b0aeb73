"""Results: from records to evidence, tables, figures and the report. Imports ablations only; no jax, no flax, no arch."""
