#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SECONDS JOBS BINARY...: run each fuzz target that long, JOBS at a time. Its regressions are
# replayed first, then it starts from its seeds and what earlier runs have found. Ends with a line
# `N passed, N failed`.
set -u
seconds=$1 jobs=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
export here seconds
# A leak or a bad shift is a failure like an overrun.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1

# What a run prints of interest, and its verdict as the last line.
fuzz() {
	binary=$1 name=$(basename "$1") work=$1.work log=$1.log
	mkdir -p "$work/corpus" "$work/crashes"
	regressions=$(find "$here/regressions/$name" -type f 2>/dev/null)
	# shellcheck disable=SC2086
	if [ -n "$regressions" ] && ! "$binary" $regressions >"$log" 2>&1; then
		echo "$name: failed a regression, see $log"
		return 1
	fi
	dictionary=$here/$name.dict
	if ! "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$work/crashes/" ${dictionary:+$( [ -f "$dictionary" ] && echo "-dict=$dictionary" )} \
		"$work/corpus" "$here/seeds/$name" >"$log" 2>&1; then
		echo "$name: failed, input and report are in $work/crashes and $log"
		return 1
	fi
	echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s," \
		"$(grep -oE 'cov: [0-9]+' "$log" | tail -1 | grep -oE '[0-9]+') edges, nothing found"
}
export -f fuzz

failed=0 passed=0
while read -r line; do
	echo "$line"
	case $line in
	*"nothing found") passed=$((passed + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
done < <(printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" bash -c 'fuzz "$1"; exit 0' fuzz)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
