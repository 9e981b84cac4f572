# SPDX-License-Identifier: BSD-2-Clause
"""What the captures are: the programs of each. {certs}, {server}, {helpers}, {trixie} are filled in."""

from dataclasses import dataclass, field

OLD = ["-cipher", "DEFAULT:@SECLEVEL=0"]  # OpenSSL makes TLS 1.0 and 1.1 with level 0 only
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
PSK = "00112233445566778899aabbccddeeff"


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
