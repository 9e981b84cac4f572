#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Run a command under another kernel: in a virtual machine whose root is this machine's, see README.md.
set -uo pipefail

usage() {
	cat <<-END
	usage: run.sh [OPTION...] -- COMMAND [ARG...]
	  --kernel 5.10|6.1|6.12|newest   kernel to boot (default 5.10)
	  --timeout SECONDS               limit for boot and command (default 300)
	  --mem MB                        memory of the guest (default 1024)
	  --share DIR                     keep this folder, read and write, at the same path (repeatable)
	  --env NAME[=VALUE]              pass a variable on (repeatable; TLSTRACE_* and PYTEST_* always are)
	  --log FILE                      keep the kernel's console here
	Exit status: the command's; 124 when the time is up, 125 if the virtual machine itself failed.
	END
}

fail() {
	echo "run.sh: $*" >&2
	exit 125
}

here=$(cd "$(dirname "$0")" && pwd -P)
tree=$(cd "$here/../.." && pwd -P)
kernel=5.10 limit=300 mem=1024 log=
boot_limit=180 # seconds; a boot takes about ten, several times that on a busy machine
shares=() variables=()

while [ $# -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	-h | --help) usage && exit ;;
	esac
	[ $# -gt 1 ] || { usage >&2; fail "$1 needs a value; see the usage above"; }
	case $1 in
	--kernel) kernel=$2 ;;
	--timeout) limit=$2 ;;
	--mem) mem=$2 ;;
	--share) shares+=("$2") ;;
	--env) variables+=("$2") ;;
	--log) log=$2 ;;
	*) usage >&2; fail "unknown option $1; see the usage above" ;;
	esac
	shift 2
done
[ "${1:-}" = -- ] && shift
[ $# -gt 0 ] || { usage >&2; fail "no command; give one after --"; }
[[ $limit =~ ^[1-9][0-9]*$ && $mem =~ ^[1-9][0-9]*$ ]] || fail "--timeout and --mem take whole numbers; correct them"

for tool in qemu-system-x86_64 busybox cpio timeout; do
	command -v $tool >/dev/null || fail "$tool is missing; run 'make deps'"
done
image=$("$here/fetch.sh" "$kernel") || fail "no kernel $kernel to boot; see above"

control=$(mktemp -d) || fail "cannot make a temporary folder; check TMPDIR"
pids=()
clean_up() {
	# Only what was started here. timeout hands the signal on to qemu.
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	rm -rf "$control"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ -n "$log" ] || log=$control/console

mkdir "$control/guest" # the part the guest sees
printf '%s\0' "$@" >"$control/guest/command"
printf '%s\0' PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
	LANG="${LANG:-C.UTF-8}" PYTHONDONTWRITEBYTECODE=1 TLSTRACE_VM="$kernel" >"$control/guest/environment"
for name in $(compgen -e); do
	case $name in TLSTRACE_* | PYTEST_*) variables=("$name" "${variables[@]}") ;; esac
done
pwd -P >"$control/guest/directory"
echo "$tree" >"$control/guest/tree"
image=$(cd "$image" && pwd -P)
cache=${image%/kernels/*} # fetch.sh's cache: what else is kept there, tests may want too
echo "$image/modules" >"$control/guest/modules"
echo "$cache" >"$control/guest/cache"

variables+=("TLSTRACE_CACHE=$cache")
for variable in "${variables[@]}"; do
	case $variable in
	*=*) printf '%s\0' "$variable" ;;
	*) [ -z "${!variable+set}" ] || printf '%s=%s\0' "$variable" "${!variable}" ;;
	esac
done >>"$control/guest/environment"

virtfs() { # PATH TAG [OPTION]
	# A comma in a path is doubled in qemu's option syntax.
	devices+=(-virtfs "local,path=${1//,/,,},mount_tag=$2,security_model=none,multidevs=remap${3:-}")
}
devices=()
virtfs / host ,readonly=on
virtfs "$control/guest" control
: >"$control/guest/shares"
for share in "${shares[@]}"; do
	share=$(cd "$share" && pwd -P) || fail "--share $share is not a folder here; make it first"
	virtfs "$share" "share$(wc -l <"$control/guest/shares")"
	echo "$share" >>"$control/guest/shares"
done

# The kernel unpacks archives that follow each other, so init need not be cached with the modules.
(cd "$here" && echo init | cpio -o -H newc -R 0:0 --quiet) | cat "$image/initramfs" - >"$control/initramfs"

mkfifo "$control/out" "$control/err"
cat "$control/out" &
pids+=($!)
cat "$control/err" >&2 &
pids+=($!)
readers=("${pids[@]}")

# Without /dev/kvm on purpose: the same result on every machine, also inside another virtual machine.
timeout --kill-after=5 "$limit" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m "$mem" \
	-nodefaults -no-user-config -display none -no-reboot -nic none \
	-kernel "$image/vmlinuz" -initrd "$control/initramfs" \
	-append "console=ttyS0 loglevel=4 panic=-1 mitigations=off no_timer_check" \
	-chardev "file,id=console,path=${log//,/,,}" -serial chardev:console \
	-device virtio-serial-pci \
	-chardev "file,id=out,path=${control//,/,,}/out" -device virtserialport,chardev=out,nr=1 \
	-chardev "file,id=err,path=${control//,/,,}/err" -device virtserialport,chardev=err,nr=2 \
	"${devices[@]}" </dev/null >"$control/qemu" 2>&1 &
qemu=$!
pids+=($qemu)

# Until the command starts, a shorter limit: a kernel that hangs should not cost the command's time.
booted=no
for ((tick = 0; tick < boot_limit * 5; tick++)); do
	[ ! -e "$control/guest/started" ] || booted=yes
	[ $booted = no ] && kill -0 $qemu 2>/dev/null || break
	sleep 0.2
done
[ $booted = yes ] || [ -e "$control/guest/started" ] || kill $qemu 2>/dev/null
wait $qemu
ended=$?

# Opening both ends ends a reader that qemu never opened the other end for; one that is reading sees the end later.
: <>"$control/out" <>"$control/err"
wait "${readers[@]}"
pids=()

if [ -s "$control/guest/status" ]; then
	exit "$(<"$control/guest/status")"
fi
if [ $ended -eq 124 ] || [ $ended -eq 137 ]; then
	what="not finished"
	[ -e "$control/guest/started" ] || what="the command was not even started"
	echo "run.sh: $what after $limit s under kernel $kernel; give --timeout a larger number if that is expected" >&2
	exit 124
fi
cat "$control/qemu" >&2
tail -n 60 "$log" >&2
if [ -e "$control/guest/started" ]; then
	fail "kernel $kernel stopped while the command ran; its last console lines are above"
fi
fail "kernel $kernel did not get as far as the command; its last console lines are above"
