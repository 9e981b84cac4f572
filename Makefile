# SPDX-License-Identifier: BSD-2-Clause
# bpf → skeleton → user. `make help` lists the targets; V=1 shows the commands.

CC ?= cc
CLANG ?= clang
BPFTOOL ?= bpftool
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
RST2MAN ?= rst2man
prefix ?= /usr/local
sysconfdir ?= /etc

# bpftool lives in sbin, which a plain user's or sudo's PATH may lack.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# 1 makes warnings errors (CI).
WERROR ?=

# The version and, in a clone or an archive made by `make dist`, the commit: "0.2.0 (e83dbe5)".
COMMIT := $(if $(wildcard .git),$(shell git describe --match=- --always --dirty 2>/dev/null),\
	$(shell grep -v Format packaging/commit 2>/dev/null))
VERSION := $(shell cat VERSION)$(if $(COMMIT), ($(COMMIT)))
# ARCH=arm64 builds for another machine, into a folder of its own; `make deps-arm64` comes first.
HOST_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
ARCH ?= $(HOST_ARCH)
cross_packages = gcc-aarch64-linux-gnu qemu-user libc6-dev-arm64-cross debian-archive-keyring
cross_libraries = bookworm arm64 libbpf-dev libelf-dev zlib1g-dev libjson-c-dev libmnl-dev \
	libpcap-dev libssl-dev
program = tlstrace
ifneq ($(ARCH),$(HOST_ARCH))
include packaging/cross.mk
endif
BUILD ?= build
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

ifeq ($(V),1)
Q =
say = @true
else
Q = @
say = @printf '  %-7s %s\n'
endif
# make -s says nothing.
ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say = @true
endif

warnings = -Wall -Wextra -Wmissing-prototypes $(if $(WERROR),-Werror)
reproducible = -ffile-prefix-map=$(CURDIR)=.

packages = libbpf json-c libmnl libpcap libcrypto
CFLAGS ?= -O2 -g
all_cflags = -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(warnings) $(reproducible) -D_GNU_SOURCE -Iuser -Ibpf \
	-I$(BUILD) -MMD -MP $(shell $(PKG_CONFIG) --cflags $(packages) 2>/dev/null)
all_libs = $(shell $(PKG_CONFIG) --libs $(packages) 2>/dev/null) -lelf -lz

# Independent of the build host's kernel: types come from vmlinux/, and CO-RE adapts them at load time.
bpf_cflags = -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	$(if $(WERROR),-Werror) $(reproducible) -Ivmlinux -Ibpf \
	$(if $(MULTIARCH),-I$(cross_root)/usr/include/$(MULTIARCH)) -MMD -MP

sources = $(sort $(wildcard user/*.c user/*/*.c))
objects = $(sources:%.c=$(BUILD)/%.o)

.DELETE_ON_ERROR:
.PHONY: all help deps demo test unit e2e vmtest bench install uninstall clean check-generated man completion

all: $(program) ## build the program

# The targets are those with a comment after two hashes.
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9_.-]+:.*## / { printf "%-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: prefix, DESTDIR, BUILD, CC, CLANG, CFLAGS, LDFLAGS; WERROR=1, V=1, ARCH=arm64.'

$(program): $(objects)
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(objects) $(all_libs)

$(BUILD)/%.o: %.c Makefile
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -c $< -o $@

