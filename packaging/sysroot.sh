#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Put files of Debian packages, with everything that they depend on, into a folder of the cache,
# without installing them; print the folder. For other releases and other architectures.
# usage: sysroot.sh SUITE ARCHITECTURE PACKAGE...
set -euo pipefail

fail() {
	echo "sysroot.sh: $*" >&2
	exit 1
}

[ $# -ge 3 ] || fail "usage: sysroot.sh SUITE ARCHITECTURE PACKAGE..."
suite=$1 architecture=$2
shift 2
cache=${TLSTRACE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or TLSTRACE_CACHE}/.cache}/tlstrace}/sysroot
folder=$cache/$suite-$architecture-$(echo "$*" | sha256sum | head -c 12)
if [ -d "$folder" ]; then
	echo "$folder"
	exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"

# The archive that this machine uses has the other suites too.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sort -u | head -1)
[ -n "$mirror" ] || fail "no Debian mirror in apt's sources; add one and run apt-get update"
for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
	[ ! -e "$keyring" ] || break
done
[ -e "$keyring" ] || fail "no archive keys; install debian-archive-keyring"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$work/sources.list"

private_apt() {
	apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$work/lists/partial" \
		-o Dir::State::lists="$work/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$work" \
		-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false -o Debug::NoLocking=true "$@" >&2
}
private_apt update || fail "cannot read the lists of $suite; check the network and $mirror"
private_apt install --download-only -y "$@" || fail "cannot download $*"
for package in "$work"/archives/*.deb; do
	dpkg-deb -x "$package" "$work/root"
done
# A linker follows an absolute link into the machine's own folders.
find "$work/root" -type l -lname '/*' | while read -r link; do
	ln -sfrT "$work/root$(readlink "$link")" "$link"
done
# Another run may have been faster.
mv -T "$work/root" "$folder" 2>/dev/null || [ -d "$folder" ] || fail "cannot write $folder"
echo "$folder"
