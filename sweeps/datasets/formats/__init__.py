"""Formats: one file for each format in which others publish data, plain functions that only read.

A reader takes a path (or bytes) and gives arrays, texts or examples one after the other. It writes nothing and executes
nothing. Damaged, incomplete or foreign files raise ValueError, which names the file and the place in it. Readers of many
examples take a list `skipped`: they leave damaged examples out and append a line about each. Without the list a damaged
example is an error.
"""
