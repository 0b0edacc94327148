"""The `okr` command: one module per noun."""
