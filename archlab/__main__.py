"""`python -m archlab` is the command `archlab`."""

import sys

from archlab import main

# Worker processes that are spawned import this file again under another name.
if __name__ == '__main__':
    sys.exit(main())
