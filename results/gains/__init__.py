"""Gains: what searches claimed to have gained, and what of it fresh seeds confirm."""
