"""Store: records on disk, read whole or queried, and what is remembered beside them."""
