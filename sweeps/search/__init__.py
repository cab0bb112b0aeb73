"""Search: where in a space the next trials lie. Points are unit coordinates in [0, 1)."""
