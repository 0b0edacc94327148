"""Pictures of lines, bands and dots, as SVG that stands in a page by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 64
Point = tuple[float, float]
Tick = tuple[float, str]


@dataclass
class Chart:
    """One picture. `across` and `up`: lowest and highest value of each axis; marks are drawn in the order of calls."""

    across: Point
    up: Point
    x_title: str
    y_title: str
    _marks: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    def line(self, points: Sequence[Point], colour: str, name: str = "", dash: str = "") -> None:
        """Joins the points; a name stands in the legend."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._marks.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        if name:
            self._legend.append((colour, name, dash))

    def dot(self, at: Point, colour: str, radius: float = 4.0, told: str = "") -> None:
        """A point; `told` is shown where the pointer rests on it."""
        x, y = self._x(at[0]), self._y(at[1])
        self._marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}"><title>{escape(told)}</title></circle>'
        )

    def band(self, left: float, right: float, low: float, high: float, colour: str) -> None:
        """A rectangle that others are drawn upon."""
        x, y = self._x(left), self._y(high)
        self._marks.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{self._x(right) - x:.1f}" height="{self._y(low) - y:.1f}" '
            f'fill="{colour}" fill-opacity="0.25"/>'
        )

    def svg(self, x_ticks: Sequence[Tick] | None = None) -> str:
        """The picture, with axes and legend."""
        inside = [self._grid(x_ticks or ticks(*self.across)), *self._marks, self._titles(), self._keys()]
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.y_title)} by '
            f'{escape(self.x_title)}" xmlns="http://www.w3.org/2000/svg">{"".join(inside)}</svg>'
        )

    def _x(self, value: float) -> float:
        low, high = self.across
        return LEFT + (value - low) / ((high - low) or 1.0) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self.up
        return HEIGHT - BOTTOM - (min(max(value, low), high) - low) / ((high - low) or 1.0) * (HEIGHT - TOP - BOTTOM)

    def _grid(self, x_ticks: Sequence[Tick]) -> str:
        made = []
        for value, label in ticks(*self.up):
            y = self._y(value)
            made.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            made.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        for value, label in x_ticks:
            made.append(
                f'<text x="{self._x(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>'
            )
        return "".join(made)

    def _titles(self) -> str:
        middle, height = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
        return (
            f'<text x="{middle}" y="{HEIGHT - BOTTOM + 34}" text-anchor="middle">{escape(self.x_title)}</text>'
            f'<text transform="translate(14 {height}) rotate(-90)" text-anchor="middle">{escape(self.y_title)}</text>'
        )

    def _keys(self) -> str:
        made, x, y = [], float(LEFT), HEIGHT - 10
        for colour, name, dash in self._legend:
            made.append(
                f'<line x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3" '
                f'stroke-dasharray="{dash}"/><text x="{x + 27}" y="{y}">{escape(name)}</text>'
            )
            x += 44 + 6.2 * len(name)
        return "".join(made)


def ticks(low: float, high: float) -> list[Tick]:
    """About five round values from low to high, with their labels.

    >>> ticks(0.0, 1.0)
    [(0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1')]
    >>> [label for _, label in ticks(1, 1200)]
    ['200', '400', '600', '800', '1000', '1200']
    """
    if high <= low:
        return [(low, f"{low:g}")]
    rough = (high - low) / 6.0
    power: float = 10.0 ** floor(log10(rough))
    step = next(one * power for one in (1.0, 2.0, 5.0, 10.0) if one * power >= rough * 0.999)
    first = ceil(low / step - 1e-9)
    values = [round(number * step, 10) for number in range(first, floor(high / step + 1e-9) + 1)]
    return [(value, f"{value:g}") for value in values]
