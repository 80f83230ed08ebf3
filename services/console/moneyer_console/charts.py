"""Charts drawn on the server as SVG, each with a title, a description, and the same figures as text.

Intervals on a scale, a bar of what is held and spent: two shapes of three to six lines each. No library is used for
them: those of the field (matplotlib, Vega, Plotly) bring a megabyte of drawing, fonts or a script for what is a handful
of rectangles, and write ``style`` attributes, which the pages' Content-Security-Policy refuses. Colours come from the
stylesheet by class, so that charts follow light, dark and print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 240, 20, 4
ROOM_ABOVE = 1.05


@dataclass(frozen=True)
class Interval:
    """An estimate between its bounds, and the limit its criterion sets, if there is one."""

    label: str
    value: float
    lower: float
    upper: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def in_words(self) -> str:
        asked = [f"at most {self.at_most:g}"] if self.at_most is not None else []
        asked += [f"at least {self.at_least:g}"] if self.at_least is not None else []
        limit = f"; asked for is {' and '.join(asked)}" if asked else ""
        return f"{self.value:.4g}, 95 % interval {self.lower:.4g} to {self.upper:.4g}{limit}"


def interval_chart(drawn: Interval) -> Markup:
    """An interval on a scale from 0 to 1, or as far as it or its limit reach; the side that is refused is hatched."""
    limits = [limit for limit in (drawn.at_most, drawn.at_least) if limit is not None]
    ends = [drawn.value, drawn.lower, drawn.upper, *limits]
    low, high = min(0.0, *ends), max(1.0, *ends) * (ROOM_ABOVE if max(ends) > 1 else 1)
    scale = _Scale(low, high)
    parts = [f'<rect class="c-ground" x="0" y="6" width="{WIDTH}" height="8" rx="2"/>']
    parts += _refused(drawn, scale)
    left, right = scale.at(drawn.lower), scale.at(drawn.upper)
    parts.append(
        f'<rect class="c-interval" x="{left}" y="6" width="{max(2.0, round(right - left, 1))}" height="8" rx="2"/>'
    )
    parts += [f'<rect class="c-limit" x="{scale.at(limit) - 0.75}" y="1" width="1.5" height="18"/>' for limit in limits]
    parts.append(f'<circle class="c-value" cx="{scale.at(drawn.value)}" cy="10" r="3.5"/>')
    return _figure(drawn.label, drawn.in_words, parts)


def share_chart(label: str, shares: Sequence[tuple[str, float]]) -> Markup:
    """A bar from nothing to the whole, cut into named shares; what is left is the ground."""
    parts, start = [f'<rect class="c-ground" x="0" y="6" width="{WIDTH}" height="8" rx="2"/>'], 0.0
    for number, (_, share) in enumerate(shares):
        width = round(max(0.0, min(share, 1 - start)) * WIDTH, 1)
        parts.append(f'<rect class="c-share-{number}" x="{round(start * WIDTH, 1)}" y="6" width="{width}" height="8"/>')
        start += max(0.0, share)
    return _figure(label, "; ".join(f"{name} {100 * share:.1f} %" for name, share in shares), parts)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def at(self, number: float) -> float:
        inner = WIDTH - 2 * MARGIN
        return round(MARGIN + inner * (number - self.low) / (self.high - self.low), 1)


def _refused(drawn: Interval, scale: _Scale) -> list[str]:
    parts: list[str] = []
    if drawn.at_most is not None:
        start = scale.at(drawn.at_most)
        parts.append(f'<rect class="c-refused" x="{start}" y="6" width="{round(WIDTH - start, 1)}" height="8"/>')
    if drawn.at_least is not None:
        parts.append(f'<rect class="c-refused" x="0" y="6" width="{scale.at(drawn.at_least)}" height="8"/>')
    return parts


def _figure(title: str, description: str, parts: Sequence[str]) -> Markup:
    head = Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{title}: {words}">'
        "<title>{title}: {words}</title><desc>{words}</desc>"
    ).format(w=WIDTH, h=HEIGHT, title=title, words=description)
    return head + Markup("".join(parts)) + Markup("</svg>")  # noqa: S704 - numbers and names of classes alone


def as_float(told: object) -> float | None:
    return None if told is None else float(Decimal(str(told)))
