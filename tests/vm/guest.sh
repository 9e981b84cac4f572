#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Second half of the guest's start, on the machine's own root: what an init system would set up, then the
# command of run.sh, its status written to the control folder, and off.
control=/run/vm/control
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

power_off() {
	# Directly: there is no init system to ask, and nothing here is worth a clean shutdown.
	echo o >/proc/sysrq-trigger
	while :; do sleep 60; done
}
trap power_off EXIT

mkdir -p /dev/pts /dev/shm /dev/net
mknod /dev/net/tun c 10 200 # opening it loads the driver; udev would make it
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /dev/stdin ] || ln -s fd/0 /dev/stdin
[ -e /dev/stdout ] || ln -s fd/1 /dev/stdout
[ -e /dev/stderr ] || ln -s fd/2 /dev/stderr
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf -o mode=700 bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p /run/netns /run/lock /run/user
hostname vm
ip link set lo up

mapfile -d '' -t command <"$control/command"
mapfile -d '' -t environment <"$control/environment"
cd "$(<"$control/directory")" 2>/dev/null || cd "$(<"$control/tree")" || exit

# A port can be opened once only, so the command gets pipes: it may open /dev/stdout again.
mkfifo /run/vm/out /run/vm/err
cat /run/vm/out >/dev/vport0p1 &
cat /run/vm/err >/dev/vport0p2 &

: >"$control/started"
env -i "${environment[@]}" "${command[@]}" </dev/null >/run/vm/out 2>/run/vm/err
status=$?

# A process the command left behind may hold a pipe open for ever; what was written by now needs no second.
(sleep 1 && kill $(jobs -p)) 2>/dev/null &
wait %1 %2
echo $status >"$control/status"
