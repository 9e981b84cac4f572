/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel contract with the integer types it asks its includer for, without a Linux header. */
#ifndef TLSTRACE_TYPES_H
#define TLSTRACE_TYPES_H

#ifdef __linux__
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef int32_t __s32;
typedef uint64_t __u64;
#endif

#include "tlstrace.h"

#endif
