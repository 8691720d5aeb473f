"""A cluster's own certificate authority, and the certificates of its processes.

    ca.pem, ca-key.pem                 the authority; its key is needed only to issue certificates
    ROLE-NAME.pem, ROLE-NAME-key.pem   a process's certificate and key

Keys are ECDSA on P-256, readable by their owner alone. Existing files are used and never
overwritten. A key without a certificate (its process was killed in between) gets one.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from roost.ops.files import create_file
from roost.wire.errors import CredentialsError
from roost.wire.identity import NAME_HINT, Identity, is_valid_name, parse_identity

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
"""Keys that can be used; new ones are of the first kind."""

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

AUTHORITY_DAYS = 3650
"""Ten years: longer than the hardware lasts on which it was made."""
CERTIFICATE_DAYS = 730
"""Two years: seldom enough to be no burden, often enough that renewing is not forgotten."""
DOOR_DAYS = 397
"""For certificates that clients see: browsers accept 398 days at most."""
CLOCK_SKEW = dt.timedelta(hours=1)
"""Certificates are valid from this long before, for machines whose clocks are slow."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The files that prove a process's identity and verify its peers'."""

    authority: Path
    """The certificate of the cluster's authority."""
    certificate: Path
    """This process's own certificate."""
    key: Path
    """Its private key."""


class Authority(msgspec.Struct, frozen=True):
    """A loaded authority, ready to issue."""

    cluster: str
    certificate_path: Path
    certificate: x509.Certificate
    key: PrivateKey


def ensure_authority(
    directory: Path, cluster: str, *, now: dt.datetime, days: int = AUTHORITY_DAYS
) -> Authority:
    """Load the cluster's authority from a directory, or create it there.

    Raises:
        CredentialsError: the directory holds another cluster's authority or damaged files, or
            cannot be written.
    """
    if not is_valid_name(cluster):
        raise CredentialsError(f"a cluster cannot be called {cluster!r}: {NAME_HINT}")
    certificate_path = directory / "ca.pem"
    key_path = directory / "ca-key.pem"
    if not certificate_path.exists():
        key = _ensure_key(key_path)
        _write_new(certificate_path, _pem(_authority_certificate(cluster, key, now, days)), 0o644)
    authority = Authority(
        cluster, certificate_path, load_certificate(certificate_path), _load_key(key_path)
    )
    if _cluster_of(authority.certificate) != cluster:
        raise CredentialsError(
            f"{certificate_path} is the authority of cluster "
            f"{_cluster_of(authority.certificate)!r}, not of {cluster!r}"
        )
    if authority.certificate.public_key() != authority.key.public_key():
        raise CredentialsError(f"{key_path} is not the key of {certificate_path}")
    return authority


def ensure_credentials(
    authority: Authority,
    identity: Identity,
    directory: Path,
    *,
    now: dt.datetime,
    days: int = CERTIFICATE_DAYS,
    hosts: Iterable[str] = (),
) -> Credentials:
    """Return a process's certificate and key from a directory; create them if they are missing.

    `hosts` are names and addresses to add to the certificate for other tools; Roost itself checks
    only the identity.

    Raises:
        CredentialsError: existing files do not fit, or the directory cannot be written.
    """
    stem = f"{identity.role}-{identity.name}"
    credentials = Credentials(
        authority=authority.certificate_path,
        certificate=directory / f"{stem}.pem",
        key=directory / f"{stem}-key.pem",
    )
    if identity.cluster != authority.cluster or parse_identity(identity.uri) is None:
        raise CredentialsError(f"{identity.uri} cannot be issued here: a name is {NAME_HINT}")
    if not credentials.certificate.exists():
        key = _ensure_key(credentials.key)
        until = now + dt.timedelta(days=days)
        certificate = issue_certificate(
            authority, identity, key.public_key(), now=now, until=until, hosts=hosts
        )
        _write_new(credentials.certificate, _pem(certificate), 0o644)
    check_credentials(credentials, identity, now=now)
    return credentials


def ensure_door_certificate(
    authority: Authority, directory: Path, *, now: dt.datetime, hosts: Iterable[str]
) -> tuple[Path, Path]:
    """Return the certificate and key for clients' TLS; create them if they are missing.

    The certificate names hosts and no identity, so processes do not admit it. One that does not
    name all `hosts` is replaced, with the same key.

    Raises:
        CredentialsError: a file cannot be read or written.
    """
    path, key_path = directory / "clients.pem", directory / "clients-key.pem"
    names = list(dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts)))
    if path.exists() and not _names_hosts(load_certificate(path), names):
        path.unlink()
    if not path.exists():
        key = _ensure_key(key_path)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[-1])])
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        certificate = (
            _builder(
                subject,
                authority.certificate.subject,
                key.public_key(),
                authority.key,
                now,
                now + dt.timedelta(days=DOOR_DAYS),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([_host_name(name) for name in names]), critical=False
            )
            .sign(authority.key, hashes.SHA256())
        )
        _write_new(path, _pem(certificate), 0o644)
    return path, key_path


