#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# All tests, one after the other; ends with a line `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/.." || exit 1
python=${PYTHON:-/usr/bin/python3}
logs=$PWD/${BUILD:-build}/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
export PYTHONDONTWRITEBYTECODE=1

# Sum of the numbers before a word in a log: `12 passed`.
count() {
	grep -oE "[0-9]+ $1" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

# part NAME COMMAND...: run it, show its output, add its counts.
part() {
	local name=$1 log=$logs/$1.log status p f s
	shift
	echo "== $name"
	PYTEST_ADDOPTS="--junitxml=$logs/$name.xml" "$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [ "$name" = unit ]; then
		p=$(grep -oE '\[  PASSED  \] [0-9]+' "$log" | awk '{ sum += $4 } END { print sum + 0 }')
		f=$(grep -cE '^\[  FAILED  \] test|ERROR: .*Sanitizer' "$log")
		s=0
	else
		grep -E '^(vmtest: |=*)? ?[0-9]+ (passed|failed|skipped|error)|^vmtest: ' "$log" | tail -1 >"$log.sum"
		p=$(count passed "$log.sum")
		f=$(($(count failed "$log.sum") + $(count 'error' "$log.sum")))
		s=$(count skipped "$log.sum")
	fi
	# A part that failed without naming a test is one failure; so is one that ran nothing.
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
	if [ "$p" = 0 ] && [ "$f" = 0 ]; then f=1; echo "$name: no test ran"; fi
	echo "== $name: $p passed, $f failed, $s skipped"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

rm -f "$logs"/*.xml
part unit make --no-print-directory WERROR=1 -j2 -k unit
part golden make --no-print-directory golden
part fuzz make --no-print-directory -j2 WERROR=1 fuzz
part build "$python" -m pytest -q -p no:cacheprovider tests/build
if [ "$(id -u)" = 0 ]; then
	part packages "$python" -m pytest -q -p no:cacheprovider tests/packages
	part e2e "$python" -m pytest -p no:cacheprovider --tb=short tests/e2e
	part vm env -u PYTEST_ADDOPTS TLSTRACE_TEST_LOGS="$logs" make --no-print-directory vmtest
else
	echo "== packages, e2e and vm need root: run sudo make test"
	failed=$((failed + 1))
fi
"$python" tests/slowest.py "$logs"/*.xml
minutes=$(((SECONDS + 59) / 60))
echo "$minutes minutes"
if [ $minutes -gt 45 ]; then
	echo "this is longer than the 45 minutes that all tests may take; see the list above"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
