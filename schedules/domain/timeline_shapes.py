"""What a participant's timeline is drawn from, and the shapes that it is drawn with.

All lengths are in the drawing's own units, from its top left corner. Nothing here knows colours,
languages or SVG.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from schedules.domain.windows import VisitWindow

MARGIN = 6.0
TEXT = 11.0
BANDS_TOP = 32.0
BAND_HEIGHT = 18.0
PIN = 6.0


@dataclass(frozen=True, slots=True)
class VisitFact:
    """A visit as the timeline shows it: `mark` is its short name, such as D28, `title` all of it."""

    code: str
    mark: str
    title: str
    window: VisitWindow
    status: str
    assumed: bool = False
    performed_on: date | None = None


@dataclass(frozen=True, slots=True)
class WindowFact:
    """A protocol window as the timeline shows it; an end not known is None."""

    code: str
    label: str
    title: str
    first: date | None
    last: date | None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class EpochFact:
    """A period of the trial and the days of its visits; periods in the order of the protocol."""

    label: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """All that is drawn; `closed` tells days without clinic, `day_label` names a day number."""

    today: date
    zero: date | None
    visits: tuple[VisitFact, ...]
    windows: tuple[WindowFact, ...]
    epochs: tuple[EpochFact, ...]
    closed: Callable[[date], bool]
    day_label: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Band:
    """An epoch; `shown` is whether its label has room, `index` its place in the protocol."""

    x: float
    width: float
    label: str
    index: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Shade:
    """A run of days without clinic."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A named day on the axis; `number` is its label counted from day zero."""

    x: float
    day: date
    number: str
    zero: bool = False


@dataclass(frozen=True, slots=True)
class VisitShape:
    """A visit's window as a bar, with its target as a pin that stands above the bar and hides none of it."""

    fact: VisitFact
    x: float
    width: float
    y: float
    pin_x: float
    pin_y: float
    label_x: float
    label_y: float
    performed_x: float | None

    @property
    def pin(self) -> str:
        """The corners of the pin, whose point touches the bar, as SVG writes them."""
        x, y = self.pin_x, self.pin_y
        return f"{x - PIN / 2 - 0.5:.1f},{y:.1f} {x + PIN / 2 + 0.5:.1f},{y:.1f} {x:.1f},{y + PIN:.1f}"


@dataclass(frozen=True, slots=True)
class LaneShape:
    """A protocol window as a thin bar under its label; open where it goes on beyond the drawing."""

    fact: WindowFact
    x: float
    width: float
    y: float
    label_x: float
    label_y: float
    at_end: bool
    opens_left: bool
    opens_right: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing, from left to right in days and from top to bottom in parts."""

    width: float
    height: float
    plot_bottom: float
    bands: tuple[Band, ...]
    shades: tuple[Shade, ...]
    ticks: tuple[Tick, ...]
    visits: tuple[VisitShape, ...]
    lanes: tuple[LaneShape, ...]
    breaks: tuple[float, ...]
    today_x: float | None
    head: Shade | None = None

    @property
    def bands_middle(self) -> float:
        """The base line of the epochs' labels."""
        return BANDS_TOP + BAND_HEIGHT - 5

    @property
    def today_label_x(self) -> float | None:
        """Where the label of the line of today stands, kept inside the drawing."""
        return None if self.today_x is None else inside(self.today_x, 44, self.width)


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text is drawn; a Chinese character is as wide as it is high."""
    return sum(size if ord(letter) > 0x2E7F else size * 0.57 for letter in text)  # noqa: PLR2004


def inside(x: float, wide: float, width: float) -> float:
    """The middle of a text of this width, moved so that the text stays inside the drawing."""
    return min(max(x, MARGIN + wide / 2), width - MARGIN - wide / 2)
