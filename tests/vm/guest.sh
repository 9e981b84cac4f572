#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Second program of the guest, on the machine's own root: runs the command of run.sh, leaves its status in the
# control folder, and switches off.
control=/run/vm/control
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

power_off() {
	# Directly: there is no init system to ask, and nothing here is worth a clean shutdown.
	echo o >/proc/sysrq-trigger
	while :; do :; done
}
trap power_off EXIT

mapfile -d '' -t command <"$control/command"
mapfile -d '' -t environment <"$control/environment"
cd "$(<"$control/directory")" 2>/dev/null || cd "$(<"$control/tree")" || exit

# A port can be opened once only, so the command gets pipes: it may open /dev/stdout again.
/run/vm/busybox cat /run/vm/out >/dev/vport0p1 &
readers=$!
/run/vm/busybox cat /run/vm/err >/dev/vport0p2 &
readers+=" $!"

: >"$control/started"
env -i "${environment[@]}" "${command[@]}" </dev/null >/run/vm/out 2>/run/vm/err
status=$?

# A process that the command left running may hold a pipe open for ever. What the command itself wrote needs no second
# after the readers had nothing more to read, but a large backlog does need its time.
(
	position=
	while sleep 1; do
		before=$position
		position=$(cat /proc/${readers/ //io /proc/}/io 2>/dev/null | grep rchar)
		[ "$position" != "$before" ] || break
	done
	kill $readers
) 2>/dev/null &
# shellcheck disable=SC2086
wait $readers
echo $status >"$control/status"
