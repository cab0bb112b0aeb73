"""Metrics: from statistics of single examples to a score that is no mean of single scores, with its standard error.

A measure takes the statistics of the scored examples, `[n, S]`, and gives one number for each set of weights of the examples.
So all that is said of it comes from one function of the weights: the score has weights of one, the standard error those of the
bootstrap, and what an example adds to the score is the derivative by its weight. No jax here: float64 and numpy.
"""
