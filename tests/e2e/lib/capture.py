# SPDX-License-Identifier: BSD-2-Clause
"""A capture by tcpdump during the trace, and what tshark reads in it: the tests' reference."""

import os
import re
import signal
import socket
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from . import iana, process, wait

# IEEE 802 local experimental EtherType: frames that mean nothing to anybody.
MARKER_TYPE = 0x88B5
HELLO_RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # RFC 8446 4.1.3


@dataclass
class Message:
    sender: str  # "client" or "server"
    record: str
    name: str    # None where encryption hides it
    size: int
    encrypted: bool
    time: float


@dataclass
class Hello:
    """Code points as they are in a ClientHello, or in what the server chose."""
    random: str
    session_id: str = ""
    size: int = 0
    version: int = None
    versions: list = field(default_factory=list)
    ciphers: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    key_shares: list = field(default_factory=list)
    schemes: list = field(default_factory=list)
    extensions: list = field(default_factory=list)
    alpn: list = field(default_factory=list)
    sni: str = None


@dataclass
class Conversation:
    """One TCP stream with TLS in it."""
    client: tuple  # address, port
    server: tuple
    offer: Hello = None
    chosen: Hello = None
    exchange_group: int = None   # ServerKeyExchange's named curve
    exchange_scheme: int = None  # and its signature
    hello_retry: bool = False
    messages: list = field(default_factory=list)

    @property
    def version(self):
        return (self.chosen.versions or [self.chosen.version])[0]

    @property
    def group(self):
        return (self.chosen.key_shares or [self.exchange_group])[0]


