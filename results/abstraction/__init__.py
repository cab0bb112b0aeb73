"""Abstraction: what models of data need beside the best coder made for these data, over the size of the data."""
