"""Claims: what studies conclude, as data: gathered from runs folders and bundles, compared, written down, asked again."""
