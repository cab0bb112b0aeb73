"""Audit: the statistics of the lab on means and deviations that somebody published."""
