#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The end-to-end tests that are marked "vm", under every kernel and every flavour of probes: `make vmtest`.
# usage: matrix.sh [--all] [--whole] [--document] [--kernel KERNEL] [PYTEST-ARGUMENT...]
# --document: write docs/kernels.md.
# --all: also the kernels 6.12 and newest. --whole: every test marked vm (20 minutes a row), not only
# those that tests.txt names.
set -uo pipefail

# Kernel, --sockets, --tc, and whether --all is needed for the row. One boot serves all rows of a kernel.
rows='
5.10    fentry      clsact
5.10    kprobe      clsact
5.10    tracepoint  clsact
6.1     fentry      clsact
6.1     kprobe      clsact
6.12    fentry      tcx     all
6.12    kprobe      clsact  all
newest  fentry      tcx     all
newest  kprobe      clsact  all
'
row_limit=1200 # seconds for one row's tests, about three times what they take here
boot_limit=180

fail() {
	echo "matrix.sh: $*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd -P)
cd "$here/../.." || fail "cannot enter the tree; check its permissions"
all=no only= whole=no document=
while [ $# -gt 0 ]; do
	case $1 in
	--all) all=yes ;;
	--whole) whole=yes ;;
	--document) document=docs/kernels.md ;;
	--kernel)
		[ $# -gt 1 ] || fail "--kernel needs a value; give 5.10, 6.1, 6.12 or newest"
		only=$2 all=yes
		shift
		;;
	--) shift && break ;;
	*) break ;;
	esac
	shift
done
[ -x "${TLSTRACE:-./tlstrace}" ] || fail "${TLSTRACE:-./tlstrace} is not built; run make"

results=$(mktemp -d) || fail "cannot make a temporary folder; check TMPDIR"
vms=()
trap '[ ${#vms[@]} = 0 ] || kill "${vms[@]}" 2>/dev/null; rm -rf "$results"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

selected=$(awk -v all=$all -v only="$only" 'NF && (all == "yes" || $4 != "all") && (only == "" || $1 == only)' <<<"$rows")
[ -n "$selected" ] || fail "no row for kernel '$only'; give 5.10, 6.1, 6.12 or newest"

# What runs in the guest: RESULTS KERNEL ROW-LIMIT FLAVOURS PYTEST-ARGUMENT...
# shellcheck disable=SC2016
inside='
results=$1 kernel=$2 limit=$3 flavours=$4 all=$5
shift 5
tests=(tests/e2e)
[ "$all" = yes ] || mapfile -t tests <tests/vm/tests.txt
uname -r >"$results/$kernel.release"
while read -r sockets tc; do
	echo "== kernel $kernel ($(uname -r)), --sockets $sockets --tc $tc"
	export TLSTRACE_ARGS="--sockets $sockets --tc $tc"
	timeout --kill-after=10 "$limit" /usr/bin/python3 -m pytest -q --tb=short -p no:cacheprovider \
		-m vm --junitxml="/tmp/junit.xml" "${tests[@]}" "$@" </dev/null
	echo $? >"$results/$kernel-$sockets-$tc.status"
	mv /tmp/junit.xml "$results/$kernel-$sockets-$tc.xml"
done <<<"$flavours"
'

# Deadlines in the tests are for real machines; here every instruction is translated.
export TLSTRACE_TEST_SLOW=${TLSTRACE_TEST_SLOW:-10}

# Two machines at a time, as what runs in them is rarely more than one thread; a machine's output in one piece.
kernels=$(awk '!seen[$1]++ { print $1 }' <<<"$selected")
for kernel in $kernels; do
	flavours=$(awk -v kernel="$kernel" '$1 == kernel { print $2, $3 }' <<<"$selected")
	limit=$((boot_limit + row_limit * $(wc -l <<<"$flavours")))
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
	"$here/run.sh" --kernel "$kernel" --timeout $limit --mem 2048 --share "$results" -- \
		bash -c "$inside" matrix "$results" "$kernel" $row_limit "$flavours" "$whole" "$@" \
		>"$results/$kernel.log" 2>&1 &
	vms+=($!)
done
wait
vms=()
for kernel in $kernels; do
	cat "$results/$kernel.log"
done

# A row without a report, with a broken one or without a test has failed.
/usr/bin/python3 -B "$here/report.py" "$results" "$selected" ${document:+"$document"}
status=$?
[ -z "${TLSTRACE_TEST_LOGS:-}" ] || cp "$results"/*.xml "$TLSTRACE_TEST_LOGS" 2>/dev/null
exit $status
