"""Sweeps: how a study is run, from plan to pack, training and record."""
