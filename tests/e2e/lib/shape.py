# SPDX-License-Identifier: BSD-2-Clause
"""The shape of the JSON lines (docs/events.md): every key is there, unknown values are null."""

import re

HASH = re.compile(r"[0-9a-f]{32}")
JA4 = re.compile(r"[tqd]..[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
HEX32 = re.compile(r"[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
PLACE = re.compile(r"(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+")

NUMBER = (int, float)
PROCESS = {"pid": int, "tid": int, "comm": str, "exe": str, "uid": int, "how": str}
CONTAINER = {"id": str, "name": str, "runtime": str, "how": {"cgroup", "runtime", "claimed"}, "user": int,
             "image": str, "pod": str, "namespace": str}
END = {"ip": str, "port": int, "process": PROCESS, "container": CONTAINER, "netns": int,
       "cgroup": str}
MESSAGE = {"at_us": NUMBER, "from": {"client", "server"},
           "record": {"handshake", "alert", "change_cipher_spec", "application_data", "ack",
                      "quic_initial", "quic_0rtt", "quic_handshake", "quic_1rtt", "quic_retry",
                      "quic_version_negotiation"},
           "message": str, "size": int, "encrypted": bool}
PHASES = {"tcp_connect", "client_prepare", "hello_network", "accept_queue", "server_wakeup",
          "server_crypto", "server_flight", "reply_network", "client_wakeup", "client_crypto",
          "finish_network", "server_finish", "client_finish", "server", "unknown"}
ROUNDING_US = 0.002  # times are printed with three digits
ROW = {
    "type": {"handshake"}, "schema": int, "id": HEX32, "time": TIME,
    "transport": {"tcp", "quic", "dtls"},
    "outcome": {"completed", "failed", "incomplete"},
    "verdict": str,
    "failure": {"kind": {"alert", "reset", "closed", "timeout", "refused"},
                "by": {"client", "server", "unknown"}, "alert": str, "encrypted": bool,
                "cause": str, "facts": [str]},
    "incomplete": {"trace_ended", "events_lost", "ssl2"},
    "left_by": {"client", "server"},
    "client": END, "server": END,
    "tls": {
        "version": {"SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3",
                    "DTLSv1.0", "DTLSv1.2", "DTLSv1.3"},
        "quic_version": str, "cipher": str, "group": str, "signature": str, "sni": str, "alpn": str,
        "resumed": bool, "resumption": {"session_id", "ticket", "psk"}, "ocsp_stapled": bool,
        "ticket_issued": bool, "psk": {"none", "offered", "accepted"},
        "early_data": {"none", "offered", "accepted", "rejected", "unknown"},
        "hello_retry": bool, "downgrade": {"TLSv1.2", "TLSv1.1"},
        "client_auth": {"none", "requested", "sent", "declined", "unknown"},
        "ech": {"none", "offered"}, "compression": str, "key_exchange": str,
        "server_random": HEX32, "session_id": str},
    "messages": [MESSAGE],
    "offer": {"version": str, "versions": [str], "ciphers": [str], "groups": [str],
              "key_shares": [str], "signature_algorithms": [str], "alpn": [str],
              "extensions": [str], "size": int, "records": int, "segments": int},
    "certificates": [{"from": {"server", "client"}, "subject": str, "issuer": str, "san": [str], "not_before": str,
                      "not_after": str, "key": str, "signature": str, "serial": str,
                      "sha256": HEX32, "size": int, "broken": bool, "truncated": bool}],
    "fingerprint": {"ja3": HASH, "ja3s": HASH, "ja4": JA4},
    "latency": {"total_us": NUMBER, "rtt_us": NUMBER, "retransmissions": int,
                "phases": [{"name": PHASES, "side": {"client", "server"}, "start_us": NUMBER,
                            "duration_us": NUMBER, "quality": {"measured", "estimated", "lost"},
                            "error_us": NUMBER}],
                "causes": [{"kind": str, "from": {"client", "server"}, "count": int, "duration_us": NUMBER}]},
    "path": [{"interface": str, "ifindex": int, "netns": int,
              "direction": {"ingress", "egress"}, "client": PLACE, "server": PLACE,
              "process": {"pid": int, "comm": str, "exe": str, "uid": int, "container": dict},
              "time": TIME}],
    "quality": {"gap": bool, "truncated": bool, "conflict": bool, "inferred": [str]},
}
START = {"type": {"start"}, "schema": int, "version": str, "time": TIME, "host": str,
         "kernel": str,
         "capture": {"tc": {"tcx", "clsact"}, "sockets": {"fentry", "kprobe", "tracepoint"},
                     "namespaces": {"all", "current"},
                     "interfaces": [{"name": str, "ifindex": int, "netns": int}]}}
FINISH = {"type": {"end"}, "time": TIME,
          "handshakes": {"completed": int, "failed": int, "incomplete": int},
          "seen": int, "reported": int, "filtered": int, "lost": dict, "cost": dict}
# What a row can never be without.
REQUIRED = {"type", "schema", "time", "transport", "outcome", "client", "server", "tls",
            "messages", "path", "quality"}


def problems(value, shape, where=""):
    """Every difference between value and shape, as sentences."""
    if value is None:
        return [f"{where} is null"] if where.lstrip(".") in REQUIRED else []
    if isinstance(shape, dict):
        return object_problems(value, shape, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is not a list: {value!r}"]
        return [problem for index, item in enumerate(value)
                for problem in problems(item, shape[0], f"{where}[{index}]")]
    if isinstance(shape, set):
        return [] if value in shape else [f"{where} is {value!r}, not one of {sorted(shape)}"]
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value)
        return [] if fits else [f"{where} is {value!r}"]
    kind_fits = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return [] if kind_fits else [f"{where} is {value!r}, not {shape}"]


def object_problems(value, shape, where):
    if not isinstance(value, dict):
        return [f"{where} is not an object: {value!r}"]
    found = [f"{where}.{key} is left out" for key in shape if key not in value]
    for key in shape.keys() & value.keys():
        found += problems(value[key], shape[key], f"{where}.{key}")
    return found


def row_problems(row):
    found = problems(row, ROW)
    if (row.get("failure") is None) != (row.get("outcome") != "failed"):
        found.append(f"outcome {row.get('outcome')} with failure {row.get('failure')}")
    times = [message["at_us"] for message in row.get("messages") or []]
    if times != sorted(times):
        found.append(f"messages' times do not rise: {times}")
    return found + phase_problems(row.get("latency") or {}, row.get("outcome"))


def phase_problems(latency, outcome):
    """Phases follow each other without a gap and cover the total."""
    at, found = 0, []
    phases, total = latency.get("phases") or [], latency.get("total_us")
    for phase in phases:
        if phase["duration_us"] < 0 or abs(phase["start_us"] - at) > ROUNDING_US:
            found.append(f"phase {phase} does not begin at {at}")
        at = phase["start_us"] + phase["duration_us"]
    if total is not None and abs(total - at) > ROUNDING_US:
        found.append(f"phases end at {at}, the total is {total}")
    if outcome == "completed" and not (total and phases):
        found.append(f"a completed handshake with total {total} and {len(phases)} phases")
    return found
