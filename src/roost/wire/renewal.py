"""Renewed certificates that come over a link, and which of them take the place of present ones.

Whoever sends one can do no harm: it must be issued by the cluster's authority, for the same process
or the same hosts, for the same key, and be valid for longer.
"""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from roost.ops.files import replace_file
from roost.wire.authority import identity_in, load_certificate, read_certificate
from roost.wire.errors import CredentialsError
from roost.wire.identity import Identity


def renew_file(path: Path, authority: Path, pem: bytes, identity: Identity | None) -> bool:
    """Replace the certificate in a file by a renewed one; return whether it is another one.

    `authority` is the file of the cluster's. A process of the cluster has an identity; a
    certificate for clients has none.

    Raises:
        CredentialsError: it is no renewal of the present one, or cannot be read or written.
    """
    present = load_certificate(path)
    renewed = read_certificate(pem)
    if renewed == present:
        return False
    _check(present, renewed, load_certificate(authority), identity)
    try:
        # Nothing else that the sender put behind it.
        content = renewed.public_bytes(serialization.Encoding.PEM)
        replace_file(path, content, mode=0o644, is_durable=True)
    except OSError as error:
        raise CredentialsError(f"cannot write {path}: {error.strerror}") from error
    return True


def _check(
    present: x509.Certificate,
    renewed: x509.Certificate,
    authority: x509.Certificate,
    identity: Identity | None,
) -> None:
    if identity is None and not _is_issued_by(authority, present):
        raise CredentialsError(
            "the cluster's authority did not issue the present one: renew it where it comes from"
        )
    if not _is_issued_by(authority, renewed):
        raise CredentialsError("the cluster's authority did not issue it")
    if identity_in(renewed) != identity:
        raise CredentialsError(f"it is not for {identity.uri if identity else 'clients'}")
    if renewed.public_key() != present.public_key():
        raise CredentialsError("it is for another key")
    if identity is None and _names(renewed) != _names(present):
        raise CredentialsError("it is for other names")
    if renewed.not_valid_after_utc <= present.not_valid_after_utc:
        raise CredentialsError("it is not valid for longer than the present one")


def _is_issued_by(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """Return whom a certificate is for."""
    try:
        extensions = certificate.extensions
        return list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, ValueError):
        return []
