"""Models: what they are made of, what they cost, and how to match them."""
