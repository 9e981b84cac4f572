# SPDX-License-Identifier: BSD-2-Clause
"""Where and how a handshake may begin on its connection, live."""

import pytest

from lib import certs, expect, net, process, servers

PROXY_V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
# A TLV of type PP2_TYPE_AUTHORITY after the addresses (haproxy's proxy-protocol.txt, 2.2).
PROXY_V2 = SIGNATURE + bytes.fromhex("2111 001a c0000201 c0000202 c350 01bb 02 000b") + b"example.org"
EMPTY_RECORD = bytes.fromhex("1603010000")


class Prefix(servers.Helper):
    script = "prefix_server.py"

    def argv(self):
        return process.helper(self.script, self.port, self.chain, self.key, *self.options)


def client(stage, server, prefix, again, address="127.0.0.1", namespace=None, port=None):
    done = stage.processes.run(
        process.helper("prefix_client.py", address, port or server.port, stage.certificates.authority,
                       certs.DOMAIN, prefix.hex(), again), namespace)
    done.ok()
    done.comm = "python3"
    return done


@pytest.mark.vm
@pytest.mark.parametrize("prefix", [PROXY_V1, PROXY_V2, EMPTY_RECORD, EMPTY_RECORD * 3],
                         ids=["proxy-v1", "proxy-v2", "empty-record", "empty-records"])
def test_before_the_hello_in_its_segment(stage, prefix):
    server = stage.server(Prefix, options=[len(prefix), 0])
    trace = stage.trace()
    done = client(stage, server, prefix, 0)
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, done, server)
    assert row["tls"]["sni"] == certs.DOMAIN


@pytest.mark.vm
def test_handshakes_after_each_other_on_a_connection(stage):
    """In quick succession: each is a row, each has its processes."""
    server = stage.server(Prefix, options=[0, 2])
    trace = stage.trace()
    clients = [client(stage, server, b"", 2) for _ in range(3)]
    trace.wait_rows(9, port=server.port)
    trace.stop()
    rows = trace.select(port=server.port)
    assert len(rows) == 9
    for done in clients:
        mine = trace.select(client_port=int(done.output))
        assert len({row["id"] for row in mine}) == 3
        for row in mine:
            expect.completed(row)
            expect.processes_are(row, done, server)


FAMILIES = {4: ("ip", "203.0.113.9"), 6: ("ip6", "2001:db8:ffff::9")}


@pytest.mark.vm
@pytest.mark.parametrize("inside", [False, True], ids=["from-the-host", "from-within"])
@pytest.mark.parametrize("family", FAMILIES, ids=["IPv4", "IPv6"])
def test_redirected_to_the_own_host(stage, family, inside):
    """As Istio and Linkerd do: hello and answer cross lo with different addresses."""
    there = stage.network.namespace()
    table, address = FAMILIES[family]
    server = stage.server("s_server", namespace=there)
    process.command("ip", "link", "add", "out", "type", "veth", "peer", "name", "other", namespace=there)
    for link in ("out", "other"):
        process.command("ip", "link", "set", link, "up", namespace=there)
    own = "198.51.100.1/24" if family == 4 else "2001:db8:fffe::1/64"
    process.command("ip", "address", "add", own, "dev", "out",
                    *(["nodad"] if family == 6 else []), namespace=there)
    process.command("ip", f"-{family}", "route", "add", "default", "dev", "out", namespace=there)
    process.command("nft", f"add table {table} nat; add chain {table} nat output "
                    "{ type nat hook output priority -100; }; "
                    f"add rule {table} nat output tcp dport 443 redirect to :{server.port}",
                    namespace=there)
    trace = stage.trace(**({"namespace": there} if inside else {"everywhere": True}))
    done = stage.client("openssl", server, address, namespace=there, port=443).ok()
    row = one_of(trace, there)
    expect.completed(row)
    assert row["client"]["process"]["pid"] == done.pid, row["client"]
    assert row["server"]["process"]["pid"] in server.pids, row["server"]


def one_of(trace, namespace):
    """The only row of a namespace: its server's address is not that of the server."""
    inode = net.namespace_inode(namespace)

    def mine():
        return [row for row in trace.rows if row["client"]["netns"] == inode]
    trace.wait_for(lambda: mine(), "a row")
    trace.stop()
    assert len(mine()) == 1, mine()
    return mine()[0]
