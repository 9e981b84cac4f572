# SPDX-License-Identifier: BSD-2-Clause
"""Captures: every format and wrapping gives the live row; what is broken or missing is said, never guessed."""

import gzip
import os
import random
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from lib import pcapfile, process, reading, scenario, trace, wait

UNPRIVILEGED = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                "--inh-caps", "-all", "--bounding-set", "-all")
CLIENTS = {
    "TLS 1.3": {"client": "openssl", "wishes": {}},
    "TLS 1.2": {"client": "openssl", "wishes": {"version": "TLSv1.2"}},
    "curl": {"client": "curl", "wishes": {}},
}


class Recorded:
    """One handshake: the live row, and the same in a file."""

    def __init__(self, stage, client="openssl", **wishes):
        server = stage.server("s_server")
        capture = stage.capture("lo", server.port)
        running = stage.trace("-i", "lo", "--port", server.port)
        stage.client(client, server, sni="file.example.org", **wishes)
        [self.live] = running.wait_rows()
        running.stop()
        self.file = capture.stop().file
        self.packets = [packet for packet in pcapfile.read(self.file) if pcapfile.is_tcp(packet)]
        self.directory = stage.directory

    def write(self, content, name="changed.pcap"):
        path = self.directory / name
        path.write_bytes(content)
        return path

    def read(self, packets, **settings):
        return reading.read(self.write(pcapfile.pack(packets, **settings)))


@pytest.fixture(scope="module")
def recorded(certificates):
    """A TLS 1.2 handshake: certificates and all in the clear, packets that matter on both sides."""
    place = scenario.world_readable_directory()
    stage = scenario.Stage(certificates, place)
    try:
        yield Recorded(stage, version="TLSv1.2")
    finally:
        stage.close()
        scenario.remove_directory(place)


@pytest.mark.parametrize("name", CLIENTS)
def test_as_live(stage, name):
    """The row of the file equals the live one in everything the wire shows, and knows no owner."""
    made = Recorded(stage, CLIENTS[name]["client"], **CLIENTS[name]["wishes"])
    row = reading.read(made.file).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(made.live)
    for end in ("client", "server"):
        assert [row[end][key] for key in ("process", "container", "netns", "cgroup", "socket")] == [None] * 5
    [place] = row["path"]
    assert [place[key] for key in ("interface", "ifindex", "netns", "direction")] == [None] * 4


