"""What clients ask before they send."""

from __future__ import annotations

from tests.web.door import KEY, PAGE, Door
from volano.settings import Settings


def test_the_settings_of_a_project_point_segments_client_at_us() -> None:
    answer = Door().request("GET", f"/v1/projects/{KEY}/settings", headers={"Origin": PAGE})
    ours = {"apiKey": KEY, "apiHost": "volano.example/v1", "protocol": "http"}
    assert answer.json() == {"integrations": {"Segment.io": ours}, "metrics": {"sampleRate": 0}}
    assert Door().request("GET", "/v1/projects/wrong/settings").status_code == 404


def test_behind_tls_the_settings_of_a_project_say_https() -> None:
    answer = Door(settings=Settings(secure_cookies=True)).request("GET", f"/v1/projects/{KEY}/settings")
    assert answer.json()["integrations"]["Segment.io"]["protocol"] == "https"


def test_the_source_config_is_what_rudderstacks_client_needs() -> None:
    answer = Door().request("GET", f"/sourceConfig/?p=npm&writeKey={KEY}")
    source = answer.json()["source"]
    assert (source["id"], source["enabled"], source["destinations"]) == ("web", True, [])
    assert Door().request("GET", "/sourceConfig").status_code == 401
