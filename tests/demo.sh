#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Make two handshakes on loopback, trace them, and show the rows and one tree: demo.sh ./tlstrace
set -u
tlstrace=$1
[ "$(id -u)" = 0 ] || { echo "demo: tracing needs root; run sudo make demo" >&2; exit 1; }
dir=$(mktemp -d)
pids=()
cleanup() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	wait
	rm -rf "$dir"
}
trap cleanup EXIT

# Wait up to 60 s until a command succeeds.
until_true() {
	local i
	for i in $(seq 600); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
	echo "demo: waited too long for: $*" >&2
	exit 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
	-keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=demo.example 2>/dev/null || exit 1
# Port 0 lets the kernel choose; s_server prints what it got.
openssl s_server -accept 127.0.0.1:0 -cert "$dir/cert.pem" -key "$dir/key.pem" -www \
	>"$dir/server.log" 2>&1 &
pids+=($!)
until_true grep -q '^ACCEPT' "$dir/server.log"
port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' "$dir/server.log" | head -1)

# The output goes through files, so the width of the terminal has to be passed on.
COLUMNS=$(stty size 2>/dev/null </dev/tty | cut -d ' ' -f 2)
[ "${COLUMNS:-0}" -ge 80 ] || COLUMNS=110
export COLUMNS

# Line-buffered to files: the header line says that tracing is on.
"$tlstrace" --port "$port" -n 2 -d 30s >"$dir/table" 2>"$dir/err" &
table=$!
"$tlstrace" --port "$port" -n 1 -d 30s -o tree >"$dir/tree" 2>"$dir/err.tree" &
tree=$!
pids+=($table $tree)
until_true grep -q tracing "$dir/err"
until_true grep -q tracing "$dir/err.tree"
curl -sk --connect-to "demo.example:$port:127.0.0.1:$port" "https://demo.example:$port/" -o /dev/null
curl -s --connect-to "demo.example:$port:127.0.0.1:$port" "https://demo.example:$port/" -o /dev/null
wait $table || { cat "$dir/err" >&2; exit 1; }
wait $tree || { cat "$dir/err.tree" >&2; exit 1; }
echo 'Two handshakes of curl with openssl s_server on loopback; the second curl does not trust the server:'
echo
echo '$ sudo ./tlstrace'
cat "$dir/table"
echo
echo 'The first of them in full:'
echo
echo '$ sudo ./tlstrace -o tree'
cat "$dir/tree"
grep -q 'curl\[' "$dir/table" && grep -q 'openssl\[' "$dir/table" || {
	echo "demo: the handshake was not seen with both its processes" >&2
	cat "$dir/err" >&2
	exit 1
}
