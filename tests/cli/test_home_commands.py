"""Commands as people run them: in a process of their own, with one sentence when something is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def volano(*words: str, home: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    place = [] if home is None else ["--home", str(home)]
    ran = subprocess.run(
        [sys.executable, "-m", "volano", *words, *place],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran


def said(*words: str, home: Path) -> Any:
    return json.loads(volano(*words, "--json", home=home).stdout)


def orders(tmp_path: Path) -> Path:
    file = tmp_path / "orders.csv"
    file.write_text("customer,date,total\n1,2026-01-02,10.50\n2,2026-01-03,20\n1,2026-02-01,5.25\n")
    return file


def test_a_backup_restores_to_the_same_home(tmp_path: Path) -> None:
    home, again = tmp_path / "home", tmp_path / "again"
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    journey = ["journey", "--steps", "Order Completed,Order Completed", "--within", "60d"]
    before = said(*journey, home=home)
    assert before["steps"][0]["people"] == 2
    said("backup", str(tmp_path / "all.tar.gz"), home=home)
    said("restore", str(tmp_path / "all.tar.gz"), home=again)
    assert said(*journey, home=again) == before
    assert said("import", str(orders(tmp_path)), "--as", "orders", home=again)["accepted"] == 0


def test_a_backup_never_overwrites_and_a_restore_never_mixes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    volano("backup", str(tmp_path / "all.tar.gz"), home=home)
    assert "is there already" in volano("backup", str(tmp_path / "all.tar.gz"), home=home, code=2).stderr
    assert "is not empty" in volano("restore", str(tmp_path / "all.tar.gz"), home=home, code=2).stderr
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    no = volano("restore", str(tmp_path / "no.tar.gz"), home=tmp_path / "new", code=2).stderr
    assert "no.tar.gz" in no
    assert not (tmp_path / "new").exists()


def test_the_doctor_finds_nothing_wrong_with_a_new_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    found = {finding["what"]: finding["state"] for finding in said("doctor", home=home)}
    assert found["home"] == found["contents"] == found["clock"] == "good"
    assert {"versions", "disk", "fdatasync", "port"} <= set(found)


def test_the_doctor_names_a_damaged_lake_and_the_mend(tmp_path: Path) -> None:
    home = tmp_path / "home"
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    next((home / "lake" / "events").rglob("*.parquet")).unlink()
    ran = volano("doctor", "--json", home=home, code=2)
    bad = [finding for finding in json.loads(ran.stdout) if finding["state"] == "bad"]
    assert bad
    assert "restore" in bad[0]["mend"]


def test_a_forgotten_password_is_replaced(tmp_path: Path) -> None:
    made = said("password", "--generate", home=tmp_path / "home")
    assert len(made["password"]) >= 10


def test_a_taken_port_and_a_second_server_are_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        no = volano("serve", "--port", port, home=tmp_path / "home", code=2).stderr
        assert f"port {port}" in no
        assert "--port" in no
    import fcntl

    (tmp_path / "home").mkdir(exist_ok=True)
    with (tmp_path / "home" / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        assert "4711" in volano("serve", "--port", "0", home=tmp_path / "home", code=2).stderr


@pytest.mark.parametrize(
    "words",
    [
        ["journey", "--steps", "one"],
        ["journey", "--steps", "a,b", "--within", "soon"],
        ["journey", "--steps", "a,b"],
        ["launch", "no-such-idea"],
        ["import", "no-such-file.csv", "--as", "orders"],
        ["demo", "--no-serve", "--truth", "maybe"],
        ["nonsense"],
    ],
)
def test_bad_words_end_with_exit_code_2_and_one_sentence(words: list[str], tmp_path: Path) -> None:
    ran = volano(*words, home=tmp_path / "home", code=2)
    assert ran.stdout == ""
    assert ran.stderr.strip()


def test_help_shows_examples() -> None:
    assert "Example" in volano("import", "--help").stdout
    assert "journey" in volano("--help").stdout


def test_a_demo_never_wipes_what_a_person_brought_into_its_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    small = ["demo", "--people", "200", "--days", "4", "--no-serve", "--json"]
    volano(*small, home=home)
    volano(*small, home=home)
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    assert "orders.csv" in volano(*small, home=home, code=2).stderr


def test_leaks_of_a_journey_nobody_set_out_on_are_no_all_clear(tmp_path: Path) -> None:
    home = tmp_path / "home"
    volano("import", str(orders(tmp_path)), "--as", "orders", home=home)
    assert "--steps" in volano("leaks", home=home, code=2).stderr


def test_looking_at_a_mistyped_home_makes_none(tmp_path: Path) -> None:
    assert "holds no Volano data" in volano("journey", home=tmp_path / "typo", code=2).stderr
    assert not (tmp_path / "typo").exists()
