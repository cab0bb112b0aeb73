"""`python -m archlab` is the command `archlab`."""

from archlab import command

# Worker processes that are spawned import this file again under another name.
if __name__ == '__main__':
    command()