FORMATS = {
    "gzip": lambda packets: gzip.compress(pcapfile.pack(packets)),
    "gzip of two members": lambda packets: b"".join(
        gzip.compress(half) for half in (pcapfile.pack(packets)[:1000], pcapfile.pack(packets)[1000:])),
    "nanoseconds": lambda packets: pcapfile.pack(packets, nanoseconds=True),
    "big-endian": lambda packets: pcapfile.pack(packets, order=">"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_format(recorded, name):
    """By the content of the file, not by its name."""
    row = reading.read(recorded.write(FORMATS[name](recorded.packets), "no-suffix")).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(recorded.live)


@pytest.mark.parametrize("kind", ["pcapng", "nsecpcap"])
def test_format_of_editcap(recorded, kind):
    path = recorded.directory / f"by-editcap.{kind}"
    subprocess.run(["editcap", "-F", kind, recorded.file, path], check=True, env=process.environment())
    assert reading.on_the_wire(reading.read(path).one()) == reading.on_the_wire(recorded.live)


def mixed(packets, interfaces, wrappings, order="<"):
    """A section whose packets come in turn from several interfaces, each described when it has its first."""
    parts, described = [pcapfile.section(order)], 0
    for number, packet in enumerate(packets):
        index = number % len(interfaces)
        if index == described:
            parts.append(interfaces[index].pack())
            described += 1
        parts.append(interfaces[index].packet(index, replace(packet, data=wrappings[index](packet.data))))
    return b"".join(parts)


def test_mixed_interfaces(recorded):
    """One connection's packets on three interfaces: link types, resolutions, snapshot lengths differ."""
    wrappings = [lambda frame: frame, pcapfile.ip_of, pcapfile.WRAPPINGS["cooked"][1]]
    interfaces = [pcapfile.Interface(), pcapfile.Interface(pcapfile.RAW, 65535, 9),
                  pcapfile.Interface(pcapfile.COOKED, 0xFFFFFFFF, 8)]
    row = reading.read(recorded.write(mixed(recorded.packets, interfaces, wrappings))).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(recorded.live)
    assert row["quality"]["gap"] is False
    assert row["latency"]["total_us"] == reading.read(recorded.file).one()["latency"]["total_us"]


def test_sections(recorded):
    """The connection goes on in another section, of the other byte order, with other interfaces."""
    half = len(recorded.packets) // 2
    first = mixed(recorded.packets[:half], [pcapfile.Interface(order=">")], [lambda frame: frame], ">")
    second = mixed(recorded.packets[half:], [pcapfile.Interface(pcapfile.RAW)], [pcapfile.ip_of])
    row = reading.read(recorded.write(first + second)).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(recorded.live)


def test_merged(recorded):
    """mergecap and editcap: another link type, nanoseconds, another snapshot length; then such files joined."""
    raw = recorded.write(pcapfile.pack(pcapfile.wrap(recorded.packets, pcapfile.ip_of), link=pcapfile.RAW,
                                       nanoseconds=True), "raw")
    short = recorded.write(pcapfile.pack(recorded.packets, snaplen=2000), "short")
    merged = recorded.directory / "merged"
    for tool in (["mergecap", "-a", "-w", merged, short, raw], ["editcap", "-t", "60", merged, f"{merged}-later"]):
        subprocess.run(tool, check=True, env=process.environment())
    # The packets of both interfaces are the same: those of the second are repetitions, not another row.
    assert reading.on_the_wire(reading.read(merged).one()) == reading.on_the_wire(recorded.live)
    joined = recorded.write(merged.read_bytes() + Path(f"{merged}-later").read_bytes(), "joined")
    assert [reading.on_the_wire(row) for row in reading.read(joined).rows] == 2 * [reading.on_the_wire(recorded.live)]


def test_interface_that_is_not_decoded(recorded):
    """Its packets are left out and counted, in one sentence; where there are no others, that is a failure."""
    usb = pcapfile.Interface(189)
    interfaces = [usb, pcapfile.Interface()]
    packets = [packet for packet in recorded.packets for _ in interfaces]
    done = reading.read(recorded.write(mixed(packets, interfaces, 2 * [lambda frame: frame])))
    assert reading.on_the_wire(done.one()) == reading.on_the_wire(recorded.live)
    assert done.end["dropped"]["unreadable_packets"] == len(recorded.packets)
    assert done.said.count("link type 189") == 1
    done = reading.read(recorded.write(mixed(recorded.packets, [usb], [lambda frame: frame])), code=1)
    assert not done.rows
    assert done.said.count("link type 189") == 1 and "broken" not in done.said


def test_broken_pcapng(recorded):
    """Cut off, and with a byte changed: what came before is reported, then one sentence and exit status 1."""
    content = mixed(recorded.packets, [pcapfile.Interface()], [lambda frame: frame])
    done = reading.read(recorded.write(content[:-1]), code=1)
    assert done.one()["id"] == recorded.live["id"]
    assert "failed: the block at byte" in done.said
    assert done.said.endswith("is cut off; everything before that was shown; capture the rest again\n")
    last = len(content) - len(pcapfile.Interface().packet(0, recorded.packets[-1]))
    changed = content[:last + 8] + b"\7" + content[last + 9:]
    done = reading.read(recorded.write(changed), code=1)
    assert done.one()["id"] == recorded.live["id"]
    assert f"the block at byte {last} is of interface 7, which is not described" in done.said


def test_nanoseconds_are_kept(recorded):
    packets = [pcapfile.Packet(packet.time_ns + 123, packet.data) for packet in recorded.packets]
    row = recorded.read(packets, nanoseconds=True).one()
    assert row["time"].endswith("123Z"), row["time"]


@pytest.mark.parametrize("name", pcapfile.WRAPPINGS)
def test_wrapping(recorded, name):
    """Frames rewritten by the test: the kernel that runs it may lack the tunnels."""
    link, wrapping = pcapfile.WRAPPINGS[name]
    row = recorded.read(pcapfile.wrap(recorded.packets, wrapping), link=link).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(recorded.live)
    assert row["quality"]["gap"] is False


def allocations(recorded, counter, data_packets):
    """Allocations of one run, with this many packets of application data after the handshake."""
    last = [packet for packet in recorded.packets if pcapfile.payload_length(packet)][-1]
    packets = recorded.packets[:recorded.packets.index(last) + 1] + list(pcapfile.again(last, data_packets))
    path = recorded.write(pcapfile.pack(packets), f"{data_packets}.pcap")
    done = subprocess.run([trace.program(), "-o", "json", "-r", path], capture_output=True, text=True, check=True,
                          env=process.environment(LD_PRELOAD=counter))
    assert done.stdout.count('"type":"handshake"') == 1
    [count] = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("allocations: ")]
    return count


def test_packets_allocate_nothing(recorded):
    """In the steady state: a hundred times as many packets cost not one allocation more."""
    counter = recorded.directory / "count_allocations.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", counter,
                    process.HELPERS / "count_allocations.c"], check=True, env=process.environment())
    few, many = (allocations(recorded, str(counter), count) for count in (1_000, 100_000))
    assert few == many, (few, many)


