/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificates that an end sent: which is what, and whether they fit what was asked for. */
#ifndef TLSTRACE_CHAIN_H
#define TLSTRACE_CHAIN_H

#include "handshake/handshake.h"
#include "tls/certificate.h"

/* From the leaf to the last issuer that was sent, by names and key identifiers, whatever the order
 * in which they were sent. NULL: no certificate was seen. */
struct chain {
	const struct certificate *leaf, *top;
	bool rooted;	/* the top issued itself; if it is the leaf too, that is self-signed */
	bool unrelated; /* certificates that do not belong to the chain were sent too */
};

void handshake_chain(const struct handshake *handshake, enum handshake_end end,
		     struct chain *chain);
/* The end's own certificate, which is its first (RFC 5246 section 7.4.2); NULL: none was seen. */
const struct certificate *handshake_leaf(const struct handshake *handshake, enum handshake_end end);
/* The top of its chain; NULL: none was seen. */
const struct certificate *handshake_top(const struct handshake *handshake, enum handshake_end end);
/* Of an end's certificates the one that expires first, and the one that becomes valid last; NULL:
 * none. */
const struct certificate *handshake_first_to_expire(const struct handshake *handshake,
						    enum handshake_end end);
const struct certificate *handshake_last_to_begin(const struct handshake *handshake,
						  enum handshake_end end);
/* The server's certificate has names or addresses, and none is what the client asked for. */
bool handshake_name_differs(const struct handshake *handshake);

#endif
