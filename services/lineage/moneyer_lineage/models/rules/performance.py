"""Whether what governance decides shows in how models do: ranks, medians, and a chart of them."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from statistics import NormalDist, StatisticsError, correlation, median

FEWEST = 4
CONFIDENCE = 0.95
WIDTH, HEIGHT, MARGIN = 640, 400, 56
COLOURS = ("#1b6ca8", "#c8553d", "#4f7942", "#8e6c8a", "#b8860b", "#444444")


@dataclass(frozen=True)
class Point:
    """A figure of a model version, beside an asset it was trained on; no ε where no budget was spent."""

    model: str
    version: str
    asset_id: str
    generator: str | None
    guarantee: str | None
    epsilon: float | None
    value: float


@dataclass(frozen=True)
class Association:
    """Spearman's rank correlation with a 95 % interval; both None where points are too few or all alike."""

    n: int
    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Side:
    """The middle of the figures of those alike in generator and guarantee."""

    generator: str | None
    guarantee: str | None
    n: int
    median: float


def with_epsilon(points: Sequence[Point]) -> Association:
    """How figures go with ε.

    The interval is Fisher's transformation with the variance 1.06 / (n - 3) (Fieller, Hartley & Pearson 1957).
    """
    paid = [(one.epsilon, one.value) for one in points if one.epsilon is not None]
    n = len(paid)
    nothing = Association(n, None, None, None)
    if n < FEWEST:
        return nothing
    try:
        rho = correlation(*(_ranks(numbers) for numbers in zip(*paid, strict=True)))
    except StatisticsError:
        return nothing
    if abs(rho) == 1:
        return Association(n, rho, None, None)
    z, half = math.atanh(rho), NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(1.06 / (n - 3))
    return Association(n, rho, math.tanh(z - half), math.tanh(z + half))


def _ranks(numbers: Sequence[float]) -> list[float]:
    """Each number's place among all; those alike share the middle of their places."""
    ordered = sorted(numbers)
    return [(bisect_left(ordered, one) + bisect_right(ordered, one) - 1) / 2 for one in numbers]


def sides(points: Sequence[Point]) -> list[Side]:
    ordered = sorted(points, key=_kind)
    return [
        Side(found[0].generator, found[0].guarantee, len(found), median(one.value for one in found))
        for found in (list(group) for _, group in groupby(ordered, key=_kind))
    ]


def _kind(point: Point) -> tuple[str, str]:
    return point.generator or "", point.guarantee or ""


# --- the chart -------------------------------------------------------------------------------


def chart(points: Sequence[Point], *, metric: str) -> str:
    """An SVG: ε on a logarithmic axis, the figure upwards, one colour a generator; without ε on the right edge."""
    spread = _Scale.of([one.value for one in points] or [0.0, 1.0])
    paid = _Scale.of([math.log10(one.epsilon) for one in points if one.epsilon] or [-1.0, 1.0])
    names = sorted({one.generator or "unknown" for one in points})
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    parts = [*_axes(metric, spread, paid), *_legend(colours)]
    for one in points:
        across = paid.place(math.log10(one.epsilon)) * 0.86 if one.epsilon else 0.95
        x, y = MARGIN + across * (WIDTH - 2 * MARGIN), _up(spread.place(one.value))
        title = escape(f"{one.model}@{one.version}: {one.value:g}, asset {one.asset_id}")
        colour = colours[one.generator or "unknown"]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"><title>{title}</title></circle>')
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    return f'{frame} font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "_Scale":
        low, high = min(numbers), max(numbers)
        around = (high - low) * 0.1 or 0.5
        return cls(low - around, high + around)

    def place(self, number: float) -> float:
        return (number - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        return [self.low + (self.high - self.low) * step / 4 for step in range(5)]


def _up(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _axes(metric: str, spread: _Scale, paid: _Scale) -> list[str]:
    bottom, right = HEIGHT - MARGIN, WIDTH - MARGIN
    parts = [
        f'<path d="M{MARGIN} {MARGIN}V{bottom}H{right}" fill="none" stroke="#333"/>',
        f'<text x="{MARGIN}" y="{MARGIN - 14}">{escape(metric)}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">ε (logarithmic); right: none spent</text>',
    ]
    for tick in spread.ticks():
        y = _up(spread.place(tick))
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.3g}</text>')
    for tick in paid.ticks():
        x = MARGIN + paid.place(tick) * 0.86 * (WIDTH - 2 * MARGIN)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10**tick:.2g}</text>')
    return parts


def _legend(colours: dict[str, str]) -> list[str]:
    return [
        f'<text x="{WIDTH - MARGIN}" y="{18 + 14 * place}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        for place, (name, colour) in enumerate(colours.items())
    ]
