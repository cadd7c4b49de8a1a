"""What goes wrong with a server is told in one sentence that names it, and never with a password."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.valkey_server import Server, a_server
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.adapters.valkey_report import looked_at
from volano.adapters.valkey_room import ValkeyRoom
from volano.domain.change import Change, Packed
from volano.domain.profile import Profile
from volano.domain.view import Offset
from volano.errors import BadInput, BrokenHome
from volano.settings import Settings

SECRET = "s3cr,et"
MOST = ("+@all", "-@admin", "-@dangerous", "+info")
FIRST = (1, Profile(person_id=1, orders=3))


def test_a_server_that_is_not_there_is_named_with_the_mend(tmp_path: Path) -> None:
    room = ValkeyRoom(f"valkey://shop:{SECRET}@127.0.0.1:1/3", "home")
    profiles = ValkeyProfiles(room, tmp_path)
    for act in (
        lambda: profiles.get(Profile, 1),
        lambda: list(profiles.scan(Profile)),
        lambda: profiles.put(Change(puts=(FIRST,))),
        lambda: profiles.offset("j0"),
        lambda: profiles.turn().__enter__(),
    ):
        with pytest.raises(BrokenHome) as raised:
            act()
        assert raised.value.message == (
            "the live profiles at valkey://127.0.0.1:1/3 cannot be reached (Connection refused): "
            "start that server, or name another in VOLANO_PROFILES"
        )


@pytest.mark.parametrize(
    "address",
    [
        f"http://:{SECRET}@host/0",
        f"redis://:{SECRET}#x@host/0",
        f"redis://:{SECRET}/x@host/0",
        f"redis://:12/{SECRET}@host/0",
        f"redis://host/{SECRET}",
        f"redis://host/0?{SECRET}=1",
        f"{SECRET}@host",
    ],
)
def test_what_is_no_address_is_refused_without_being_told(address: str) -> None:
    with pytest.raises(BadInput) as raised:
        ValkeyRoom(address, "home")
    assert SECRET not in str(raised.value)
    assert "VOLANO_PROFILES is no address" in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_settings_do_not_tell_the_password_when_they_are_shown() -> None:
    assert SECRET not in repr(Settings(profiles=f"redis://:{SECRET}@host/0"))


def test_a_password_lets_in_and_a_wrong_one_is_told_without_it(tmp_path: Path) -> None:
    with a_server(password=SECRET) as server:
        host = f"127.0.0.1:{server.port}/0"
        profiles = ValkeyProfiles(ValkeyRoom(f"redis://:{SECRET}@{host}", "home"), tmp_path)
        profiles.put(Change(puts=(FIRST,)))
        assert profiles.get(Profile, 1) == FIRST[1]
        for address in (f"redis://:{SECRET}x@{host}", f"redis://{host}"):
            with pytest.raises(BrokenHome, match=f"redis://{host} does not let us in") as raised:
                ValkeyProfiles(ValkeyRoom(address, "home"), tmp_path).get(Profile, 1)
            assert SECRET not in str(raised.value)


def test_a_full_server_keeps_nothing_of_a_change(tmp_path: Path) -> None:
    with a_server() as server:
        profiles = ValkeyProfiles(server.room(), tmp_path)
        profiles.put(Change(puts=(FIRST,), upto=Offset("j0", 1)))
        server.ask("CONFIG", "SET", "maxmemory", "1mb")
        large = Packed.of(Profile, ((one, Profile(person_id=one, source="x" * 99)) for one in range(20_000)))
        for heap in (large, large.between(0, 5_000)):
            for upto in (Offset("j0", 2), None):
                with pytest.raises(BrokenHome, match="no memory left: raise its maxmemory"):
                    profiles.put(Change(packed=(heap,), afresh=(Profile,), upto=upto))
        assert (list(profiles.scan(Profile)), profiles.offset("j0")) == ([FIRST], 1)


def test_a_server_that_drops_what_it_likes_is_not_used(tmp_path: Path) -> None:
    with a_server("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        with pytest.raises(BrokenHome, match=r"maxmemory-policy allkeys-lru.*set that to noeviction"):
            ValkeyProfiles(server.room(), tmp_path).get(Profile, 1)
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        assert ValkeyProfiles(server.room(), tmp_path).get(Profile, 1) is None


def test_a_replica_is_told_from_its_primary(valkey: Server, tmp_path: Path) -> None:
    with (
        a_server("--replicaof", "127.0.0.1", "1") as server,
        pytest.raises(BrokenHome, match="name its primary"),
    ):
        ValkeyProfiles(server.room(), tmp_path).put(Change(puts=(FIRST,)))


def test_what_is_no_such_server_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            asked, _ = listener.accept()
            with asked:
                asked.recv(1 << 16)
                asked.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        room = ValkeyRoom(f"valkey://127.0.0.1:{listener.getsockname()[1]}", "home")
        with pytest.raises(BrokenHome, match="is no Valkey and no Redis server: look at VOLANO_PROFILES"):
            ValkeyProfiles(room, tmp_path).get(Profile, 1)


def test_a_change_that_a_script_has_begun_counts_as_lost_if_it_is_not_ended(tmp_path: Path) -> None:
    with a_server() as server:
        profiles = ValkeyProfiles(server.room(), tmp_path)
        profiles.put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
        server.ask("ACL", "SETUSER", "shop", "on", ">pw", "~volano:*", "+@all", "-zadd")
        room = ValkeyRoom(server.address.replace("//", "//shop:pw@"), "home")
        with pytest.raises(BrokenHome, match="has no permissions to run the 'zadd'"):
            ValkeyProfiles(room, tmp_path).put(Change(puts=((2, Profile(person_id=2)),)))
        assert profiles.offset("j0") == -1


def test_a_server_is_found_again_after_it_was_away(tmp_path: Path) -> None:
    with a_server("--appendonly", "yes") as server:
        profiles = ValkeyProfiles(server.room(), tmp_path)
        profiles.put(Change(puts=(FIRST,)))
        server.kill()
        with pytest.raises(BrokenHome, match="cannot be reached"):
            profiles.get(Profile, 1)
        server.start()
        assert profiles.get(Profile, 1) == FIRST[1]
        profiles.put(Change(puts=((2, Profile(person_id=2)),)))
        assert [key for key, _ in profiles.scan(Profile)] == [1, 2]


@pytest.mark.parametrize("log", ["yes", "no"])
def test_what_is_dropped_and_wiped_is_in_no_file_of_the_server(tmp_path: Path, log: str) -> None:
    with a_server("--appendonly", log, "--rdbcompression", "no", "--save", "3600 1") as server:
        profiles = ValkeyProfiles(server.room(), tmp_path)
        known = [(one, Profile(person_id=one, given={"name": (1, f"Unlikely {one}.")})) for one in range(50)]
        profiles.put(Change(puts=tuple(known)))
        server.ask("SAVE")

        def told() -> bytes:
            return b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())

        assert b"Unlikely 7." in told()
        profiles.put(Change(drops=((Profile, 7),), wiped=True))
        assert b"Unlikely 7." not in told()
        assert b"Unlikely 8." in told()


def test_a_server_that_may_not_be_wiped_forgets_all_the_same_and_the_doctor_says_so(tmp_path: Path) -> None:
    with a_server("--appendonly", "yes") as server:
        server.ask("ACL", "SETUSER", "shop", "on", ">pw", "~volano:*", *MOST)
        room = ValkeyRoom(server.address.replace("//", "//shop:pw@"), "home")
        profiles = ValkeyProfiles(room, tmp_path)
        profiles.put(Change(puts=(FIRST,)))
        profiles.put(Change(drops=((Profile, 1),), wiped=True))
        assert profiles.get(Profile, 1) is None
        assert [says for says, mend in looked_at(room) if "allow BGREWRITEAOF" in mend] != []
        server.ask("ACL", "SETUSER", "shop", "+bgrewriteaof", "+bgsave", "+config|get")
        profiles.put(Change(afresh=(Profile,), wiped=True))
        assert [says for says, mend in looked_at(room) if "allow BGREWRITEAOF" in mend] == []


def test_a_certificate_is_looked_at(valkey: Server, tmp_path: Path) -> None:
    with encrypted(valkey, tmp_path) as (port, authority):
        address = f"rediss://localhost:{port}/0"
        profiles = ValkeyProfiles(ValkeyRoom(f"{address}?ssl_ca_certs={authority}", tmp_path.name), tmp_path)
        profiles.put(Change(puts=(FIRST,)))
        assert profiles.get(Profile, 1) == FIRST[1]
        with pytest.raises(BrokenHome, match=f"{address} cannot be reached .*certificate verify failed"):
            ValkeyProfiles(ValkeyRoom(address, tmp_path.name), tmp_path).get(Profile, 1)


@contextmanager
def encrypted(server: Server, folder: Path) -> Iterator[tuple[int, Path]]:
    """A port behind which the server speaks TLS, and the file with the certificate that it shows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    shown = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "shown.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + shown.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("localhost", 0)) as listener:
        threading.Thread(target=_forward, args=(listener, context, server.port), daemon=True).start()
        yield listener.getsockname()[1], file


def _forward(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            outer, _ = listener.accept()
            inner = context.wrap_socket(outer, server_side=True)
        except ssl.SSLError:
            continue
        except OSError:
            return
        threading.Thread(target=_speak, args=(inner, port), daemon=True).start()


def _speak(inner: ssl.SSLSocket, port: int) -> None:
    """Questions there and answers back, one after the other."""
    with inner, socket.create_connection(("127.0.0.1", port)) as server:
        while told := inner.recv(1 << 16):
            server.sendall(told)
            inner.sendall(server.recv(1 << 16))
