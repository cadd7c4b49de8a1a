"""The OpenAPI document holds what is served, and what it describes is never answered with a 5xx."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

from tests.web.door import KEY, Door, basic
from tests.web.known import BOB, ann
from tests.web.program import program
from volano.domain.durations import SECOND
from volano.testing.caps_memory import MemoryCaps
from volano.testing.profiles_memory import MemoryProfiles
from volano.web import openapi_api, openapi_events
from volano.web.api.calls import CALLS, is_api
from volano.web.asgi import Receive, Scope, Send
from volano.web.decisions import decisions_app, is_decision
from volano.web.formats.known import FORMATS
from volano.web.intake import is_intake
from volano.web.openapi import described

DOCUMENT = described()


CRM = program(ann())
KNOWN = {"person_id": str(BOB), "key": "new"}


class Whole(Door):
    """A house in memory that takes events and decides; programs ask another one."""

    profiles = MemoryProfiles()
    caps = MemoryCaps()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        CRM.clock.now += SECOND  # no request comes too soon after another
        app = decisions_app(self) if is_decision(scope["path"]) else self.app
        await (CRM.app if is_api(scope["path"]) else app)(scope, receive, send)


SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", Whole())


def test_the_document_is_served_as_it_is_made() -> None:
    answer = Door().request("GET", "/openapi.json")
    assert (answer.status_code, answer.json()) == (200, DOCUMENT)
    assert Door().request("POST", "/openapi.json").status_code == 405
    assert DOCUMENT["openapi"] == "3.1.0"


def test_every_path_in_the_document_is_served_and_every_path_served_is_in_it() -> None:
    told = set(DOCUMENT["paths"])
    for path in told:
        there = path.replace("{key}", KEY)
        assert is_intake(there) or is_decision(there) or is_api(there), path
    assert {path for form in FORMATS for path in form.calls} <= told
    assert {call.path for call in CALLS} == {path for path in told if is_api(path)}


def test_no_name_of_the_document_means_two_things() -> None:
    others = {"Error", "Refused", "Taken", "Question", "Live", *openapi_events.schemas()}
    assert not others & openapi_api.schemas().keys()
    assert others | openapi_api.schemas().keys() == DOCUMENT["components"]["schemas"].keys()


def test_every_reference_in_the_document_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in DOCUMENT["components"]["schemas"]
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            for option in operation.get("security", []):
                assert option.keys() <= DOCUMENT["components"]["securitySchemes"].keys()


@pytest.mark.parametrize(
    "path",
    ["/v1/batch", "/v1/track", "/batch", "/com.snowplowanalytics.snowplow/tp2"],
)
def test_a_good_share_of_the_events_that_fit_the_document_is_kept(path: str) -> None:
    kept: list[int] = []
    told: list[int] = []

    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SCHEMA[path]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def send(case: Any) -> None:
        if case.media_type != "application/json":
            return
        door = Door()
        answer = door.post(json.dumps(case.body).encode(), path)
        assert answer.status_code == 200, answer.text
        refused = {one["code"] for one in answer.json().get("quarantined", [])}
        assert refused <= {"too_old", "in_the_future", "illegal_id", "no_id"}
        kept.append(len(door.events()))
        told.append(len(door.events()) + len(answer.json().get("quarantined", [])))

    send()
    assert sum(kept) > sum(told) / 4
    assert sum(told) >= 5


def documented(path: str, method: str) -> set[str]:
    """The statuses an operation may answer with; one that is not there: 405, or 200 for a preflight."""
    operations = DOCUMENT["paths"][path]
    operation = operations.get("get" if method == "head" else method)
    missing = "200" if method == "options" and not is_api(path) else "405"
    return set(operation["responses"]) if operation else {missing}


@SCHEMA.include(path_regex="^/api/").parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_programs_are_told_of_those_who_are_there_is_as_it_says(case: Any) -> None:
    case.path_parameters = {name: KNOWN[name] for name in case.path_parameters}
    answer = case.call(headers=basic(CRM.secret))
    assert str(answer.status_code) in documented(case.path, case.method.lower()), answer.text
    if answer.status_code == 200:
        case.validate_response(answer, checks=[response_schema_conformance])


@SCHEMA.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_fits_the_document_is_answered_as_it_says(case: Any) -> None:
    key = CRM.secret if is_api(case.path) else KEY
    answer = case.call(headers=basic(key) if len(str(case.body)) % 4 else {})
    assert answer.status_code < 500, answer.text
    assert str(answer.status_code) in documented(case.path, case.method.lower()), answer.text
