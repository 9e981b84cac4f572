#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Put Debian kernels into the cache for run.sh and print the folder of each.
# usage: fetch.sh KERNEL...      (5.10, 6.1, 6.12, newest)
set -euo pipefail

cache=${TLSTRACE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or TLSTRACE_CACHE}/.cache}/tlstrace}/kernels

# name, suite the package is taken from, further suites it needs (":security" is in the security archive)
kernels='
5.10    bullseye          bullseye-security:security
6.1     bookworm          bookworm-security:security
6.12    trixie            trixie-security:security
newest  trixie-backports
'

# What the initramfs loads before it can reach the machine's root, and the console the output goes through.
boot_modules='virtio_pci 9pnet_virtio 9p overlay virtio_console'

# What the guest may load later, as patterns below kernel/. Whole folders where tests pick freely
# (nft and tc load one module per expression), single drivers elsewhere. Dependencies come along, but
# ciphers and checksums are asked for by name at run time: nf_tables' CRC32, kTLS's AES.
guest_modules='
net/8021q/* net/802/* net/bridge/* net/bridge/netfilter/* net/sched/* net/netfilter/* net/ipv4/*
net/ipv4/netfilter/* net/ipv6/* net/ipv6/netfilter/* net/tls/* net/unix/* net/netlink/* net/packet/*
drivers/net/veth drivers/net/dummy drivers/net/tun drivers/net/macvlan drivers/net/macvtap
drivers/net/ifb drivers/net/vrf drivers/net/geneve drivers/net/vxlan* drivers/net/vxlan/*
drivers/net/ipvlan/* drivers/net/wireguard/* fs/fuse/fuse
crypto/* arch/x86/crypto/*
'

tmp=
fail() {
	echo "fetch.sh: $*" >&2
	exit 1
}
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT

# The kernels come from the mirror this machine already uses, whatever that is.
mirror() { # LABEL
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | sort -u | head -n 1
}

private_apt() { # COMMAND ARG...
	local command=$1
	shift
	"$command" -q -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$tmp/lists/partial" \
		-o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/cache" -o Dir::State::status=/dev/null \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Acquire::Check-Valid-Until=false "$@"
	# Valid-Until: the indexes of a suite that is no longer supported expire, its kernels do not.
}

write_sources() { # SUITE...
	local suite label uri keyring
	for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[ ! -e "$keyring" ] || break
	done
	[ -e "$keyring" ] || fail "no Debian archive keyring found; install debian-archive-keyring"
	for suite; do
		label=Debian
		case $suite in *:security) label=Debian-Security ;; esac
		uri=$(mirror "$label")
		if [ -n "$uri" ]; then
			echo "deb [signed-by=$keyring] $uri ${suite%:*} main"
		elif [ "$label" = Debian ]; then
			fail "apt knows no Debian mirror here; add one to its sources and run 'apt-get update'"
		fi
	done >"$tmp/sources.list"
}

# The image package and those it depends on that carry files: newer suites split them off.
kernel_packages() {
	local image
	image=$(depends_of linux-image-amd64 'linux-image-[0-9]')
	[ -n "$image" ] || return 1
	echo "$image"
	depends_of "$image" 'linux-\(binary\|modules\)-[0-9]'
}

depends_of() { # PACKAGE PATTERN
	private_apt apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2.*\)/\1/p"
}

# Print the path of every module that matches, and of all it depends on, dependencies first.
with_dependencies() { # MODULES.DEP PATTERN...
	local dep=$1 pattern
	shift
	for pattern; do echo "$pattern"; done | awk '
	function visit(path,   list, i, n) {
		if (path in seen)
			return
		seen[path] = 1
		n = split(needs[path], list, " ")
		for (i = n; i > 0; i--)	# nearest last: the deepest dependency is loaded first
			visit(list[i])
		print path
	}
	NR == FNR {
		colon = index($0, ":")
		path = substr($0, 1, colon - 1)
		needs[path] = substr($0, colon + 1)
		order[++paths] = path
		next
	}
	{
		pattern = $0
		gsub(/\*/, "[^/]*", pattern)
		pattern = "(^|/)" pattern "\\.ko$"
		for (i = 1; i <= paths; i++)
			if (order[i] ~ pattern)
				visit(order[i])
	}' "$dep" -
}

