"""Datasets: where examples come from. The formats they are published in, the catalog of known sets, the prepared form."""
