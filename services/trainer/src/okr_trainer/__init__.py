"""A model that learns from every outcome how likely each open key result is to be reached, and says why."""
