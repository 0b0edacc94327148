"""The only modules that speak to okr_raw."""
