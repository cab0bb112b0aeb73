"""Models: their parts, their costs, and how to match their sizes."""