# Named policies, as rows of a table in C.
$(BUILD)/policies.h: $(sort $(wildcard policies/*.policy)) Makefile
	$(say) GEN $@
	$(Q)mkdir -p $(@D)
	$(Q)for policy in $(sort $(wildcard policies/*.policy)); do \
		printf '{"%s",\n' "$$(basename $$policy .policy)"; \
		sed 's/[\\"]/\\&/g; s/^/"/; s/$$/\\n"/' $$policy; \
		echo '},'; \
	done > $@
$(BUILD)/user/policy/policy.o: $(BUILD)/policies.h

# The one file that includes the skeleton.
$(BUILD)/user/source/programs.o: $(BUILD)/tlstrace.skel.h

$(BUILD)/tlstrace.skel.h: $(BUILD)/bpf/tlstrace.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name tlstrace_bpf > $@

$(BUILD)/bpf/tlstrace.bpf.o: bpf/tlstrace.bpf.c Makefile
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

# Rewritten only when it changes, so that a new commit rebuilds one file.
$(BUILD)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define TLSTRACE_VERSION "%s"\n' '$(VERSION)' > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@
$(BUILD)/user/trace/report.o $(BUILD)/user/options/table.o: $(BUILD)/version.h
FORCE:

-include $(objects:.o=.d) $(BUILD)/bpf/tlstrace.bpf.d

# Packages of Debian 12 for the build and the demo (deps-build), for all tests (deps), and for making
# the captures of the tests again.
build_packages = clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libjson-c-dev libmnl-dev libpcap-dev libssl-dev \
	pkg-config gcc libc6-dev make git iproute2 openssl curl
test_packages = libcmocka-dev python3-pytest python3-docutils clang-format tshark tcpdump \
	nginx-light libnginx-mod-stream haproxy gnutls-bin nodejs socat ethtool iperf3 procps util-linux \
	libclang-rt-14-dev ssldump time zsh ngtcp2-client ngtcp2-server caddy chromium \
	docker.io podman conmon containerd runc crun systemd-container fuse-overlayfs uidmap slirp4netns \
	rpm qemu-system-x86 busybox-static cpio xz-utils debian-archive-keyring debootstrap iptables nftables
capture_packages = libnss3-tools openjdk-17-jdk-headless

# Install what is missing; silent if nothing is.
define install_packages
	@missing=; for package in $(1); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || \
			missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		[ $$(id -u) = 0 ] || { echo "missing packages:$$missing: install them, or run sudo make deps" >&2; exit 1; }; \
		echo "installing:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: deps-build
deps-build: ## install what the build needs
	$(call install_packages,$(build_packages))

deps: ## install what the build and the tests need (Debian 12, root)
	$(call install_packages,$(build_packages) $(package_packages) $(cross_packages) $(test_packages))

# A second make, because this one asked pkg-config before the packages were installed.
demo: deps-build ## build, then trace a handshake on loopback (root)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/demo.sh ./tlstrace

test: deps ## build and run all tests (root)
	$(Q)$(MAKE) --no-print-directory WERROR=1 all $(BUILD)/line
	$(Q)tests/run.sh

# The parts of who/ that ask neither the kernel nor a runtime.
who_code = $(addprefix user/who/,container.c container_api.c container_manager.c container_names.c container_path.c document.c files.c message.c)

# Of source/, what reads the frames of a capture.
frame_code = $(addprefix user/source/,pcapng.c frame.c link.c tunnel.c fragments.c sides.c segments.c \
	opening.c udp_flows.c connection_table.c connections.c)

# Unit tests: one binary each, with sanitizers, without root.
unit_sources = $(wildcard tests/unit/test_*.c)
unit_binaries = $(unit_sources:tests/unit/%.c=$(BUILD)/unit/%)
unit_code = $(wildcard user/tls/*.c user/flow/*.c user/handshake/*.c user/sink/*.c user/summary/*.c \
		user/expression/*.c) \
	user/log.c user/hash.c user/histogram.c user/file_open.c $(who_code) $(frame_code) \
	$(wildcard tests/unit/build.c tests/unit/quic_samples.c tests/unit/*_fixture.c)
unit_objects = $(unit_code:%.c=$(BUILD)/unit/%.o)
unit_cflags = -std=gnu11 -O1 -g $(warnings) -fsanitize=address,undefined -fno-sanitize-recover=all \
	-D_GNU_SOURCE -Iuser -Ibpf -Itests/unit $(shell $(PKG_CONFIG) --cflags json-c libcrypto cmocka 2>/dev/null) \
	-MMD -MP

$(BUILD)/unit/%.o: %.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(unit_cflags) -c $< -o $@

# An archive: each test links only what it calls, which is most of the time of a build saved.
unit_archive = $(BUILD)/unit/code.a
$(unit_archive): $(unit_objects)
	$(Q)rm -f $@ && ar crs $@ $^

$(BUILD)/unit/test_%: $(BUILD)/unit/tests/unit/test_%.o $(unit_archive)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -ljson-c -lcrypto -lcmocka -lm

.SECONDARY: $(unit_objects) $(unit_sources:%.c=$(BUILD)/unit/%.o)
-include $(unit_objects:.o=.d) $(unit_sources:%.c=$(BUILD)/unit/%.d)

unit: $(unit_binaries) ## run the unit tests
	$(Q)for binary in $(unit_binaries); do $$binary || exit 1; done

# Fuzz targets: libFuzzer comes with clang. FUZZ_SECONDS each, FUZZ_TARGETS of them, FUZZ_JOBS at a time.
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 2
FUZZ_TARGETS ?= $(patsubst tests/fuzz/%.c,%,$(filter-out $(fuzz_shared),$(wildcard tests/fuzz/*.c)))
fuzz_shared = tests/fuzz/rows.c tests/fuzz/quiet_log.c
fuzz_code = $(wildcard user/tls/*.c user/flow/*.c user/handshake/*.c user/sink/*.c user/summary/*.c \
		user/expression/*.c) \
	user/hash.c user/histogram.c user/file_open.c $(who_code) $(fuzz_shared) $(frame_code) \
	$(addprefix user/source/,capture.c capture_input.c)
fuzz_objects = $(fuzz_code:%.c=$(BUILD)/fuzz/%.o)
fuzz_sanitizers = address,undefined
fuzz_cflags = -std=gnu11 -O1 -g $(warnings) -fsanitize=fuzzer-no-link,$(fuzz_sanitizers) \
	-fno-sanitize-recover=all -D_GNU_SOURCE -DCONNECTIONS_MAX=64 -Iuser -Ibpf -Itests/fuzz \
	$(shell $(PKG_CONFIG) --cflags json-c libcrypto libpcap 2>/dev/null) -MMD -MP

$(BUILD)/fuzz/%.o: %.c
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz_cflags) -c $< -o $@

$(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(fuzz_objects)
	$(Q)$(CLANG) -fsanitize=fuzzer,$(fuzz_sanitizers) -o $@ $^ -ljson-c -lcrypto -lpcap -lz

.PHONY: fuzz golden captures
.SECONDARY: $(fuzz_objects) $(FUZZ_TARGETS:%=$(BUILD)/fuzz/tests/fuzz/%.o)
fuzz: $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%) ## run the fuzz targets, FUZZ_SECONDS each
	$(Q)tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_JOBS) $^
-include $(fuzz_objects:.o=.d) $(FUZZ_TARGETS:%=$(BUILD)/fuzz/tests/fuzz/%.d)

# Captures by real programs and what they must decode to; compared with tshark too, if it is installed.
golden: all ## compare captures with what they must decode to
	$(Q)$(PYTHON) -m pytest -q -p no:cacheprovider tests/golden

captures: deps ## make the captures again, or those in NAMES (root)
	$(call install_packages,$(capture_packages))
	$(Q)$(PYTHON) tests/golden/make_captures.py $(NAMES)

e2e: all $(BUILD)/line ## run the end-to-end tests (root)
	$(Q)$(PYTHON) -m pytest -q tests/e2e

# The delay line of the end-to-end tests: a network between two namespaces that loses and delays.
line_objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/line/*.c))
$(BUILD)/line: $(line_objects)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
-include $(line_objects:.o=.d)

vmtest: all ## test on other kernels, in virtual machines (root)
	$(Q)tests/vm/matrix.sh

bench: deps all ## measure what tlstrace costs (root)
	$(Q)$(PYTHON) tests/bench/bench.py

check-generated: ## check that generated tables match their sources
	$(Q)$(PYTHON) user/tls/names_generate.py --check

man: $(BUILD)/tlstrace.8 ## make the manual page
$(BUILD)/tlstrace.8: docs/tlstrace.8.rst
	$(Q)mkdir -p $(@D)
	$(Q)$(RST2MAN) $< $@

# Completion of the shells, printed by the program from its option table.
completion: $(BUILD)/completion/tlstrace $(BUILD)/completion/_tlstrace ## make the completions of bash and zsh
$(BUILD)/completion/tlstrace: tlstrace
	$(Q)mkdir -p $(@D)
	$(Q)./tlstrace --completion bash > $@
$(BUILD)/completion/_tlstrace: tlstrace
	$(Q)mkdir -p $(@D)
	$(Q)./tlstrace --completion zsh > $@

# Where Debian's zsh looks: packages have a folder of their own.
zsh_folder = $(prefix)/share/zsh/$(if $(filter /usr,$(prefix)),vendor-completions,site-functions)

install: all completion ## install below $(DESTDIR)$(prefix)
	install -D -m 755 tlstrace $(DESTDIR)$(prefix)/sbin/tlstrace
	install -D -m 644 $(BUILD)/completion/tlstrace \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/tlstrace
	install -D -m 644 $(BUILD)/completion/_tlstrace \
		$(DESTDIR)$(zsh_folder)/_tlstrace
	install -D -m 644 docs/events.schema.json $(DESTDIR)$(prefix)/share/doc/tlstrace/events.schema.json
	install -D -m 644 docs/events.md $(DESTDIR)$(prefix)/share/doc/tlstrace/events.md
	install -D -m 644 packaging/tlstrace.default $(DESTDIR)$(sysconfdir)/default/tlstrace
	mkdir -p $(DESTDIR)$(prefix)/lib/systemd/system
	sed 's|@sbin@|$(prefix)/sbin|; s|@sysconfdir@|$(sysconfdir)|' packaging/tlstrace.service.in \
		> $(DESTDIR)$(prefix)/lib/systemd/system/tlstrace.service
	if command -v $(RST2MAN) >/dev/null; then \
		$(MAKE) --no-print-directory man && \
		install -D -m 644 $(BUILD)/tlstrace.8 $(DESTDIR)$(prefix)/share/man/man8/tlstrace.8; \
	fi

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(prefix)/sbin/tlstrace $(DESTDIR)$(prefix)/share/man/man8/tlstrace.8
	rm -f $(DESTDIR)$(prefix)/share/bash-completion/completions/tlstrace \
		$(DESTDIR)$(zsh_folder)/_tlstrace
	rm -f $(DESTDIR)$(prefix)/lib/systemd/system/tlstrace.service $(DESTDIR)$(sysconfdir)/default/tlstrace
	rm -rf $(DESTDIR)$(prefix)/share/doc/tlstrace

compile_commands.json: ## describe each compilation for editors and clang tools
	$(Q)$(PYTHON) packaging/compile_commands.py $(MAKE) > $@.new
	$(Q)mv $@.new $@
.PHONY: compile_commands.json

include packaging/packages.mk

.PHONY: deps-arm64
deps-arm64: deps-build ## install what ARCH=arm64 needs, and download the libraries to link with
	$(call install_packages,$(cross_packages))
	$(Q)packaging/sysroot.sh $(cross_libraries) >/dev/null

clean: ## remove everything that was built
	rm -rf $(BUILD) tlstrace
