# SPDX-License-Identifier: BSD-2-Clause
"""A Debian trixie root: for OpenSSL 3.5, the tests' post-quantum client, and QUIC version 2."""

from . import debian
from .debian import Unavailable  # noqa: F401

PACKAGES = "openssl,curl,ngtcp2-client,ngtcp2-server"
# The last program in the list of packages: a root without it is older than the list.
NEWEST = "usr/sbin/gtlsserver"


def root():
    """Path of the root, built if it is not there yet. Raises Unavailable."""
    return debian.root("trixie", PACKAGES, NEWEST)
