"""An authority for tests: certificates of servers and clients, as PEM files and for grpcio."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)


@dataclass
class Issued:
    """A certificate with its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path) -> None:
        (folder / "server.pem").write_bytes(self.certificate)
        (folder / "server.key").write_bytes(self.key)


class Authority:
    def __init__(self, name: str = "Test Authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._build(self._name, self._key).add_extension(constraints, critical=True)
        self.certificate = pem(certificate.sign(self._key, hashes.SHA256()))

    def _build(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, until: timedelta = HOUR):
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * HOUR)
            .not_valid_after(now + until)
        )

    def issue(self, common_name: str, organization: str | None = None, until: timedelta = HOUR) -> Issued:
        """A certificate for the loopback address, with the organization before the name."""
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
        certificate = self._build(x509.Name(attributes), key, until).add_extension(names, critical=False)
        key_bytes = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Issued(pem(certificate.sign(self._key, hashes.SHA256())), key_bytes)

    def credentials(self, client: Issued | None = None) -> grpc.ChannelCredentials:
        """What a client needs that trusts this authority, and shows its own certificate if it has one."""
        if client is None:
            return grpc.ssl_channel_credentials(self.certificate)
        return grpc.ssl_channel_credentials(self.certificate, client.key, client.certificate)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