class Capture:
    """tcpdump on one interface here, limited to some ports, without loss. UDP: protocol is dtls or quic."""

    def __init__(self, directory, interface, *ports, transport="tcp", protocol="tls"):
        self.interface = interface
        self.ports = ports
        self.transport = transport
        self.protocol = protocol
        self.file = directory / f"{interface}-{ports[0]}.pcap"
        ports_filter = " or ".join(f"{transport} port {port}" for port in ports)
        self.process = subprocess.Popen(
            ["tcpdump", "-Z", "root", "-n", "-i", interface, "-U", "--immediate-mode",
             # A slot of the ring is as large as the snapshot. A relay that cuts a stream into single
             # bytes makes 3,000 packets in a moment; the ring is room for 4,000.
             "-s", "65535", "-B", "262144", "-w", str(self.file),
             f"{ports_filter} or ether proto {MARKER_TYPE}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=process.environment())
        said = b""
        while b"listening on" not in said:
            line = self.process.stderr.readline()
            assert line, f"tcpdump: {said.decode()}"
            said += line

    def stop(self):
        """End tcpdump once everything that crossed before now is in its file."""
        if self.process.poll() is None:
            self.flush()
            self.process.send_signal(signal.SIGINT)
            said = self.process.communicate(timeout=wait.limit(10))[1].decode()
            dropped = re.search(r"(\d+) packets? dropped by kernel", said)
            assert dropped and dropped[1] == "0", said
        return self

    def flush(self):
        # Packets are captured in order: once the file has our own last frame, it has all before.
        marker = os.urandom(46)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((self.interface, MARKER_TYPE))
            sender.send(bytes(12) + MARKER_TYPE.to_bytes(2, "big") + marker)
        wait.until(lambda: marker in self.file.read_bytes(), "tcpdump to write its file")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def tshark(self, *arguments):
        ports = [argument for port in self.ports
                 for argument in ("-d", f"{self.transport}.port=={port},{self.protocol}")]
        return subprocess.run(
            ["tshark", "-n", "-r", str(self.file), *ports, *arguments], check=True,
            capture_output=True, env=process.environment(), stdin=subprocess.DEVNULL).stdout

    def fields(self, display_filter, *names):
        """One list of values per packet that the filter selects."""
        wanted = [argument for name in names for argument in ("-e", name)]
        lines = self.tshark("-Y", display_filter, "-T", "fields", *wanted).decode().splitlines()
        return [line.split("\t") for line in lines]

    def conversations(self):
        """Every stream with a ClientHello, in the order of the hellos."""
        document = ElementTree.fromstring(self.tshark("-Y", "tls", "-T", "pdml"))
        streams = {}
        for packet in document.iter("packet"):
            read_packet(packet, streams)
        return [stream for stream in streams.values() if stream.offer]

    def conversation(self):
        [only] = self.conversations()
        return only


def first(node, name):
    return next((item.get("show") for item in node.iter("field") if item.get("name") == name), None)


def read_packet(packet, streams):
    protocols = {proto.get("name"): proto for proto in packet.iter("proto")}
    tcp, ip = protocols["tcp"], protocols.get("ip") or protocols["ipv6"]
    family = "ip" if "ip" in protocols else "ipv6"
    sender = (first(ip, f"{family}.src"), int(first(tcp, "tcp.srcport")))
    receiver = (first(ip, f"{family}.dst"), int(first(tcp, "tcp.dstport")))
    seconds = next(float(item.get("value")) for item in protocols["geninfo"].iter("field")
                   if item.get("name") == "timestamp")
    # The first to send TLS is the client.
    stream = streams.setdefault(first(tcp, "tcp.stream"), Conversation(sender, receiver))
    side = "client" if sender == stream.client else "server"
    for proto in packet.iter("proto"):
        if proto.get("name") == "tls":
            for record in proto.iter("field"):
                if record.get("name") == "tls.record":
                    read_record(record, stream, side, seconds)


RECORDS = {"20": "change_cipher_spec", "21": "alert", "22": "handshake", "23": "application_data"}


def read_record(record, stream, side, seconds):
    # tshark calls the type of a TLS 1.3 record that hides its content "opaque".
    kind = RECORDS.get(first(record, "tls.record.content_type")
                       or first(record, "tls.record.opaque_type"))
    length = int(first(record, "tls.record.length") or 0)
    if kind == "handshake":
        for message in record.iter("field"):
            if message.get("name") == "tls.handshake":
                read_handshake(message, stream, side, length, seconds)
        return
    name, encrypted = None, kind == "application_data"
    if kind == "alert":
        alert = first(record, "tls.alert_message.desc")
        encrypted = alert is None
        name = None if encrypted else iana.ALERTS[int(alert)]
    elif kind == "change_cipher_spec":
        name = kind
    if kind:
        stream.messages.append(Message(side, kind, name, length, encrypted, seconds))


def read_handshake(message, stream, side, record_length, seconds):
    kind = first(message, "tls.handshake.type")
    if kind is None:  # "Encrypted Handshake Message"; a fragment has no type either, but a record
        if "Encrypted" in message.get("showname", ""):
            stream.messages.append(Message(side, "handshake", None, record_length, True, seconds))
        return
    name = iana.MESSAGES[int(kind)]
    size = int(first(message, "tls.handshake.length")) + 4
    if name == "client_hello" and stream.offer is None:
        stream.offer = read_hello(message, size)
    elif name == "server_hello":
        hello = read_hello(message, size)
        if hello.random == HELLO_RETRY:
            stream.hello_retry, name = True, "hello_retry_request"
        else:
            stream.chosen = hello
    elif name == "server_key_exchange":
        stream.exchange_group = number(first(message, "tls.handshake.server_named_curve"))
        stream.exchange_scheme = number(first(message, "tls.handshake.sig_hash_alg"))
    stream.messages.append(Message(side, "handshake", name, size, False, seconds))


def number(text):
    return None if text is None else int(text, 0)


LISTS = {
    "tls.handshake.ciphersuite": "ciphers",
    "tls.handshake.extension.type": "extensions",
    "tls.handshake.extensions.supported_version": "versions",
    "tls.handshake.extensions_supported_group": "groups",
    "tls.handshake.extensions_key_share_group": "key_shares",
    "tls.handshake.sig_hash_alg": "schemes",
}


def read_hello(message, size):
    hello = Hello(random="", size=size)
    in_signature_algorithms = 0
    for item in message.iter("field"):
        name, value = item.get("name"), item.get("value") or ""
        if name == "tls.handshake.random":
            hello.random = value
        elif name == "tls.handshake.session_id":
            hello.session_id = value
        elif name == "tls.handshake.version":
            hello.version = int(value, 16)
        elif name == "tls.handshake.extensions_server_name":
            hello.sni = bytes.fromhex(value).decode()
        elif name == "tls.handshake.extensions_alpn_str":
            hello.alpn.append(bytes.fromhex(value).decode())
        elif name in LISTS:
            code = int(value, 16)
            if name == "tls.handshake.extension.type":
                in_signature_algorithms = code
            # signature_algorithms_cert and delegated_credential use the same field.
            if name != "tls.handshake.sig_hash_alg" or in_signature_algorithms == 13:
                getattr(hello, LISTS[name]).append(code)
    return hello
