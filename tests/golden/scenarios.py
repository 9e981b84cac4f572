# SPDX-License-Identifier: BSD-2-Clause
"""What the captures are: the programs of each. {certs}, {server}, {helpers}, {trixie} are filled in."""

from dataclasses import dataclass, field

OLD = ["-cipher", "DEFAULT:@SECLEVEL=0"]  # OpenSSL makes TLS 1.0 and 1.1 with level 0 only
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
PSK = "00112233445566778899aabbccddeeff"
EXPORT = "SSL_RSA_EXPORT_WITH_RC4_40_MD5"
RAW_KEY = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+CTYPE-SRV-RAWPK"
NULL = "ECDHE-RSA-NULL-SHA:@SECLEVEL=0"
PSK_SUITES = ["DHE-PSK-AES128-GCM-SHA256", "ECDHE-PSK-AES128-CBC-SHA256"]
TRIXIE = ["chroot", "{trixie}", "openssl"]
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--user-data-dir=profile", "--ignore-certificate-errors",
            "--host-resolver-rules=MAP golden.example {server}", "--dump-dom", "https://golden.example:4433/"]

# Servers of one connection: the first says a line and then waits, the second answers a hello with bytes in hex,
# or with the hello itself.
SAY = """
import socket, sys
connection = socket.create_server(("", int(sys.argv[2]))).accept()[0]
connection.sendall(sys.argv[1].encode() + b"\\r\\n")
while connection.recv(4096):
    pass
"""
ANSWER = """
import socket, sys
connection = socket.create_server(("", int(sys.argv[2]))).accept()[0]
hello = connection.recv(4096)
connection.sendall(bytes.fromhex(sys.argv[1]) or hello)
connection.shutdown(socket.SHUT_WR)
while connection.recv(4096):
    pass
"""
# A client that begins with TLS when the server has already said something.
LISTEN_FIRST = """
import select, socket, ssl, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
select.select([connection], [], [])
ssl._create_unverified_context().wrap_socket(connection, server_hostname="golden.example")
"""


@dataclass
class Scenario:
    """ports: to wait for, one per server; 0 for UDP. clients: (argv, what to say, piece by piece)."""
    what: str
    servers: list
    clients: list
    ports: list = field(default_factory=lambda: [4433])


def s_server(*options, certificate="ec", version="-tls1_2"):
    return ["openssl", "s_server", "-accept", "4433", "-cert", f"{{certs}}/{certificate}.pem", "-key",
            f"{{certs}}/{certificate}.key", *([version] if version else []), *options]


def s_client(*options):
    return ["openssl", "s_client", "-connect", "{server}:4433", "-servername", "golden.example",
            "-CAfile", "{certs}/ca.pem", *options]


def java(role, *arguments):
    return ["java", "{golden}/Jsse.java", role, *arguments]


def tstclnt(*options):
    """NSS. -o: its way to trust an authority is a database."""
    return ["tstclnt", "-h", "{server}", "-p", "4433", "-a", "golden.example", "-d", "sql:{certs}/nssdb",
            "-o", *options]


def simple(what, server, client, said=(b"Q\n",)):
    return Scenario(what, [server], [(client, said)])


def twice(what, server, version):
    return Scenario(what, [server], [(s_client(version, "-sess_out", "session"), (b"Q\n",)),
                                     (s_client(version, "-sess_in", "session"), (b"Q\n",))])


