"""Accelerator: what one GPU or TPU does with the lab's programs, in one command of at most eight minutes.

Each part is a process of its own with a limit of its own, and writes what it has measured after each measurement: what is cut
off keeps what it has. `python -m benchmarks.accelerator --out FOLDER` runs them in the order of their worth. Nothing is
fetched. Sizes that a processor does in minutes: `--tiny`.
"""
