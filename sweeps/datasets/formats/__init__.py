"""Formats: one file for each format in which others publish data, plain functions that only read.

A reader takes a path (or bytes) and gives arrays, texts or examples one after the other. It writes nothing and executes
nothing. What is damaged, incomplete or of another format is a ValueError that names the file and, inside it, the place.
Readers of many examples take `skipped`, a list: a damaged example is then appended to it, as a line that says what was wrong,
and left out; without the list it is an error.
"""
