# SPDX-License-Identifier: BSD-2-Clause
# Archives and packages. Included by the Makefile.

release := $(shell cat VERSION)
debian_architecture = $(shell dpkg --print-architecture)
package_packages = dpkg-dev python3-docutils xz-utils debian-archive-keyring

# Times in packages are those of the last commit, so that the same tree makes the same bytes.
SOURCE_DATE_EPOCH ?= $(or $(if $(wildcard .git),$(shell git log -1 --format=%ct 2>/dev/null)),0)
export SOURCE_DATE_EPOCH

.PHONY: deb dist tarball rpm-check container
dist: $(BUILD)/tlstrace-$(release).tar.gz ## make the source archive of the last commit
$(BUILD)/tlstrace-$(release).tar.gz: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)git archive --format=tar --prefix=tlstrace-$(release)/ HEAD | gzip -9n > $@.new
	$(Q)mv $@.new $@
	$(say) DIST $@

# Where the Debian package goes: here, so that `apt-get install ./tlstrace_*.deb` finds it.
package_folder ?= .
package = tlstrace_$(release)_$(debian_architecture).deb
package_root = $(BUILD)/deb/debian/tlstrace
deb: deps-build ## make ./tlstrace_VERSION_ARCH.deb for Debian 12
	$(call install_packages,$(package_packages))
	$(Q)$(MAKE) --no-print-directory all completion man
	$(Q)rm -rf $(BUILD)/deb
	$(Q)$(MAKE) --no-print-directory -s install prefix=/usr DESTDIR=$(package_root)
	$(Q)packaging/deb.sh $(BUILD)/deb $(release) $(package_folder)/$(package)
	$(say) DEB $(package_folder)/$(package)

# The binary needs libc only. It is linked with an old release's, so it runs on newer ones too.
tarball: deps-build ## make build/tlstrace-VERSION-linux-ARCH.tar.gz, whose program needs only libc
	$(call install_packages,$(package_packages))
	$(Q)$(MAKE) --no-print-directory all completion man $(BUILD)/packaging/portable.o
	$(Q)CC='$(CC)' packaging/tarball.sh $(BUILD) $(release) $(objects) \
		$(BUILD)/packaging/portable.o

rpm-check: ## check packaging/tlstrace.spec
	$(Q)rpmspec -P --define 'release_version $(release)' packaging/tlstrace.spec >/dev/null

container: ## build the container image from Containerfile
	$(Q)podman build -t tlstrace -f Containerfile .
