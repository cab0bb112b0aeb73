"""Formats: one file of plain reading functions for each format in which others publish data.

A reader takes a path (or bytes) and gives arrays, texts or examples one after the other. It writes nothing and executes
nothing. For damaged, incomplete or foreign files it raises ValueError with the file and the place in it. Readers of many
examples take a list `skipped`: they leave out damaged examples and append a line about each. Without the list a damaged example
is an error.
"""
