"""The keys that sign webhooks. They are created once and kept in a folder that the app and the simulator share."""

import base64
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Keys:
    """One signing key per provider, with what a receiver needs to check it."""

    sendgrid: ec.EllipticCurvePrivateKey
    mailgun_signing_key: str
    sns: rsa.RSAPrivateKey
    sns_certificate_pem: str
    resend_signing_secret: str

    @property
    def sendgrid_public_key(self) -> str:
        """SendGrid's public key as SendGrid shows it: the base64 of its DER SubjectPublicKeyInfo, without PEM lines."""
        der = self.sendgrid.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()


def make() -> Keys:
    """New keys, which are not stored."""
    return _assemble(_sendgrid_pem(), _mailgun_key(), _sns_pem(), _resend_secret())


def load_or_create(folder: Path) -> Keys:
    """The keys in `folder`. Missing ones are created with mode 0600. Several processes may call this at once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _assemble(
        _keep(folder / "sendgrid.pem", _sendgrid_pem),
        _keep(folder / "mailgun.key", _mailgun_key),
        _keep(folder / "sns.pem", _sns_pem),
        _keep(folder / "resend.key", _resend_secret),
    )


def _assemble(sendgrid_pem: bytes, mailgun_key: bytes, sns_pem: bytes, resend_secret: bytes) -> Keys:
    sendgrid = serialization.load_pem_private_key(sendgrid_pem, None)
    sns = serialization.load_pem_private_key(sns_pem, None)
    if not isinstance(sendgrid, ec.EllipticCurvePrivateKey) or not isinstance(sns, rsa.RSAPrivateKey):
        raise TypeError("sendgrid.pem must hold an EC key and sns.pem an RSA key")
    certificate = x509.load_pem_x509_certificate(sns_pem)
    return Keys(
        sendgrid=sendgrid,
        mailgun_signing_key=mailgun_key.decode().strip(),
        sns=sns,
        sns_certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        resend_signing_secret=resend_secret.decode().strip(),
    )


def _keep(path: Path, create: Callable[[], bytes]) -> bytes:
    # The key is written to a draft, which is then linked to its name. So a file appears whole or not at all, and if
    # another process was first, its file stays, because linking fails if the name exists.
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(create())
            Path(path).hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_bytes()


def _sendgrid_pem() -> bytes:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _mailgun_key() -> bytes:
    return f"{secrets.token_hex(16)}\n".encode()


def _resend_secret() -> bytes:
    """A signing secret as Resend shows it: `whsec_` and the base64 of the key."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}\n".encode()


def _sns_pem() -> bytes:
    # Key and certificate share one file, so that they always belong together.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return _pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
