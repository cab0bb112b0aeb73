"""Made: small sets that the lab makes by a rule, or cuts from Python's own sources, in the form of prepared sets.

They need no preparation, and each is for one form of target: values, labels, maps and classes of texts.
"""

from sweeps.tasks.made.adding import ADDING
from sweeps.tasks.made.friedman import FRIEDMAN
from sweeps.tasks.made.identifiers import IDENTIFIERS
from sweeps.tasks.made.image_collections import IMAGE_COLLECTIONS
from sweeps.tasks.made.library_packages import PACKAGE_PIECES
from sweeps.tasks.made.made_set import MadeSet
from sweeps.tasks.made.shape_images import SHAPE_LABELS, SHAPES
from sweeps.tasks.made.syntax import SYNTAX
from sweeps.tasks.made.writers import MADE_WRITERS

_ALL = (FRIEDMAN, ADDING, SHAPES, SHAPE_LABELS, SYNTAX, IDENTIFIERS, IMAGE_COLLECTIONS, PACKAGE_PIECES, MADE_WRITERS)
MADE: dict[str, MadeSet] = {one.name: one for one in _ALL}
"""Name of a set, as a data spec gives it as `dataset` -> the set. A prepared set of such a name is not read."""
