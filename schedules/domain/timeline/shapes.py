"""What a participant's timeline is drawn from, and the shapes that it is drawn with.

All lengths are in the drawing's own units, from its top left corner. Nothing here knows colours,
languages or SVG.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from schedules.domain.plan.visit_windows import VisitWindow

MARGIN = 6.0
TEXT = 11.0
BANDS_TOP = 32.0
BAND_HEIGHT = 18.0
BAR_HEIGHT = 11.0
PIN = 6.0
LABEL_TO_PIN = 3.0


@dataclass(frozen=True, slots=True)
class VisitFact:
    """A visit as the timeline shows it: `mark` is its short name, such as D28, `title` all of it.

    `pinned` is whether it has a single due day; a range has none.
    """

    code: str
    mark: str
    title: str
    window: VisitWindow
    status: str
    assumed: bool = False
    performed_on: date | None = None
    pinned: bool = True
    booked_on: date | None = None


@dataclass(frozen=True, slots=True)
class WindowFact:
    """A protocol window as the timeline shows it; an end not known is None."""

    code: str
    label: str
    title: str
    first: date | None
    last: date | None
    assumed: bool = False
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class EpochFact:
    """A period of the trial and the days of its visits; `index` is its place in the protocol."""

    label: str
    first: date
    last: date
    index: int


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

    @property
    def middle(self) -> float:
        """The middle of the band, where its label stands."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Shade:
    """A run of days without clinic."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A named day on the axis; `number` is its label counted from day zero."""

    x: float
    label_x: float
    day: date
    number: str
    zero: bool = False


@dataclass(frozen=True, slots=True)
class VisitShape:
    """A visit's window as a bar, with its target as a pin that stands above the bar and hides none of it."""

    fact: VisitFact
    x: float
    width: float
    top: float
    pin_x: float
    label_x: float
    performed_x: float | None
    booked_x: float | None = None

    @property
    def label_y(self) -> float:
        """The base line of the label, the first thing from the top."""
        return self.top + TEXT

    @property
    def pin_y(self) -> float:
        """The upper edge of the pin, under the label."""
        return self.label_y + LABEL_TO_PIN

    @property
    def y(self) -> float:
        """The upper edge of the bar, where the pin's point ends."""
        return self.pin_y + PIN

    @property
    def extent(self) -> tuple[float, float]:
        """From the leftmost to the rightmost of all that is drawn of the visit."""
        half = (text_width(self.fact.mark) + 4) / 2
        places = [self.x, self.x + self.width, self.label_x - half, self.label_x + half]
        places += [] if self.performed_x is None else [self.performed_x - PIN, self.performed_x + PIN]
        return min(places), max(places)

    @property
    def middle(self) -> float:
        """The height of the bar's middle line."""
        return self.y + BAR_HEIGHT / 2

    @property
    def outside(self) -> bool:
        """Whether the visit took place on a day outside its window."""
        return self.performed_x is not None and not self.x <= self.performed_x <= self.x + self.width

    @property
    def nearest(self) -> float:
        """The end of the bar that is nearest to the day of the visit."""
        return self.x if self.performed_x is not None and self.performed_x < self.x else self.x + self.width

    @property
    def pin(self) -> str:
        """The corners of the pin, whose point touches the bar, as SVG writes them."""
        x, y = self.pin_x, self.pin_y
        return f"{x - PIN / 2 - 0.5:.1f},{y:.1f} {x + PIN / 2 + 0.5:.1f},{y:.1f} {x:.1f},{y + PIN:.1f}"


@dataclass(frozen=True, slots=True)
class LaneShape:
    """A protocol window as a thin bar under its label; open where it goes on beyond the drawing."""

    fact: WindowFact
    label: str
    x: float
    width: float
    y: float
    label_x: float
    label_y: float
    at_end: bool
    opens_left: bool
    opens_right: bool

    @property
    def right(self) -> float:
        """Where the bar ends."""
        return self.x + self.width


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
    def plot_height(self) -> float:
        """From below the epochs to the end of the lanes."""
        return self.plot_bottom - BANDS_TOP - BAND_HEIGHT

    @property
    def foot(self) -> float:
        """The base line of the words under the lanes."""
        return self.plot_bottom + TEXT + 3

    @property
    def today_label_x(self) -> float | None:
        """Where the label of the line of today stands, kept inside the drawing."""
        return None if self.today_x is None else inside(self.today_x, 44, self.width)


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text is drawn; a Chinese character is as wide as it is high."""
    return sum(size if ord(letter) > 0x2E7F else size * 0.6 for letter in text)  # noqa: PLR2004


def fitted(text: str, width: float) -> str:
    """The text, cut at its end where it is wider than there is room."""
    if text_width(text) <= width:
        return text
    while text and text_width(text) + TEXT > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def inside(x: float, wide: float, width: float) -> float:
    """The middle of a text of this width, moved so that the text stays inside the drawing."""
    return min(max(x, MARGIN + wide / 2), width - MARGIN - wide / 2)
