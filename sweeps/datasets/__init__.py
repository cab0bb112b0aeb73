"""Datasets: formats in which others publish examples, the catalog of known sets, and the prepared form that tasks read."""
