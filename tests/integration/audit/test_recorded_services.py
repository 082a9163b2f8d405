"""A service that misspells who acts is refused when its module is imported."""

from __future__ import annotations

import pytest

from trials.audit.acts import recorded


def test_a_recorded_service_that_misspells_who_acts_cannot_be_defined() -> None:
    def rename(*, user: object, reason: str = "") -> None: ...

    def rename_by_place(by: object) -> None: ...

    def rename_for_a_reason_by_place(reason: str, *, by: object) -> None: ...

    for service in (rename, rename_by_place, rename_for_a_reason_by_place):
        with pytest.raises(TypeError, match="is recorded and takes"):
            recorded(service)
