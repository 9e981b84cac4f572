# SPDX-License-Identifier: BSD-2-Clause
"""A handshake by ssl with pauses at given points, each when it could continue."""

import select
import ssl
import time


def handshake(tls, pauses, wait_first=False):
    """pauses: seconds to sleep before the nth step, counted from 0.

    A step ends when there is something to wait for; with wait_first there is from the beginning.
    Returns whether all pauses were made: an answer that comes at once is not waited for.
    """
    tls.setblocking(False)
    step = 0
    while True:
        if step or wait_first:
            select.select([tls], [], [])
        time.sleep(pauses.get(step, 0))
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            step += 1
    tls.setblocking(True)
    return step >= max(pauses, default=0)
