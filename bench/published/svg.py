"""Plots as small SVG files: bars in groups, and lines; nothing in them changes but the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
LEFT = 210  # Where bars begin.
RIGHT = 130  # What stands behind the longest of them.
ROW = 20
TITLE = 44
GROUP = 30
PLOT_HEIGHT = 300

# Both themes: GitHub shows a file by the reader's own.
STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}
.soft{fill:#59636e}.page{fill:#fff}.other{fill:#8c959f}.ours{fill:#0969da}
.range{stroke:#1f2328}.axis{stroke:#d1d9e0}.line{fill:none;stroke-width:2;stroke:#8c959f}
.line.ours{stroke:#0969da;fill:none}.dashed{stroke-dasharray:6 4}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.soft{fill:#9198a1}.page{fill:#0d1117}
.other{fill:#656c76}.ours{fill:#4493f8}.range{stroke:#f0f6fc}.axis{stroke:#3d444d}
.line.ours{stroke:#4493f8}}
</style>"""


@dataclass(frozen=True)
class Bar:
    """One figure, with its lowest and highest."""

    label: str
    value: float
    lowest: float
    highest: float
    text: str
    is_ours: bool


@dataclass(frozen=True)
class Group:
    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Line:
    """One figure over another."""

    label: str
    points: Sequence[tuple[float, float]]
    is_ours: bool


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def document(title: str, height: float, parts: Sequence[str]) -> str:
    """Put the parts on a page with a title, which is also what a screen reader reads."""
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    name = f'role="img" aria-label="{escape(title)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name}>'
    page = '<rect class="page" width="100%" height="100%"/>'
    return "\n".join([head, STYLE, page, text(12, 26, title, ' class="title"'), *parts, "</svg>\n"])


def bar_parts(bar: Bar, y: float, scale: float) -> list[str]:
    kind = "ours" if bar.is_ours else "other"
    low, high = LEFT + bar.lowest * scale, LEFT + bar.highest * scale
    middle = y + ROW / 2 - 1
    return [
        text(LEFT - 8, y + 14, bar.label, ' text-anchor="end"'),
        f'<rect class="{kind}" x="{LEFT}" y="{y + 2:.0f}" width="{max(1, bar.value * scale):.1f}"'
        f' height="{ROW - 6}"/>',
        f'<line class="range" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>',
        text(max(high, LEFT) + 8, y + 14, bar.text),
    ]


def bars(title: str, groups: Sequence[Group]) -> str:
    """Horizontal bars; each group has a scale of its own, and its figures in words."""
    y: float = TITLE
    parts: list[str] = []
    for group in groups:
        parts.append(text(12, y + 16, group.title, ' class="soft"'))
        y += GROUP - 6
        longest = max(bar.highest for bar in group.bars) or 1
        for bar in group.bars:
            parts += bar_parts(bar, y, (WIDTH - LEFT - RIGHT) / longest)
            y += ROW
        y += 8
    return document(title, y + 6, parts)


def spaced(heights: Sequence[float]) -> list[float]:
    """Move labels down until none lies over another; the order stays."""
    placed: dict[int, float] = {}
    last = float("-inf")
    for index in sorted(range(len(heights)), key=heights.__getitem__):
        last = placed[index] = max(heights[index], last + 16)
    return [placed[index] for index in range(len(heights))]


def lines(title: str, below: str, series: Sequence[Line]) -> str:
    """Lines from zero, each named at its end."""
    left, right, bottom = 60, WIDTH - RIGHT, TITLE + PLOT_HEIGHT
    most_x = max(x for line in series for x, _ in line.points) or 1
    most_y = max(y for line in series for _, y in line.points) * 1.1 or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / most_x * (right - left), bottom - y / most_y * PLOT_HEIGHT

    parts = []
    for part in range(5):
        _, y = place(0, most_y * part / 4)
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(left - 8, y + 4, f"{most_y * part / 4:.0f}", ' text-anchor="end"'))
    for x, _ in series[0].points:
        parts.append(text(place(x, 0)[0], bottom + 18, f"{x:.0f}", ' text-anchor="middle"'))
    parts.append(text((left + right) / 2, bottom + 38, below, ' class="soft" text-anchor="middle"'))
    ends = spaced([place(*line.points[-1])[1] for line in series])
    for number, (line, end) in enumerate(zip(series, ends, strict=True)):
        kind = "line ours" if line.is_ours else "line dashed" if number % 2 else "line"
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line.points))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
        parts.append(text(right + 8, end + 4, line.label))
    return document(title, bottom + 50, parts)
