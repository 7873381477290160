"""Certificates of the other side."""

from hashlib import sha256
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import pytest

from tests.certificates import Authority
from verger.base.certificates import fingerprint
from verger.base.errors import Invalid


def test_a_certificate_is_known_by_the_hash_of_its_bytes_however_it_is_told(tmp_path: Path) -> None:
    cert, _ = Authority(tmp_path).sign("hall")
    known = sha256(PEM_cert_to_DER_cert(cert.read_text())).hexdigest()
    colons = ":".join(known[at : at + 2] for at in range(0, 64, 2)).upper()
    assert {fingerprint(told) for told in (cert.read_text(), known, known.upper(), f" {colons}\n")} == {known}


@pytest.mark.parametrize("told", ["", "abc", "0" * 63, "g" * 64, "-----BEGIN CERTIFICATE-----\nx\n"])
def test_what_is_no_certificate_is_refused_with_what_to_send(told: str) -> None:
    with pytest.raises(Invalid, match="PEM form, or its SHA-256 fingerprint") as refused:
        fingerprint(told)
    assert [fault.field for fault in refused.value.faults] == ["certificate"]
