# SPDX-License-Identifier: BSD-2-Clause
"""IANA's names of code points, as tshark here has them: independent of tlstrace's tables.

Where tshark 4.0 has no name, an experiment's, or an older one, NEWER below counts.
"""

import functools
import subprocess

# https://www.iana.org/assignments/tls-parameters and tls-extensiontype-values
NEWER = {
    "group": {
        0x1F: "brainpoolP256r1tls13", 0x20: "brainpoolP384r1tls13", 0x21: "brainpoolP512r1tls13",
        0x22: "GC256A", 0x23: "GC256B", 0x24: "GC256C", 0x25: "GC256D",
        0x26: "GC512A", 0x27: "GC512B", 0x28: "GC512C",
        0x200: "MLKEM512", 0x201: "MLKEM768", 0x202: "MLKEM1024",
        0x11EB: "SecP256r1MLKEM768", 0x11EC: "X25519MLKEM768", 0x11ED: "SecP384r1MLKEM1024",
    },
    "scheme": {
        0x81A: "ecdsa_brainpoolP256r1tls13_sha256", 0x81B: "ecdsa_brainpoolP384r1tls13_sha384",
        0x81C: "ecdsa_brainpoolP512r1tls13_sha512",
        0x904: "mldsa44", 0x905: "mldsa65", 0x906: "mldsa87",
    },
    "extension": {0xFE0D: "encrypted_client_hello"},
    "cipher": {},
}
FIELDS = {
    "cipher": "tls.handshake.ciphersuite",
    "group": "tls.handshake.extensions_supported_group",
    "scheme": "tls.handshake.sig_hash_alg",
    "extension": "tls.handshake.extension.type",
}
# RFC 5246 section 7.4.1.4.1: before TLS 1.3 a scheme was a hash and a signature.
HASHES = {1: "md5", 2: "sha1", 3: "sha224", 4: "sha256", 5: "sha384", 6: "sha512"}
SIGNATURES = {1: "rsa_pkcs1", 2: "dsa", 3: "ecdsa"}
# Above these code points tshark names what liboqs chose for experiments.
EXPERIMENTS = {"group": 0x1FF, "scheme": 0xFDFF}

VERSIONS = {0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1",
            0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
# RFC 8446 section 4 and RFC 5246 section 7.4
MESSAGES = {
    0: "hello_request", 1: "client_hello", 2: "server_hello", 4: "new_session_ticket",
    5: "end_of_early_data", 8: "encrypted_extensions", 11: "certificate",
    12: "server_key_exchange", 13: "certificate_request", 14: "server_hello_done",
    15: "certificate_verify", 16: "client_key_exchange", 20: "finished",
    22: "certificate_status", 24: "key_update",
}
# RFC 8446 section 6
ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
    40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
    44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
    109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    116: "certificate_required", 120: "no_application_protocol",
}


@functools.cache
def tables():
    names = {kind: {} for kind in FIELDS}
    kinds = {field: kind for kind, field in FIELDS.items()}
    values = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True).stdout
    for line in values.splitlines():
        columns = line.split("\t")
        kind = kinds.get(columns[1]) if columns[0] == "V" else None
        if kind and int(columns[2], 0) <= EXPERIMENTS.get(kind, 0xFFFF):
            names[kind][int(columns[2], 0)] = columns[3]
    for kind, newer in NEWER.items():
        names[kind].update(newer)
    for hash_code, hash_name in HASHES.items():
        for signature_code, signature_name in SIGNATURES.items():
            names["scheme"].setdefault(hash_code << 8 | signature_code,
                                       f"{signature_name}_{hash_name}")
    return names


def is_grease(code):
    """RFC 8701 section 2: 0x0A0A, 0x1A1A, … 0xFAFA."""
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF


def name(kind, code):
    if code is None:
        return None
    if is_grease(code):
        return "GREASE"
    return tables()[kind].get(code, f"0x{code:04x}")


def names(kind, codes):
    return [name(kind, code) for code in codes]


def version(code):
    if code is None:
        return None
    return "GREASE" if is_grease(code) else VERSIONS.get(code, f"0x{code:04x}")
