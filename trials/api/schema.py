"""How the schema documents what every address can refuse."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from trials.api.errors import PROBLEM, Problem

READING = (400, 401, 403, 404, 406, 429)
WRITING = (409, 412, 413, 415, 422, 428)


class ProblemSchema(AutoSchema):
    """Documents the one form of an error for every status that an address can answer with."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction=direction)
        statuses = READING if self.method == "GET" else (*READING, *WRITING)
        for status in map(str, (*statuses, *getattr(self.view, "more_statuses", ()))):
            if direction == "response" and status not in found:
                found[status] = self._get_response_for_code(Problem, status, media_types=[PROBLEM])
        return dict(sorted(found.items()))
