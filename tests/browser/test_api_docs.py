"""The API's documentation under our content security policy."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer


@pytest.mark.django_db(transaction=True)
def test_the_documentation_lists_the_endpoints(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/v1/docs/")
    expect(page.get_by_role("button", name="GET /api/v1/visits").first).to_be_visible()
    page.get_by_role("button", name="GET /api/v1/visits").first.click()
    expect(page.get_by_text("A trial's code.")).to_be_visible()
    ours = (live_server.url, "data:", "blob:")
    assert [address for address in asked if not address.startswith(ours)] == []
    assert complaints == []
