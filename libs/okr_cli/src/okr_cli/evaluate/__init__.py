"""`okr models evaluate`: how good a model's answers were, once it was known how things ended."""
