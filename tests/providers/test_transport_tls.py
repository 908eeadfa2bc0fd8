import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.domain.kinds import Kind
from tests.providers.calls import ACCEPTED, BRIEF_S, SOON_S, send, transport_of
from tests.providers.peer import Line, answer, peer


def _drip(line: Line) -> None:
    line.read_request()
    line.drip(b"HTTP/1.1 202 Accepted\r\nX-Filler: " + b"x" * 2000)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


def test_a_certificate_that_is_not_trusted_is_surely_not_sent(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with peer(answer(ACCEPTED), tls[0]) as server, transport_of() as transport:
        outcome = send(transport, server.url).outcome
    assert outcome.kind is Kind.UNAVAILABLE
    assert outcome.reply == "ConnectError: SSLCertVerificationError"


def test_over_tls_it_sends_and_keeps_the_same_time(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with peer(answer(ACCEPTED), tls[0]) as server, transport_of(ssl_context=tls[1]) as transport:
        assert send(transport, server.url).outcome.message_id == "m-1"
        assert send(transport, server.url).outcome.message_id == "m-1"
        assert server.connections == 1
    for script in (_drip, Line.hold):
        with peer(script, tls[0]) as server, transport_of(BRIEF_S, ssl_context=tls[1]) as transport:
            told = send(transport, server.url)
        assert told.outcome.kind is Kind.UNCERTAIN
        assert told.took_s < SOON_S


def test_a_handshake_that_never_ends_is_surely_not_sent() -> None:
    with peer(Line.hold) as server, transport_of(connect_timeout_s=0.3) as transport:
        told = send(transport, server.url.replace("http:", "https:"))
    assert told.outcome.kind is Kind.UNAVAILABLE
    assert told.took_s < SOON_S
