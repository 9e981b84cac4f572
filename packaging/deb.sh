#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Make a Debian package of what `make install prefix=/usr` has put into FOLDER/debian/tlstrace.
# usage: deb.sh FOLDER VERSION FILE
set -euo pipefail

[ $# = 3 ] || { echo "usage: deb.sh FOLDER VERSION FILE" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd -P)
folder=$1 version=$2 file=$3
root=$folder/debian/tlstrace
documents=$root/usr/share/doc/tlstrace

strip --strip-unneeded "$root/usr/sbin/tlstrace"
gzip -9n "$root/usr/share/man/man8/tlstrace.8"
{
	cat "$here/../LICENSE"
	printf '\nThe BPF programs in the binary may also be used under the GNU General Public License,\n'
	printf 'version 2, which is in /usr/share/common-licenses/GPL-2.\n'
} >"$documents/copyright"
gzip -9nc "$here/../CHANGELOG.md" >"$documents/changelog.gz"
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/sbin/tlstrace"

# dpkg-shlibdeps reads debian/control, and only that.
printf 'Source: tlstrace\n\nPackage: tlstrace\nArchitecture: any\n' >"$folder/debian/control"
libraries=$(cd "$folder" && dpkg-shlibdeps -O debian/tlstrace/usr/sbin/tlstrace | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || { echo "deb.sh: no libraries found; is libc6 installed?" >&2; exit 1; }

mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: tlstrace
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: The tlstrace authors <tlstrace@localhost>
Installed-Size: $(du -k --apparent-size -s "$root/usr" | cut -f1)
Depends: $libraries
Section: net
Priority: optional
Description: show every TLS handshake on this host as it happens
 tlstrace shows which processes negotiated what with whom, how long each part
 of a TLS handshake took and, if it failed, who rejected whom and why. It uses
 BPF and needs no proxy, no keys and no change to any program. It traces TCP,
 QUIC and DTLS, and reads capture files.
 .
 The package contains a systemd service that is not enabled.
END
echo /etc/default/tlstrace >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
	install -m 755 "$here/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find usr etc -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 644 "$root/DEBIAN/md5sums" "$root/DEBIAN/conffiles" "$root/DEBIAN/control"
dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
