"""Figures as a table."""

from typing import Any


def lines(figures: dict[str, Any], path: str = "") -> list[tuple[str, str]]:
    """The figures, flat."""
    found = []
    for key, value in figures.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            found += lines(value, f"{name}.")
        else:
            found.append((name, f"{value:.3f}" if isinstance(value, float) else str(value)))
    return found
