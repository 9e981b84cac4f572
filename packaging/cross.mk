# SPDX-License-Identifier: BSD-2-Clause
# Building for another architecture: ARCH=arm64. Debian's cross compiler, and the libraries of that
# architecture in a folder of the cache, so that nothing foreign is installed on this machine.

cross_triplet := $(patsubst arm64,aarch64-linux-gnu,$(ARCH))
ifneq ($(cross_triplet),aarch64-linux-gnu)
$(error ARCH=$(ARCH) cannot be built here: only arm64 can; leave ARCH out)
endif
BUILD ?= build/$(ARCH)
program = $(BUILD)/tlstrace
ifeq ($(origin CC),default)
CC = $(cross_triplet)-gcc
endif

ifeq ($(filter deps-%,$(MAKECMDGOALS)),)
cross_root := $(shell packaging/sysroot.sh $(cross_libraries))
ifeq ($(cross_root),)
$(error the libraries for $(ARCH) cannot be had; run make deps-$(ARCH))
endif
endif
cross_folder = $(cross_root)/usr/lib/$(cross_triplet)
PKG_CONFIG := PKG_CONFIG_LIBDIR=$(cross_folder)/pkgconfig \
	PKG_CONFIG_SYSROOT_DIR=$(cross_root) pkg-config
CPPFLAGS += -idirafter $(cross_root)/usr/include \
	-idirafter $(cross_root)/usr/include/$(cross_triplet)
LDFLAGS += --sysroot=$(cross_root) -B$(cross_folder) -L$(cross_folder) \
	-L$(cross_root)/lib/$(cross_triplet)

# Where the libraries are, for tests.
.PHONY: .cross-root
.cross-root:
	@echo $(cross_root)