SCENARIOS = {
    "tls10": simple("TLS 1.0, RSA certificate", s_server(*OLD, certificate="rsa", version="-tls1"),
                    s_client("-tls1", *OLD)),
    "tls11": simple("TLS 1.1, ECDSA certificate", s_server(*OLD, version="-tls1_1"),
                    s_client("-tls1_1", *OLD)),
    "tls12": simple("TLS 1.2, ALPN h2", s_server("-alpn", "h2"),
                    s_client("-tls1_2", "-alpn", "h2,http/1.1")),
    "tls12-rsa": simple("TLS 1.2, RSA key exchange, no ServerKeyExchange",
                        s_server("-cipher", "AES128-SHA", certificate="rsa"), s_client("-tls1_2")),
    "tls12-dhe": simple("TLS 1.2, finite-field DHE",
                        s_server("-cipher", "DHE-RSA-AES128-GCM-SHA256", certificate="rsa"),
                        s_client("-tls1_2")),
    "tls12-mutual": simple("TLS 1.2, client certificate sent",
                           s_server("-Verify", "2", "-CAfile", "{certs}/ca.pem"),
                           s_client("-tls1_2", "-cert", "{certs}/client.pem", "-key", "{certs}/client.key")),
    "tls12-declined": simple("TLS 1.2, client certificate asked for, none sent",
                             s_server("-verify", "2", "-CAfile", "{certs}/ca.pem"), s_client("-tls1_2")),
    "tls12-ticket": twice("TLS 1.2, resumed by ticket", s_server(), "-tls1_2"),
    "tls12-session-id": twice("TLS 1.2, resumed by session id", s_server("-no_ticket"), "-tls1_2"),
    "tls12-renegotiation": simple("TLS 1.2, the client renegotiates", s_server("-client_renegotiation"),
                                  s_client("-tls1_2"), (b"R\n", b"Q\n")),
    "tls12-psk": simple("TLS 1.2, external PSK",
                        ["openssl", "s_server", "-accept", "4433", "-nocert", "-psk", PSK, "-tls1_2",
                         "-cipher", "PSK-AES128-GCM-SHA256"],
                        s_client("-tls1_2", "-psk", PSK, "-cipher", "PSK-AES128-GCM-SHA256")),
    "tls13": simple("TLS 1.3, ALPN (encrypted)", s_server("-alpn", "h2", version="-tls1_3"),
                    s_client("-alpn", "h2,http/1.1")),
    "tls13-ccm8": simple("TLS 1.3, records with a tag of 8 bytes",
                         s_server("-ciphersuites", "TLS_AES_128_CCM_8_SHA256", "-num_tickets", "0", version="-tls1_3"),
                         s_client("-ciphersuites", "TLS_AES_128_CCM_8_SHA256")),
    "raw-key": simple("TLS 1.2, the server shows a raw public key",
                      ["gnutls-serv", "--http", "--quiet", "-p", "4433", "--rawpkkeyfile", "{certs}/ec.key",
                       "--rawpkfile", "{certs}/ec.pub", "--priority", RAW_KEY],
                      ["gnutls-cli", "-p", "4433", "{server}", "--insecure", "--sni-hostname", "golden.example",
                       "--priority", RAW_KEY], (REQUEST,)),
    "tls13-retry": simple("TLS 1.3, HelloRetryRequest for P-384",
                          s_server("-groups", "P-384", version="-tls1_3"),
                          s_client("-groups", "X25519:P-384")),
    "tls13-mutual": simple("TLS 1.3, client certificate sent (inferred)",
                           s_server("-Verify", "2", "-CAfile", "{certs}/ca.pem", version="-tls1_3"),
                           s_client("-cert", "{certs}/client.pem", "-key", "{certs}/client.key")),
    "tls13-declined": simple("TLS 1.3, client certificate declined (inferred)",
                             s_server("-verify", "2", "-CAfile", "{certs}/ca.pem", version="-tls1_3"),
                             s_client()),
    "tls13-ticket": twice("TLS 1.3, resumed by ticket", s_server(version="-tls1_3"), "-tls1_3"),
    "tls13-psk": simple("TLS 1.3, external PSK",
                        ["openssl", "s_server", "-accept", "4433", "-nocert", "-psk", PSK, "-tls1_3"],
                        s_client("-tls1_3", "-psk", PSK)),
    "tls13-early-data": Scenario(
        "TLS 1.3, 0-RTT accepted in the second handshake", [s_server("-early_data", version="-tls1_3")],
        [(s_client("-tls1_3", "-sess_out", "session"), (b"Q\n",)),
         (s_client("-tls1_3", "-sess_in", "session", "-early_data", "{golden}/early-data.txt"), (b"Q\n",))]),
    "alert-no-version": simple("the server has no version in common: protocol_version",
                               s_server(version="-tls1_3"), s_client("-tls1_2")),
    "alert-no-cipher": simple("no cipher in common: handshake_failure",
                              s_server("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
                              s_client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")),
    "alert-unknown-ca": simple("TLS 1.2, the client does not know the authority: unknown_ca",
                               s_server(), ["openssl", "s_client", "-connect", "{server}:4433", "-tls1_2",
                                            "-CAfile", "{certs}/client.pem", "-verify_return_error"]),
    "tls13-alert": simple("TLS 1.3, the client does not know the authority; OpenSSL says so in plaintext",
                              s_server(version="-tls1_3"),
                              ["openssl", "s_client", "-connect", "{server}:4433", "-tls1_3",
                               "-CAfile", "{certs}/client.pem", "-verify_return_error"]),
    "gnutls": simple("gnutls-cli to gnutls-serv",
                     ["gnutls-serv", "--http", "--quiet", "-p", "4433", "--x509certfile", "{certs}/ec.pem",
                      "--x509keyfile", "{certs}/ec.key", "--alpn", "h2"],
                     ["gnutls-cli", "-p", "4433", "{server}", "--x509cafile", "{certs}/ca.pem",
                      "--sni-hostname", "golden.example", "--verify-hostname", "golden.example",
                      "--alpn", "h2"], (REQUEST,)),
    "tls13-padding": simple("TLS 1.3, both ends pad their records: their lengths say nothing",
                            s_server("-record_padding", "512", version="-tls1_3"),
                            s_client("-tls1_3", "-record_padding", "100")),
    "alert-no-signature": simple("TLS 1.3, no signature algorithm for the server's key: handshake_failure",
                                 s_server(version="-tls1_3"),
                                 s_client("-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256")),
    "left-for-name": simple("TLS 1.2, curl compares the name after the handshake, and leaves",
                            s_server("-www"),
                            ["curl", "-s", "--cacert", "{certs}/ca.pem", "--noproxy", "*", "--connect-to",
                             "other.test:443:{server}:4433", "https://other.test/"], ()),
    "greeting": simple("a server that greets before the client's hello",
                       ["/usr/bin/python3", "-c", SAY, "220 mail.example ESMTP", "4433"],
                       ["/usr/bin/python3", "-c", LISTEN_FIRST, "{server}", "4433"], ()),
    "mqtt-answer": simple("an answer of four bytes, in MQTT",
                          ["/usr/bin/python3", "-c", ANSWER, "20020005", "4433"], s_client("-tls1_2"), ()),
    "echo": simple("an echo server", ["/usr/bin/python3", "-c", ANSWER, "", "4433"], s_client("-tls1_2"), ()),
    "curl": simple("curl", s_server("-www", version=None),
                   ["curl", "-s", "--cacert", "{certs}/ca.pem", "--noproxy", "*", "--connect-to",
                    "golden.example:443:{server}:4433", "https://golden.example/"], ()),
    **{f"starttls-{protocol}": simple(f"STARTTLS in {name}",
                                      ["/usr/bin/python3", "{helpers}/starttls_server.py", "4433",
                                       "{certs}/ec.pem", "{certs}/ec.key", protocol],
                                      s_client("-starttls", protocol), (b"QUIT\r\n",))
       for protocol, name in (("smtp", "SMTP"), ("imap", "IMAP"), ("pop3", "POP3"), ("ftp", "FTP"),
                              ("ldap", "LDAP"), ("postgres", "PostgreSQL"), ("mysql", "MySQL"),
                              ("xmpp", "XMPP"))},
    "dtls12": Scenario("DTLS 1.2 with HelloVerifyRequest", [s_server("-listen", version="-dtls1_2")],
                       [(s_client("-dtls1_2"), (b"Q\n",))], [0]),
    "post-quantum": simple("X25519MLKEM768: a ClientHello of two segments",
                           ["chroot", "{trixie}", "openssl", "s_server", "-accept", "4433", "-nocert",
                            "-psk", PSK, "-tls1_3"],
                           ["chroot", "{trixie}", "openssl", "s_client", "-connect", "{server}:4433",
                            "-servername", "golden.example", "-psk", PSK, "-tls1_3"]),
    "ocsp-stapled": Scenario("TLS 1.2, CertificateStatus for the client that asks, none for the one that does not",
                             [s_server("-status_file", "{certs}/ocsp.der")],
                             [(s_client("-tls1_2", "-status"), (b"Q\n",)), (s_client("-tls1_2"), (b"Q\n",))]),
    "nss": simple("NSS in TLS 1.2, which asks for an OCSP response and gets none; a flight in one record",
                  ["selfserv", "-d", "sql:{certs}/nssdb", "-n", "golden", "-p", "4433", "-V", "tls1.2:tls1.2"],
                  tstclnt("-V", "tls1.2:tls1.2", "-T", "-Q"), ()),
    "false-start": simple("False Start: Chromium's data before the server's Finished",
                          ["/usr/bin/python3", "{helpers}/slow_server.py", "4433", "{certs}/ec.pem", "{certs}/ec.key",
                           "finish", "200", "http/1.1"], [*CHROMIUM, "--ssl-version-max=tls1.2"], ()),
    "chromium": simple("Chromium in TLS 1.3: GREASE, and GREASE for ECH",
                       s_server("-WWW", "-alpn", "http/1.1", version="-tls1_3"), CHROMIUM, ()),
    "delegated-credentials": simple("NSS offers delegated credentials, and GREASE for ECH",
                                    s_server(version="-tls1_3"), tstclnt("-B", "-i", "100", "-Q"), ()),
    "ech": simple("ECH offered to a server that knows nothing of it: the name is the outer one; with padding",
                  s_server(version="-tls1_3"), tstclnt("-N", "{ech}", "-Q"), ()),
    "padding": simple("OpenSSL with the padding extension", s_server(version="-tls1_3"), s_client("-bugs")),
    "tls12-null": simple("TLS 1.2 with a NULL suite", s_server("-cipher", NULL, certificate="rsa"),
                         s_client("-tls1_2", "-cipher", NULL)),
    "tls12-anonymous": Scenario("TLS 1.2, anonymous: DH, then ECDH",
                                [s_server("-cipher", "ADH-AES128-SHA256:AECDH-AES128-SHA:@SECLEVEL=0")],
                                [(s_client("-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0"), (b"Q\n",))
                                 for suite in ("ADH-AES128-SHA256", "AECDH-AES128-SHA")]),
    "tls12-psk-dhe": Scenario("TLS 1.2, external PSK with a hint, and with it DHE, then ECDHE",
                              [["openssl", "s_server", "-accept", "4433", "-nocert", "-psk", PSK, "-psk_hint",
                                "which", "-tls1_2", "-cipher", ":".join(PSK_SUITES)]],
                              [(s_client("-tls1_2", "-psk", PSK, "-cipher", suite), (b"Q\n",))
                               for suite in PSK_SUITES]),
    "compression": simple("TLS 1.2 with DEFLATE", [*TRIXIE, "s_server", "-accept", "4433", "-nocert", "-psk", PSK,
                                                   "-tls1_2", "-comp", "-cipher", "PSK:@SECLEVEL=0"],
                          [*TRIXIE, "s_client", "-connect", "{server}:4433", "-psk", PSK, "-tls1_2", "-comp",
                           "-cipher", "PSK:@SECLEVEL=0"]),
    "ssl3": simple("SSL 3.0", java("server", "4433", "{certs}/rsa.p12", "SSLv3", "SSL_RSA_WITH_3DES_EDE_CBC_SHA"),
                   java("client", "{server}", "4433", "SSLv3", "SSL_RSA_WITH_3DES_EDE_CBC_SHA"), ()),
    "export": simple("TLS 1.0 with an export suite", java("server", "4433", "{certs}/rsa.p12", "TLSv1", EXPORT),
                     java("client", "{server}", "4433", "TLSv1", EXPORT), ()),
    "sslv2-hello": simple("a ClientHello in SSLv2 style, answered with TLS 1.2",
                          s_server("-www", *OLD, certificate="rsa", version=None),
                          java("client", "{server}", "4433", "SSLv2Hello,TLSv1.2,TLSv1",
                               "TLS_RSA_WITH_AES_128_CBC_SHA"), ()),
    "heartbeat": simple("GnuTLS with heartbeats at both ends",
                        ["gnutls-serv", "--echo", "--quiet", "-p", "4433", "--x509certfile", "{certs}/ec.pem",
                         "--x509keyfile", "{certs}/ec.key", "--heartbeat", "--priority", "NORMAL:-VERS-TLS1.3"],
                        ["gnutls-cli", "-p", "4433", "{server}", "--x509cafile", "{certs}/ca.pem",
                         "--sni-hostname", "golden.example", "--verify-hostname", "golden.example",
                         "--heartbeat"], (REQUEST,)),
    "warning": simple("the server warns that it does not know the name, then goes on",
                      s_server("-servername", "other.example", "-cert2", "{certs}/rsa.pem", "-key2",
                               "{certs}/rsa.key"), s_client("-tls1_2")),
    "small-records": simple("both ends cut their handshake messages into records of 512 bytes",
                            s_server("-max_send_frag", "512", "-Verify", "2", "-CAfile", "{certs}/ca.pem",
                                     "-cert_chain", "{certs}/ca.pem", certificate="rsa"),
                            s_client("-tls1_2", "-max_send_frag", "512", "-cert", "{certs}/rsa.pem",
                                     "-key", "{certs}/rsa.key")),
    "crumbs": Scenario("TLS 1.2, client certificate sent; the server's messages are cut into records of 7 bytes",
                       [[*s_server("-Verify", "2", "-CAfile", "{certs}/ca.pem"), "-port", "4434"],
                        ["/usr/bin/python3", "{helpers}/relay.py", "4433", "127.0.0.1", "4434", "crumbs", "7"]],
                       [(s_client("-tls1_2", "-cert", "{certs}/client.pem", "-key", "{certs}/client.key"),
                         (b"Q\n",))], [4434, 4433]),
    "quic": Scenario("QUIC version 1, ngtcp2",
                     [["gtlsserver", "-q", "{server}", "4433", "{certs}/ec.key", "{certs}/ec.pem"]],
                     [(["gtlsclient", "-q", "--exit-on-all-streams-close", "{server}", "4433",
                        "https://golden.example:4433/"], ())], [0]),
    "quic-retry": Scenario("QUIC with a Retry packet",
                           [["gtlsserver", "-q", "-V", "{server}", "4433", "{certs}/ec.key",
                             "{certs}/ec.pem"]],
                           [(["gtlsclient", "-q", "--exit-on-all-streams-close", "{server}", "4433",
                              "https://golden.example:4433/"], ())], [0]),
}
