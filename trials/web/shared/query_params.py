"""What the address of a page asks for: answered as it was asked, or refused in words.

A parameter that is passed over, or of which only the last value counts, answers another question than
the one that was asked, and the export of it says that it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from trials.domain.errors import Refused

Args = ParamSpec("Args")
View = Callable[Concatenate[HttpRequest, Args], HttpResponseBase]
NOT_UNDERSTOOD = 400
ZERO = "\0"
PLACE = ("page", "after")
"""The place in a list, which every list has."""


class QueryRefused(Refused):
    """The address of a page asks for something in a way that cannot be answered; the message says why."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__({name: [words]})


class OneValueEach(QueryDict):
    """The parameters of an address, of which each that is read as one value was given once.

    Django answers with the last of several. What takes several values asks for them by `getlist`.
    """

    @classmethod
    def of(cls, asked: QueryDict) -> OneValueEach:
        """Make it of Django's own."""
        one = cls("", mutable=True, encoding=asked.encoding)
        for name, values in asked.lists():
            one.setlist(name, values)
        one._mutable = False
        return one

    def __getitem__(self, name: str) -> Any:
        """Read the value of a parameter; raises QueryRefused where several were given."""
        given = self.getlist(name)
        if len(given) > 1:
            words = _("The address gives “%(name)s” %(count)d times (%(values)s). Give it once.")
            shown = {"name": name, "count": len(given), "values": _(", ").join(map(str, given))}
            raise QueryRefused(name, words % shown)
        return super().__getitem__(name)


class QueryMiddleware:
    """Reads each parameter once, and says in words what of an address cannot be answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.GET = cast(Any, OneValueEach.of(request.GET))
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_arguments: Any
    ) -> HttpResponse | None:
        """Let no zero byte reach a page, which PostgreSQL takes in no text: not every field is one of a form.

        What is looked for holds none, so nothing is found; what is typed is refused. The API says so itself.
        """
        if getattr(view, "csrf_exempt", False):
            return None
        if _holds_zero(request.GET):
            found = request.GET.copy()
            for name, texts in request.GET.lists():
                found.setlist(name, [str(text).replace(ZERO, "\ufffd") for text in texts])
            request.GET = cast(Any, OneValueEach.of(found))
        if request.method != "POST" or not _holds_zero(request.POST):
            return None
        words = _("A text holds a character that cannot be kept (U+0000). Nothing was saved.")
        return render(request, "400.html", {"words": words}, status=NOT_UNDERSTOOD)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page that says so, or nothing for any other error."""
        if not isinstance(exception, QueryRefused):
            return None
        request.GET = cast(Any, OneValueEach(""))
        return render(request, "400.html", {"words": str(exception)}, status=NOT_UNDERSTOOD)


def _holds_zero(asked: QueryDict) -> bool:
    return any(ZERO in str(text) for _name, texts in asked.lists() for text in texts)


def query_params(*names: str, several: Collection[str] = ()) -> Callable[[View[Args]], View[Args]]:
    """Let a page have these parameters besides its place in the list, and refuse all others.

    `several` are those that are given once for each of their values.
    """

    def with_names(view: View[Args]) -> View[Args]:
        @wraps(view)
        def checked(request: HttpRequest, /, *args: Args.args, **kwargs: Args.kwargs) -> HttpResponseBase:
            _refuse_unknown(request, {*names, *PLACE}, several)
            return view(request, *args, **kwargs)

        vars(checked)["query_params"] = names
        return checked

    return with_names


def _refuse_unknown(request: HttpRequest, once: Collection[str], several: Collection[str]) -> None:
    names = {*once, *several}
    for name in request.GET:
        if name not in names:
            words = _("This page has no filter “%(name)s”. It has: %(names)s.")
            possible = _(", ").join(sorted(names - {*PLACE})) or _("none")
            raise QueryRefused(name, words % {"name": name, "names": possible})
        if name in once:
            request.GET.get(name)
    page = str(request.GET.get("page", "")).strip()
    if page and not (page.isascii() and page.isdigit()):
        words = _("“%(value)s” is no number for “%(name)s”.")
        raise QueryRefused("page", words % {"value": page, "name": "page"})


def choice_in(request: HttpRequest, name: str, choices: Collection[str]) -> str:
    """Read one of these choices from an address; empty where it asks for none; raises QueryRefused."""
    value = str(request.GET.get(name, "")).strip()
    if value and value not in choices:
        words = _("“%(value)s” is no choice for “%(name)s”. Possible: %(choices)s.")
        shown = {"value": value, "name": name, "choices": _(", ").join(choices) or _("none")}
        raise QueryRefused(name, words % shown)
    return value


def is_set(request: HttpRequest, name: str) -> bool:
    """Whether an address sets this switch, with 1; raises QueryRefused for any other value."""
    return choice_in(request, name, ("1",)) == "1"
