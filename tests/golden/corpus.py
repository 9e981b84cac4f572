# SPDX-License-Identifier: BSD-2-Clause
"""The corpus outside the repository: its expected values, and tlstrace's rows in the same terms."""

import ipaddress
import json
from functools import lru_cache

import reading

TRUTH = reading.CORPUS / "truth"
# Of the truths' fields those that compare values of the wire; the others tell how a value was found.
FIELDS = ("sni", "version", "cipher", "group", "alpn", "ja3", "ja3s", "ja4", "hrr", "resumed")
CODES = {
    "version": {"SSLv2": "0002", "SSLv3": "0300", "TLSv1.0": "0301", "TLSv1.1": "0302", "TLSv1.2": "0303",
                "TLSv1.3": "0304", "DTLSv1.0": "feff", "DTLSv1.2": "fefd", "DTLSv1.3": "fefc"},
}


@lru_cache
def registry(name):
    """From names to code points as four hex digits; what IANA calls obsolete has the plain name too."""
    codes = {}
    for file, columns in ((name, (0, 1)), ("odd", (1, 2))):
        for line in (reading.TOP / f"user/tls/registry/{file}.tsv").read_text().splitlines():
            row = line.split("\t")
            if len(row) > max(columns) and row[columns[0]].startswith("0x"):
                codes[row[columns[1]].split(" (")[0].lower()] = f"{int(row[columns[0]], 16):04x}"
    return codes


def code(kind, name):
    """The code point of a name, or of the number used for one without a name."""
    if name is None:
        return None
    known = CODES["version"] if kind == "version" else registry(kind)
    key = name if kind == "version" else name.lower()
    return known.get(key) or name.removeprefix("0x")


@lru_cache
def short_name(file, number):
    """As tlstrace has it: without what IANA's table says besides."""
    for name in (file, "odd"):
        for line in (reading.TOP / f"user/tls/registry/{name}.tsv").read_text().splitlines():
            row = line.removeprefix(f"{file}\t").split("\t")
            if row[0] == str(number) or (row[0].startswith("0x") and int(row[0], 16) == number):
                return row[1].split("_RESERVED")[0].split(" (")[0].lower()
    return None


def alert_name(number):
    return short_name("alerts", number)


def handshake_name(number):
    return short_name("handshake_types", number)


def hex4(value):
    """The truths' ways to write a code point: 772, "0x0304", "0304"."""
    if value in (None, ""):
        return None
    return f"{value:04x}" if isinstance(value, int) else value.lower().removeprefix("0x").zfill(4)


def flat(row):
    """A row in the truths' terms."""
    tls = row["tls"]
    return {
        "place": place(row["client"]["ip"], row["client"]["port"], row["server"]["ip"],
                       row["server"]["port"]),
        "sni": tls["sni"] and tls["sni"].lower(), "version": code("version", tls["version"]),
        "cipher": code("cipher_suites", tls["cipher"]), "group": code("supported_groups", tls["group"]),
        "alpn": tls["alpn"], "hrr": tls["hello_retry"], "resumed": tls["resumed"], **row["fingerprint"],
        "certificates": row["certificates"] or [],
        "alerts": [message["message"] for message in row["messages"] if message["record"] == "alert"],
    }


def place(source, source_port, destination, destination_port):
    def address(text):
        return str(ipaddress.ip_address(text))
    return frozenset([(address(source), source_port), (address(destination), destination_port)])


def normal(field, value):
    if field in ("version", "cipher", "group"):
        return hex4(value)
    if field == "resumed":  # Zeek's "F" is also that of a handshake without an answer
        return value in (True, "T")
    if field == "sni" and value:
        return value.lower().rstrip(".")
    return value if value != "" else None


@lru_cache
def rows(pcap):
    """tlstrace's rows of a capture; none of one that is not there."""
    path = reading.CORPUS / pcap
    return [flat(row) for row in reading.read_rows(path)] if path.exists() else []


def truths(name):
    return [json.loads(line) for line in (TRUTH / name).read_text().splitlines()]


def same_stream(truth):
    pcaps = truth.get("pcap_candidates") or [truth["pcap"]]
    at = place(truth["src"], truth["sport"], truth["dst"], truth["dport"])
    return [row for pcap in pcaps for row in rows(pcap) if row["place"] == at]


def differences(truth):
    """(field, want, got) of each field that the truth states and no row of its stream has."""
    found = same_stream(truth)
    if not found:
        return [("row", "one", None)]
    wrong = []
    for field in FIELDS:
        if field not in truth:
            continue
        want = normal(field, truth[field])
        got = [normal(field, row[field]) for row in found]
        # A capture of one direction does not show whether there was a HelloRetryRequest: null.
        if field == "hrr" and not want and None in got:
            continue
        if want not in got:
            wrong.append((field, want, got))
    return wrong
