# SPDX-License-Identifier: BSD-2-Clause
"""wire.py NAMESPACE INTERFACE NAMESPACE INTERFACE MILLISECONDS MILLISECONDS LOST: a slow network.

Makes a tun interface in each namespace ("-": this one) and carries packets from one to the other:
those that leave the first arrive the first number of milliseconds later, those that leave the
second the second. The first packet of LOST bytes or more from the first never arrives; 0: all do.
Says "ready" when both interfaces are there; they are gone when it ends.
"""

import collections
import ctypes
import errno
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWNET = 0x40000000
PACKET_MAX = 65536
libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def tun(interface):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TUN | IFF_NO_PI))
    return device


def tun_in(namespace, interface):
    if namespace == "-":
        return tun(interface)
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    enter(there)
    try:
        return tun(interface)
    finally:
        enter(here)


def deliver(device, packet):
    try:
        os.write(device, packet)
    except OSError as error:
        if error.errno != errno.EIO:  # an interface that is down takes nothing
            raise


def carry(devices, delays, lost):
    under_way = {device: collections.deque() for device in devices}
    peers = dict(zip(devices, reversed(devices)))
    while True:
        now = time.monotonic()
        dues = []
        for device, packets in under_way.items():
            while packets and packets[0][0] <= now:
                deliver(peers[device], packets.popleft()[1])
            dues += [packets[0][0]] if packets else []
        left = max(0, min(dues) - time.monotonic()) if dues else None
        for device in select.select(devices, [], [], left)[0]:
            packet = os.read(device, PACKET_MAX)
            if lost and device == devices[0] and len(packet) >= lost:
                lost = 0
                continue
            under_way[device].append((time.monotonic() + delays[device], packet))


if __name__ == "__main__":
    places, times, lost = sys.argv[1:5], sys.argv[5:7], sys.argv[7]
    ends = [tun_in(*places[:2]), tun_in(*places[2:])]
    print("ready", flush=True)
    carry(ends, {end: int(text) / 1000 for end, text in zip(ends, times)}, int(lost))
