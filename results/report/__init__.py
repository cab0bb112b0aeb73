"""Report: one self-contained page about a study."""