def test_direction_of_cooked(recorded):
    link, wrapping = pcapfile.WRAPPINGS["cooked"]
    row = recorded.read(pcapfile.wrap(recorded.packets, wrapping), link=link).one()
    assert [place["direction"] for place in row["path"]] == ["egress"]


def test_fragments(recorded):
    row = recorded.read(pcapfile.fragmented(recorded.packets)).one()
    assert reading.on_the_wire(row) == reading.on_the_wire(recorded.live)


def test_two_networks(recorded):
    """The same addresses in two VLANs, packet by packet: the same hello at two places."""
    first, second = ([pcapfile.Packet(packet.time_ns, pcapfile.tagged(packet.data, (0x8100, tag)))
                      for packet in recorded.packets] for tag in (1, 2))
    both = [packet for pair in zip(first, second) for packet in pair]
    row = recorded.read(both).one()
    assert len(row["path"]) == 2
    assert row["offer"]["segments"] == recorded.live["offer"]["segments"]
    assert row["outcome"] == "completed"


def test_pipe_while_it_runs(recorded):
    """The row appears while the pipe is open and silent; then the rest of the file is read."""
    content = pcapfile.pack(recorded.packets)
    process_ = subprocess.Popen([trace.program(), "-r", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=process.environment())
    try:
        process_.stdin.write(content)
        process_.stdin.flush()
        assert b"TIME" in process_.stdout.readline()
        assert b"file.example.org" in process_.stdout.readline()
        process_.stdin.close()
        assert process_.wait(timeout=wait.limit(10)) == 0
    finally:
        process_.kill()
        process_.wait()
        process_.stdout.close()
        process_.stderr.close()


def test_broken_anywhere(recorded):
    """Cut at every 97th byte: what came before is reported, then one sentence and exit status 1."""
    content = pcapfile.pack(recorded.packets)
    edges, at = {24}, 24
    for packet in recorded.packets:
        at += 16 + len(packet.data)
        edges.add(at)
    for length in range(0, len(content), 97):
        path = recorded.write(content[:length])
        done = reading.read(path, code=0 if length in edges else 1)
        if length not in edges:
            last = done.said.splitlines()[-1]
            assert last.startswith((f"tlstrace: {path} is ", f"tlstrace: reading {path} failed: ")), (length, done.said)
        if done.end and length > content.index(bytes.fromhex(recorded.live["id"])) + 600:
            assert done.one()["id"] == recorded.live["id"], length


def test_broken_gzip(recorded):
    packed = gzip.compress(pcapfile.pack(recorded.packets))
    done = reading.read(recorded.write(packed[:len(packed) // 2]), code=1)
    assert "compression ends in the middle" in done.said
    damaged = bytearray(packed)
    damaged[len(packed) // 2:len(packed) // 2 + 40] = bytes(40)
    assert reading.read(recorded.write(bytes(damaged)), code=1).said.count(" is ") >= 1


@pytest.mark.parametrize("snaplen", [10, 40, 70])
def test_snaplen_without_hello(recorded, snaplen):
    """Too little is left of a ClientHello to know one."""
    assert not recorded.read(recorded.packets, snaplen=snaplen).rows


@pytest.mark.parametrize("snaplen", [100, 128, 200, 500])
def test_snaplen(recorded, snaplen):
    """Packets that are cut give rows that say so, with no value that the whole would not give."""
    row = recorded.read(recorded.packets, snaplen=snaplen).one()
    assert row["quality"]["truncated"] is True
    assert_nothing_wrong(row, recorded.live)


def assert_nothing_wrong(row, live):
    """Each value is that of the whole capture, or unknown."""
    for key in ("version", "cipher", "group", "signature", "alpn", "key_exchange", "server_random"):
        assert row["tls"][key] in (None, live["tls"][key]), key
    assert row["outcome"] in ("incomplete", live["outcome"])
    assert row["id"] in (None, live["id"])


def test_lost_packet(recorded):
    """Without any one packet: the same row, or one that says that something is missing; never another."""
    gaps = 0
    for index, lost in enumerate(recorded.packets):
        done = recorded.read(recorded.packets[:index] + recorded.packets[index + 1:])
        if not done.rows:
            continue  # it was the ClientHello
        row = done.one()
        assert_nothing_wrong(row, recorded.live)
        if row["outcome"] == "incomplete":
            assert row["quality"]["gap"] is True, index
            gaps += 1
        assert pcapfile.payload_length(lost) or row["outcome"] == recorded.live["outcome"], index
    assert gaps >= 2


def test_reordered(recorded):
    """Neighbours exchanged, and each run of one direction's packets reversed."""
    packets, times = recorded.packets, [packet.time_ns for packet in recorded.packets]
    orders = []
    for index in range(3, len(packets) - 1):  # after the three packets that connect
        order = list(packets)
        order[index], order[index + 1] = order[index + 1], order[index]
        orders.append(order)
    generator = random.Random(1)
    for _ in range(20):
        keys = [index + generator.uniform(0, 3) if index > 2 else index for index in range(len(packets))]
        orders.append([packet for _, packet in sorted(zip(keys, packets), key=lambda pair: pair[0])])
    for order in orders:
        moved = [pcapfile.Packet(time, packet.data) for time, packet in zip(times, order)]
        row = recorded.read(moved).one()
        assert row["tls"] == recorded.live["tls"]
        assert row["outcome"] == recorded.live["outcome"]


def split_hello(packets):
    """The first segment with payload as two, and where they are."""
    index = next(index for index, packet in enumerate(packets) if pcapfile.payload_length(packet))
    data = packets[index].data
    payload = len(data) - pcapfile.payload_length(packets[index])
    cut = payload + 40
    sequence = int.from_bytes(data[38:42], "big")
    first = bytearray(data[:cut])
    first[16:18] = (cut - 14).to_bytes(2, "big")
    second = bytearray(data[:payload] + data[cut:])
    second[16:18] = (len(second) - 14).to_bytes(2, "big")
    second[38:42] = ((sequence + 40) % 2**32).to_bytes(4, "big")
    return index, [pcapfile.Packet(packets[index].time_ns, bytes(part)) for part in (first, second)]


def test_second_half_of_hello_first(recorded):
    index, halves = split_hello(recorded.packets)
    packets = recorded.packets[:index] + halves[::-1] + recorded.packets[index + 1:]
    row = recorded.read(packets).one()
    assert row["tls"] == recorded.live["tls"]
    assert row["offer"]["segments"] == 2
    assert row["outcome"] == recorded.live["outcome"]


def test_as_nobody(recorded):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        program, file = Path(place) / "tlstrace", Path(place) / "file.pcap"
        program.write_bytes(Path(trace.program()).read_bytes())
        program.chmod(0o755)
        file.write_bytes(recorded.file.read_bytes())
        done = subprocess.run([*UNPRIVILEGED, program, "-r", file], capture_output=True,
                              env=process.environment(), cwd=place)
    assert done.returncode == 0, done.stderr
    assert b"file.example.org" in done.stdout


@pytest.mark.parametrize("arguments, expected", [
    (["--sni", "file.*"], 1), (["--sni", "other.*"], 0), (["--failed"], 0),
    (["--host", "127.0.0.1"], 1), (["--host", "2001:db8::/32"], 0), (["-n", "1"], 1), (["-d", "1h"], 1),
    (["--port", "1"], 0), (["--role", "server", "--host", "127.0.0.1"], 1), (["--strict"], 1)])
def test_filters(recorded, arguments, expected):
    assert len(reading.read(recorded.file, *arguments).rows) == expected


def test_slower_than(recorded):
    took_us = reading.read(recorded.file).one()["latency"]["total_us"]
    assert len(reading.read(recorded.file, "--slower-than", f"{took_us - 1}us").rows) == 1
    assert not reading.read(recorded.file, "--slower-than", f"{took_us + 1}us").rows


def test_duration_is_the_captures(recorded):
    """What comes a minute later is after the end."""
    later = [pcapfile.Packet(packet.time_ns + 60 * 10**9, packet.data) for packet in recorded.packets]
    path = recorded.write(pcapfile.pack(recorded.packets + later))
    assert len(reading.read(path).rows) == 2
    assert len(reading.read(path, "-d", "30s").rows) == 1


@pytest.mark.parametrize("form", ["table", "tree"])
def test_other_outputs(recorded, form):
    done = reading.run("-o", form, "-r", recorded.file)
    assert done.returncode == 0, done.stderr
    assert b"file.example.org" in done.stdout


BAD_FILES = {
    "nonexistent": (lambda place: place / "nothing", "No such file"),
    "directory": (lambda place: place, "directory"),
    "empty": (lambda place: written(place / "empty", b""), "is empty"),
    "pipe without a byte": (lambda place: "/dev/null", "is empty"),
    "text": (lambda place: written(place / "text", b"This is no capture.\n" * 9), "no capture"),
    "empty lines": (lambda place: written(place / "lines", b"\n" * 99), "no capture"),
    "pcapng of a version to come": (lambda place: written(place / "version", pcapfile.section().replace(
        b"\1\0\0\0\xff", b"\2\0\0\0\xff")), "version 2"),
    "packed text": (lambda place: written(place / "text.gz", gzip.compress(b"no" * 99)), "no capture"),
    "link type": (lambda place: written(place / "usb", pcapfile.pack([], link=189)), "link type"),
}


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file(tmp_path, name):
    make, word = BAD_FILES[name]
    done = reading.run("-r", make(tmp_path))
    assert done.returncode == 1
    assert done.stdout == b""
    [sentence] = done.stderr.decode().splitlines()
    assert sentence.startswith("tlstrace: ") and word in sentence


@pytest.mark.parametrize("option", [["-p", "1"], ["-c", "x"], ["-u", "root"], ["-i", "lo"], ["--tc", "tcx"],
                                    ["--sockets", "kprobe"], ["--buffer-size", "1M"]])
def test_live_only(option):
    done = reading.run("-r", "nothing", *option)
    assert done.returncode == 2
    [sentence] = done.stderr.decode().splitlines()
    assert "--read cannot be combined with" in sentence