def _names_hosts(certificate: x509.Certificate, hosts: Iterable[str]) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return all(_host_name(host) in names for host in hosts)


def check_credentials(credentials: Credentials, identity: Identity, *, now: dt.datetime) -> None:
    """Check before anything starts that peers will accept these files.

    Raises:
        CredentialsError: a file is missing or damaged, the key does not fit, another authority
            issued the certificate, it is not valid now, or it names another identity.
    """
    authority = load_certificate(credentials.authority)
    certificate = load_certificate(credentials.certificate)
    if certificate.public_key() != _load_key(credentials.key).public_key():
        raise CredentialsError(f"{credentials.key} is not the key of {credentials.certificate}")
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise CredentialsError(
            f"{credentials.certificate} was not issued by {credentials.authority}"
        ) from error
    for path, checked in (
        (credentials.authority, authority),
        (credentials.certificate, certificate),
    ):
        if now < checked.not_valid_before_utc:
            raise CredentialsError(
                f"{path} is valid from {checked.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only: "
                "is this machine's clock right?"
            )
        if now > checked.not_valid_after_utc:
            raise CredentialsError(
                f"{path} expired on {checked.not_valid_after_utc:%Y-%m-%d}: "
                "delete it and have it made again"
            )
    found = identity_in(certificate)
    if found != identity:
        names = found.uri if found else "nobody"
        raise CredentialsError(f"{credentials.certificate} is for {names}, not for {identity.uri}")


def load_certificate(path: Path) -> x509.Certificate:
    """Load a certificate.

    Raises:
        CredentialsError: it is missing, unreadable or damaged.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CredentialsError(f"cannot read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise CredentialsError(f"{path} is not a certificate in PEM form") from error


def read_certificate(pem: bytes) -> x509.Certificate:
    """Read a certificate.

    Raises:
        CredentialsError: these bytes are none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CredentialsError("it is not a certificate in PEM form") from error


def identity_in(certificate: x509.Certificate) -> Identity | None:
    """Return the identity in a certificate; None unless there is exactly one."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    found = [identity for uri in uris if (identity := parse_identity(uri)) is not None]
    return found[0] if len(found) == 1 else None


def key_hash(certificate: x509.Certificate) -> str:
    """Return the SHA-256 hash of a certificate's public key, in hexadecimal.

    A renewed certificate has the same key.
    """
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    return digest.finalize().hex()


def _load_key(path: Path) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CredentialsError(f"cannot read the key {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialsError(f"{path} is not an unencrypted key in PEM form") from error
    if not isinstance(
        key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise CredentialsError(f"{path} is a key of another kind than ECDSA, RSA and Ed25519")
    return key


def _ensure_key(path: Path) -> PrivateKey:
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_new(path, text, 0o600)
    return _load_key(path)


def _authority_certificate(
    cluster: str, key: PrivateKey, now: dt.datetime, days: int
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, cluster),
            x509.NameAttribute(NameOID.COMMON_NAME, "Roost cluster authority"),
        ]
    )
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return (
        _builder(name, name, key.public_key(), key, now, now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def issue_certificate(
    authority: Authority,
    identity: Identity,
    key: PublicKey,
    *,
    now: dt.datetime,
    until: dt.datetime,
    hosts: Iterable[str] | None = None,
) -> x509.Certificate:
    """Return a certificate for a process; without `hosts` it is only for dialling."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.cluster),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, identity.role),
            x509.NameAttribute(NameOID.COMMON_NAME, identity.name),
        ]
    )
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.uri)]
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if hosts is not None:
        every_host = dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts))
        names.extend(_host_name(host) for host in every_host)
        purposes.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return (
        _builder(subject, authority.certificate.subject, key, authority.key, now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    issuer_key: PrivateKey,
    now: dt.datetime,
    until: dt.datetime,
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    issuer_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(until)
        .add_extension(identifier, critical=False)
        .add_extension(issuer_identifier, critical=False)
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _cluster_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_file(path, content, mode=mode)
    except OSError as error:
        raise CredentialsError(f"cannot write {path}: {error.strerror}") from error
