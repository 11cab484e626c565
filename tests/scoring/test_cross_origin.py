"""A browser's page of another site may call only where a setting says so."""

from __future__ import annotations

import pytest

ROW = [0.0] * 784
SITE = "https://pages.example"
ASKED = {"origin": SITE, "access-control-request-method": "POST"}


@pytest.fixture(scope="module")
def shared(start_for_module):
    """A service that one site may call."""
    return start_for_module(
        SCORING_CORS_ORIGINS=f"https://other.example, {SITE}",
        SCORING_KEY="k" * 24,
        SCORING_LOG_REQUESTS="false",
    )


def test_nothing_is_said_of_origins_by_default(server):
    answer = server.score({"data": [ROW]}, origin=SITE)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert server.client.options("/score", headers=ASKED).status_code == 405


def test_a_browser_that_asks_is_told_what_it_may_send(shared):
    for path in ("/score", "/v2/models/sklearn_mnist/infer"):
        answer = shared.client.options(path, headers=ASKED)  # without a key, as browsers ask
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == SITE
        assert answer.headers["access-control-allow-methods"] == "POST"
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert answer.headers["vary"] == "origin"


def test_answers_and_refusals_can_be_read_by_that_site(shared):
    key = {"authorization": f"Bearer {'k' * 24}"}
    for headers, status in ((key, 200), ({}, 401)):
        answer = shared.score({"data": [ROW]}, origin=SITE, **headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == SITE
        assert "x-model-sha256" in answer.headers["access-control-expose-headers"]


def test_another_site_is_not_named(shared):
    answer = shared.client.options("/score", headers={**ASKED, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "origin"


def test_every_site_may_where_the_setting_says_so(start):
    server = start(SCORING_CORS_ORIGINS="*")
    answer = server.score({"data": [ROW]}, origin="https://any.example")
    assert answer.headers["access-control-allow-origin"] == "*"
