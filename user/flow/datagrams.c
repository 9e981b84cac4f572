// SPDX-License-Identifier: BSD-2-Clause
#include "flow/datagrams.h"

bool datagram_next(const struct flow_segment *segment, struct datagram *datagram)
{
	uint32_t size = segment->event->datagram_size, length = segment->event->length;

	datagram->start = datagram->end;
	if (datagram->start >= length)
		return false;
	datagram->end = !size || length - datagram->start < size ? length : datagram->start + size;
	return true;
}

struct slice datagram_bytes(const struct flow_segment *segment, const struct datagram *datagram,
			    uint32_t offset)
{
	const struct tlstrace_slice *slice = segment->event->slices;
	const uint8_t *data = segment->data;
	uint32_t i;

	for (i = 0; i < segment->event->slice_count; data += slice->length, slice++, i++) {
		uint32_t skip = offset - slice->offset, end = slice->offset + slice->length;

		if (offset < slice->offset || offset >= end)
			continue;
		if (end > datagram->end)
			end = datagram->end;
		return (struct slice){data + skip, end - offset};
	}
	return (struct slice){NULL, 0};
}
