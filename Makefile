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
BUILD ?= build

# bpftool lives in sbin, which a plain user's or sudo's PATH may lack.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# 1 makes warnings errors (CI).
WERROR ?=

VERSION := $(shell git -C $(CURDIR) describe --tags --always --dirty 2>/dev/null || echo unknown)
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

ifeq ($(V),1)
Q =
say = @true
else
Q = @
say = @printf '  %-7s %s\n'
endif

warnings = -Wall -Wextra -Wmissing-prototypes $(if $(WERROR),-Werror)
reproducible = -ffile-prefix-map=$(CURDIR)=.

packages = libbpf json-c libmnl
CFLAGS ?= -O2 -g
all_cflags = -std=gnu11 $(CFLAGS) $(warnings) $(reproducible) -D_GNU_SOURCE -Iuser -Ibpf -I$(BUILD) \
	-MMD -MP $(shell $(PKG_CONFIG) --cflags $(packages) 2>/dev/null)
all_libs = $(shell $(PKG_CONFIG) --libs $(packages) 2>/dev/null) -lelf -lz

# Never compiled for the build host's kernel: types come from vmlinux/, CO-RE does the rest.
bpf_cflags = -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
	$(if $(WERROR),-Werror) $(reproducible) -Ivmlinux -Ibpf \
	$(if $(MULTIARCH),-I/usr/include/$(MULTIARCH)) -MMD -MP

sources = $(sort $(wildcard user/*.c user/*/*.c))
objects = $(sources:%.c=$(BUILD)/%.o)

.DELETE_ON_ERROR:
.PHONY: all help deps demo test unit e2e vmtest bench install uninstall clean check-generated man

all: tlstrace

help:
	@echo 'all deps demo test unit e2e vmtest bench install uninstall clean'

tlstrace: $(objects)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(objects) $(all_libs)

$(BUILD)/%.o: %.c Makefile
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(all_cflags) -c $< -o $@

# The one file that includes the skeleton.
$(BUILD)/user/source/live.o: $(BUILD)/tlstrace.skel.h

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
$(BUILD)/user/main.o $(BUILD)/user/options.o: $(BUILD)/version.h
FORCE:

-include $(objects:.o=.d) $(BUILD)/bpf/tlstrace.bpf.d

clean:
	rm -rf $(BUILD) tlstrace
