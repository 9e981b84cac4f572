#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Link the objects of the program with static libraries, and with the C library of an old release, so
# that the binary needs nothing but a C library, of that release or newer. Then make an archive of it.
# usage: tarball.sh BUILD VERSION OBJECT...
set -euo pipefail

[ $# -ge 3 ] || { echo "usage: tarball.sh BUILD VERSION OBJECT..." >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd -P)
build=$1 version=$2
shift 2
architecture=$(dpkg --print-architecture)
multiarch=$(${CC:-cc} -print-multiarch)
name=tlstrace-$version-linux-$architecture
staging=$build/tarball/$name

fail() {
	echo "tarball.sh: $*" >&2
	exit 1
}

old=$("$here/sysroot.sh" bullseye "$architecture" libc6-dev)
# Debian 12 has no static libmnl, its successor has.
libraries=$("$here/sysroot.sh" trixie "$architecture" libmnl-dev)/usr/lib/$multiarch/libmnl.a
for library in bpf elf pcap crypto json-c z; do
	libraries+=" $(${CC:-cc} -print-file-name=lib$library.a)"
done
for library in $libraries; do
	[ -e "$library" ] || fail "$library is missing; run make deps-build"
done

rm -rf "$build/tarball"
mkdir -p "$staging"
# -B and -L: the compiler would prefer the start files and the C library of this machine.
# shellcheck disable=SC2086
${CC:-cc} --sysroot="$old" -B"$old/usr/lib/$multiarch" -L"$old/usr/lib/$multiarch" -L"$old/lib/$multiarch" \
	-o "$staging/tlstrace" "$@" -Wl,--start-group $libraries -Wl,--end-group -lpthread -ldl -lm
strip "$staging/tlstrace"

needed=$(readelf -d "$staging/tlstrace" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
others=$(grep -vE '^(libc|libm|libdl|libpthread)\.so|^ld-linux' <<<"$needed" || true)
[ -z "$others" ] || fail "the binary needs $others; link it statically"

mkdir "$staging/completion"
cp "$build/completion/tlstrace" "$build/completion/_tlstrace" "$staging/completion"
cp "$build/tlstrace.8" "$here/../LICENSE" "$here/../CHANGELOG.md" "$here/../docs/events.md" \
	"$here/../docs/events.schema.json" "$staging"
archive=$build/$name.tar.gz
tar -C "$build/tarball" --sort=name --mtime="@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner \
	--mode=go=rX,u+rw -cf - "$name" | gzip -9n >"$archive.new"
mv "$archive.new" "$archive"
echo "  TAR     $archive"
