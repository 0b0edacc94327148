"""The rules of the monitor, pure: what was read comes in as values, what follows goes out as values."""
