"""Pages leave compressed for browsers that accept it; what shows a secret, and machine answers, do not."""

import gzip

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client

from config.compression import PageCompressionMiddleware

pytestmark = pytest.mark.django_db


def test_a_page_leaves_compressed_and_says_the_same(page: Client) -> None:
    plain = page.get("/flags/")
    packed = page.get("/flags/", headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    assert b"</html>" in gzip.decompress(packed.content)


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse("x" * 500, headers={"Cache-Control": "no-store"}),
        JsonResponse({"rows": ["x" * 500]}),
    ],
    ids=["shows a secret", "for a machine"],
)
def test_what_shows_a_secret_or_answers_a_machine_leaves_as_it_is(answer: HttpResponse) -> None:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    assert not PageCompressionMiddleware(lambda _: answer)(request).has_header("Content-Encoding")
