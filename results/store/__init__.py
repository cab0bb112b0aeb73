"""Store: records on disk, read whole or queried, and the caches beside them."""
