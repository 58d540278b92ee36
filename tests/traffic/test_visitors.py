"""In which form a client is told of a failure: with DEBUG why, without it nothing of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.traffic.stage import EVERY, Stage, Stages, on
from tests.traffic.test_failures import BROWSER, NO_DEBUG, is_failure


@pytest.mark.parametrize("kind", EVERY)
def test_visitor_gets_the_projects_own_page_or_json(
    stages: Stages, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "502.html").write_text("<h1>Back soon {café}</h1>{{ request }}", "utf-8")
    backend = "django.template.backends.django.DjangoTemplates"
    templates = json.dumps({"TEMPLATES": [{"BACKEND": backend, "DIRS": [str(tmp_path)]}]})
    environment = {**NO_DEBUG, "TEST_SETTINGS": templates}
    stage = stages.get(kind, {"FRONTEND": "http://127.0.0.1:1"}, environment)
    stage.begin()
    answer = stage.get("/some/page", BROWSER)
    assert (answer.status, answer.body.decode()) == (502, "<h1>Back soon {café}</h1>")
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    stage.await_log("http://127.0.0.1:1")
    for accept in ("application/json", "text/html;q=0.5, application/json;q=0.6, */*"):
        answer = stage.get("/data", f"Accept: {accept}")
        assert (answer.status, answer.get("Content-Type")) == (502, "application/json")
        assert json.loads(answer.body) == {
            "detail": "Bad Gateway. The site cannot answer at the moment; please try again later."
        }
    both = stage.get("/data", "Accept: application/json, text/html")
    assert both.get("Content-Type") == "text/html; charset=utf-8"
    for accept in ("*/*", "text/html;q=0"):
        assert is_failure(stage.get("/script", f"Accept: {accept}"), 502, "Bad Gateway.")
    stage.finish()


@on(*EVERY, settings={"FRONTEND": "http://127.0.0.1:1"})
def test_client_that_names_json_gets_the_sentence_as_json_in_debug(stage: Stage) -> None:
    answer = stage.get("/data", "Accept: application/json, text/plain, */*")
    assert (answer.status, answer.get("Content-Type")) == (502, "application/json")
    assert "http://127.0.0.1:1 cannot be reached" in json.loads(answer.body)["detail"]
    assert answer.all("Cache-Control") == ["no-store"]


@on("runserver", "fastpath", "gthread", TEST_ALLOWED_HOSTS='["localhost"]')
def test_refused_host_is_named_in_the_line_and_in_the_log(stage: Stage) -> None:
    answer = stage.get("/x", host="evil.example")
    assert is_failure(answer, 400, "ALLOWED_HOSTS", "evil.example")
    stage.await_log("evil.example")
