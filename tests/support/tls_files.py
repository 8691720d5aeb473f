"""Self-signed certificates of clients and operators."""

import datetime as dt
import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from roost.balancer.certificates import TlsFiles


def self_signed(directory: Path, name: str, *, days: int = 90) -> TlsFiles:
    """Write NAME.pem and NAME-key.pem for localhost. A negative `days` makes them expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)  # noqa: TID251 -- as real time has it
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=max(60, days + 30)))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(certificate=directory / f"{name}.pem", key=directory / f"{name}-key.pem")
    assert files.certificate is not None
    assert files.key is not None
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def fingerprint(files: TlsFiles) -> str:
    """Return the SHA-256 of a certificate in lower-case hexadecimal."""
    assert files.certificate is not None
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(files.certificate.read_text())).hexdigest()


def trusting(server: TlsFiles, own: TlsFiles | None = None) -> ssl.SSLContext:
    """Return a client's TLS context, which trusts the server and may have its own certificate."""
    context = ssl.create_default_context(cafile=server.certificate)
    if own is not None:
        assert own.certificate is not None
        context.load_cert_chain(own.certificate, own.key)
    return context