unpack_kernel() { # SUITE TARGET
	local suite=$1 target=$2 package version path modules
	mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/deb" "$tmp/root" "$target"
	private_apt apt-get update >"$tmp/log" 2>&1 || true # an optional suite may be missing
	kernel_packages >"$tmp/packages" || {
		cat "$tmp/log" >&2
		fail "no kernel package in $suite on this machine's mirror; check 'apt-get update' and the network"
	}
	# shellcheck disable=SC2046 # one word per package
	(cd "$tmp/deb" && private_apt apt-get download $(cat "$tmp/packages")) >"$tmp/log" 2>&1 || {
		cat "$tmp/log" >&2
		fail "download of $(paste -sd' ' "$tmp/packages") failed; check the network and try again"
	}
	for package in "$tmp"/deb/*.deb; do
		dpkg -x "$package" "$tmp/root"
	done
	# Newer packages install straight into /usr/lib, the older into /lib.
	modules=$(echo "$tmp"/root/lib/modules/* "$tmp"/root/usr/lib/modules/* | tr ' ' '\n' | grep -v '\*$' | head -n 1)
	version=${modules##*/}
	if [ "${modules#"$tmp"/root/usr}" != "$modules" ]; then
		mkdir -p "$tmp/root/lib" && mv "$tmp/root/usr/lib/modules" "$tmp/root/lib/modules"
		modules=$tmp/root/lib/modules/$version
	fi
	path=$(find "$tmp/root" -name "vmlinuz*" -type f | head -n 1)
	[ -n "$path" ] && [ -n "$version" ] || fail "the kernel package of $suite holds no kernel; report this"
	cp "$path" "$target/vmlinuz"
	echo "$version" >"$target/version"

	# Not every busybox insmod reads compressed modules, and 9p reads them faster than it unpacks them.
	find "$modules" -name '*.ko.xz' -print0 | xargs -0r -n 256 -P "$(nproc)" xz -d
	busybox depmod -b "$tmp/root" "$version"
	mkdir -p "$target/modules/$version" "$tmp/initramfs/modules"
	# shellcheck disable=SC2046,SC2086 # the lists are words, and their patterns are for awk
	(
		set -f
		with_dependencies "$modules/modules.dep" $boot_modules >"$tmp/boot"
		with_dependencies "$modules/modules.dep" $boot_modules $guest_modules >"$tmp/guest"
	)
	(
		cd "$modules"
		# shellcheck disable=SC2046 # one word per module
		cp --parents $(cat "$tmp/guest") "$target/modules/$version"
		find . -maxdepth 1 -name 'modules.builtin*' -exec cp -t "$target/modules/$version" {} +
	)
	mkdir -p "$tmp/base/lib" && ln -s "$target/modules" "$tmp/base/lib/modules"
	busybox depmod -b "$tmp/base" "$version"

	# Boot modules are numbered in the order they must be loaded.
	local n=100
	while read -r path; do
		cp "$modules/$path" "$tmp/initramfs/modules/$((n++))-${path##*/}"
	done <"$tmp/boot"
	mkdir -p "$tmp/initramfs/bin"
	cp "$(command -v busybox)" "$tmp/initramfs/bin/busybox"
	(cd "$tmp/initramfs" && find . | cpio -o -H newc -R 0:0 --quiet) >"$target/initramfs"
}

fetch() { # KERNEL
	local kernel=$1 name suite more
	while read -r name suite more; do
		[ "$name" != "$kernel" ] || break
	done <<<"$kernels"
	[ -n "${name:-}" ] && [ "$name" = "$kernel" ] ||
		fail "unknown kernel '$kernel'; use one of$(awk 'NF { printf " %s", $1 }' <<<"$kernels")"

	# A cached kernel with other modules than this list asks for is fetched again.
	local recipe target=$cache/$suite
	# shellcheck disable=SC2086 # words, and none of them a file here
	recipe=$(set -f && echo $boot_modules $guest_modules | sha256sum | cut -c 1-16)
	if [ "$(cat "$target/recipe" 2>/dev/null)" = "$recipe" ]; then
		echo "$target"
		return
	fi
	local tool
	for tool in apt-get dpkg busybox cpio xz awk; do
		command -v $tool >/dev/null || fail "$tool is missing; run 'make deps'"
	done
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/.fetch.XXXXXX")
	# shellcheck disable=SC2086
	write_sources $suite $more
	unpack_kernel "$suite" "$tmp/done"
	echo "$recipe" >"$tmp/done/recipe"
	chmod -R a+rX "$tmp/done"
	[ ! -e "$target" ] || mv "$target" "$tmp/old"
	# -T: if another fetch was faster this fails instead of moving into its folder, and its result serves.
	mv -T "$tmp/done" "$target" 2>/dev/null || [ -e "$target/recipe" ] || fail "cannot write $target; check its permissions"
	rm -rf "$tmp"
	tmp=
	echo "$target"
}

[ $# -gt 0 ] || fail "no kernel given; use one of$(awk 'NF { printf " %s", $1 }' <<<"$kernels")"
for kernel; do
	fetch "$kernel"
done
