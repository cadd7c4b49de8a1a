"""Posting to servers of others: none of ours is reached, by whatever spelling or trick."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.receiver import receiving
from volano.adapters.addresses import public
from volano.adapters.outside_http import HttpOutside, Limits
from volano.errors import BadInput, Unreachable

SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.1.2.3",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "LocalHost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "127.0.0.1.nip.test",
    "mixed.test",
)
NAMES = {"127.0.0.1.nip.test": ["127.0.0.1"], "mixed.test": ["::ffff:127.0.0.1", "::1", "127.0.0.1"]}
OWN = "127.0.0.2"  # an address of this machine that a test lets be reached


def resolve(host: str, port: int) -> list[str]:
    """As the system does, with some names of our own."""
    if host in NAMES:
        return NAMES[host]
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@contextmanager
def listening(
    answer: Callable[[socket.socket], None] | None = None, host: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """A server on every address of this machine, or on one: its port, and who has come."""
    family = socket.AF_INET if host else socket.AF_INET6
    came: list[str] = []
    with socket.socket(family) as server:
        if not host:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((host or "::", 0))
        server.listen()

        def accept() -> None:
            while True:
                try:
                    peer, address = server.accept()
                except OSError:
                    return
                came.append(address[0])
                with peer:
                    if answer is not None:
                        answer(peer)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def ours() -> Iterator[tuple[int, list[str]]]:
    """A server of this machine that nobody may reach."""
    with listening() as found:
        yield found


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", SPELLINGS)
def test_this_machine_is_not_reached_by_any_spelling(
    scheme: str, host: str, ours: tuple[int, list[str]]
) -> None:
    port, came = ours
    before = len(came)
    with pytest.raises((Unreachable, BadInput)):
        HttpOutside(resolve=resolve).post(f"{scheme}://{host}:{port}/", {}, b"{}")
    assert len(came) == before


def test_a_client_that_does_not_look_reaches_it_by_many_of_them() -> None:
    def answer(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with listening(answer) as (port, came), httpx.Client(trust_env=False, timeout=5) as client:
        for host in SPELLINGS[:6]:
            client.get(f"http://{host}:{port}/")
        assert len(came) >= 5


@pytest.mark.parametrize(
    "address",
    "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 100.100.100.200 169.254.169.254 168.63.129.16 192.0.0.192 "
    "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 240.0.0.1 255.255.255.255 0.0.0.0 "
    ":: ::1 ::7f00:1 ::ffff:8.8.8.8 ::ffff:0:808:808 64:ff9b::808:808 64:ff9b:1::808:808 100::1 2001::1 "
    "2001:2::1 2001:db8::1 2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 "
    "ff02::1".split(),
)
def test_an_address_that_is_no_ones_on_the_open_internet_is_refused(address: str) -> None:
    assert not public(ip_address(address))
    with pytest.raises(Unreachable, match="VOLANO_HOOK_NETWORKS"):
        HttpOutside(resolve=lambda *_: [address]).post("https://a.test/", {}, b"")


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "2a00:1450:4001::8"])
def test_an_address_of_the_open_internet_is_not_refused(address: str) -> None:
    assert public(ip_address(address))


def test_a_name_that_stands_for_something_else_the_second_time_is_asked_once() -> None:
    answers = [[OWN], ["127.0.0.1"]]
    with receiving(host=OWN) as theirs, receiving(port=theirs.port) as ours:
        outside = HttpOutside(f"{OWN}/32", resolve=lambda *_: answers.pop(0))
        assert outside.post(f"http://rebinds.test:{theirs.port}/", {}, b"1").status == 204
        assert (len(answers), len(theirs.got), ours.got) == (1, 1, [])


def test_of_several_addresses_only_those_that_may_be_reached_are_tried() -> None:
    with receiving(host=OWN) as theirs, receiving(port=theirs.port) as ours:
        outside = HttpOutside(f"{OWN}/32", resolve=lambda *_: ["127.0.0.1", "::1", OWN])
        outside.post(f"http://several.test:{theirs.port}/", {}, b"1")
        assert (len(theirs.got), ours.got) == (1, [])


def test_a_host_that_the_owner_names_is_reached_without_encryption_and_no_other() -> None:
    with receiving() as receiver:
        outside = HttpOutside("CRM.test other", resolve=lambda *_: ["127.0.0.1"])
        answer = outside.post(f"http://crm.test.:{receiver.port}/hook?a=1", {"x-told": "yes"}, b"{}")
        assert answer.ok
        with pytest.raises(Unreachable, match="without encryption"):
            outside.post(f"http://crm.test.evil.test:{receiver.port}/", {}, b"{}")
        (got,) = receiver.got
        assert (got.path, got.headers["x-told"], got.body) == ("/hook?a=1", "yes", b"{}")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiving() as ours, receiving((302, {"Location": ours.url}), host=OWN) as theirs:
        assert HttpOutside(f"{OWN}").post(theirs.url, {}, b"{}").status == 302
        assert ours.got == []


def test_cookies_are_not_kept_and_proxies_of_the_environment_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving((204, {"Set-Cookie": "a=b"})) as receiver:
        outside = HttpOutside("127.0.0.1")
        for _ in range(2):
            outside.post(receiver.url, {}, b"{}")
        assert [got.headers.get("cookie") for got in receiver.got] == [None, None]


def test_an_endless_answer_is_read_up_to_a_limit() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                peer.sendall(b"x" * 65536)
        except OSError:
            pass

    with listening(answer, OWN) as (port, _):
        answer_ = HttpOutside(OWN).post(f"http://{OWN}:{port}/", {}, b"{}")
        assert (answer_.status, len(answer_.body)) == (200, 2000)


@pytest.mark.parametrize("drips", [b"", b"HTTP/1.1 200 OK\r\nx-y: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_who_answers_by_drops_is_given_up_as_a_whole(drips: bytes) -> None:
    gone = threading.Event()

    def answer(peer: socket.socket) -> None:
        peer.sendall(drips)
        try:
            while not gone.wait(0.01):
                peer.sendall(b"x" if drips else b"")
        except OSError:
            pass

    with listening(answer, OWN) as (port, _):
        with pytest.raises(Unreachable, match="took too long"):
            HttpOutside(OWN, limits=Limits(whole=0.3)).post(f"http://{OWN}:{port}/", {}, b"{}")
        gone.set()


def test_a_resolver_that_says_nothing_is_given_up() -> None:
    never = threading.Event()

    def silent(*_: object) -> list[str]:
        never.wait(60)
        return []

    outside = HttpOutside(resolve=silent, limits=Limits(connect=0.05))
    with pytest.raises(Unreachable, match="took too long"):
        outside.post("https://slow.test/", {}, b"{}")
    never.set()


def test_a_server_that_is_not_there_is_said_so() -> None:
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 cannot be reached"):
        HttpOutside("127.0.0.1").post(url, {}, b"{}")
    with pytest.raises(Unreachable, match="no name that anybody knows"):
        HttpOutside().post(f"https://{'a' * 70}.test/", {}, b"{}")


def test_the_certificate_must_be_good_for_the_name(tmp_path: Path) -> None:
    server, trust = certified(tmp_path, "hook.test")
    with receiving(host=OWN, tls=server) as receiver:
        outside = HttpOutside(OWN, resolve=lambda *_: [OWN], trust=trust)
        assert outside.post(f"https://hook.test:{receiver.port}/", {}, b"{}").status == 204
        with pytest.raises(Unreachable, match="certificate"):
            outside.post(f"https://other.test:{receiver.port}/", {}, b"{}")
        with pytest.raises(Unreachable, match="certificate"):
            HttpOutside(OWN, resolve=lambda *_: [OWN]).post(f"https://hook.test:{receiver.port}/", {}, b"{}")
        assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example/", "not encrypted"),
        ("ftp://crm.example/", "no address of a web server"),
        ("crm.example", "no address of a web server"),
        ("https://", "no address of a web server"),
        ("https://ann:secret@crm.example/", "leave them out"),
        ("https://127.0.0.1/", "VOLANO_HOOK_NETWORKS"),
        ("https://[::ffff:10.0.0.1]/", "VOLANO_HOOK_NETWORKS"),
        ("https://127.1/", "VOLANO_HOOK_NETWORKS"),
        ("https://0x7f000001/", "VOLANO_HOOK_NETWORKS"),
        (f"https://crm.example/{'x' * 2000}", "may have 2,000"),
        ("https://crm.example:99999/", "from 1 to 65535"),
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused_in_a_sentence(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        HttpOutside().check(url)


def test_what_the_owner_names_may_be_given_without_encryption() -> None:
    outside = HttpOutside("crm.internal, 10.0.0.0/8")
    assert outside.check(" http://crm.internal:8080/hook#top ") == "http://crm.internal:8080/hook"
    assert outside.check("http://10.1.2.3/") == "http://10.1.2.3/"
    assert outside.check("https://crm.example/a?b=c") == "https://crm.example/a?b=c"
    with pytest.raises(BadInput, match="VOLANO_HOOK_NETWORKS has 'a/b'"):
        HttpOutside("a/b")


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for a name: how its server speaks, and who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now().astimezone()
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))
