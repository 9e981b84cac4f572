/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a row: the handshake object of docs/events.md as one table, in the order in which
 * JSON has it, and after that fields which are derived from others. JSON, --columns, csv,
 * expressions and --fields all come from this table.
 *
 * To read a field, start a row and visit it:
 *
 *	struct field_row row = {.handshake = handshake, .clock_offset_ns = offset};
 *	state = field_visit(field_find("tls.group"), &row, visitor, user);
 *
 * Nothing is allocated. What a value points to lives until the next read of the same row.
 */
#ifndef TLSTRACE_FIELDS_H
#define TLSTRACE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/handshake.h"
#include "handshake/words.h"

#define FIELD_TEXT_SIZE 512

enum field_type {
	FIELD_BOOL,	/* boolean */
	FIELD_NUMBER,	/* number: a count, a size, an id */
	FIELD_DURATION, /* ns, may be negative; docs/events.md has it in microseconds */
	FIELD_TIME,	/* seconds and ns since 1970, UTC */
	FIELD_DATE,	/* the same without a fraction: certificates */
	FIELD_WORD,	/* number: one of field->words */
	FIELD_NAME,	/* text: a word of ours, safe to print */
	FIELD_CODE,	/* number: a code point of field->registry */
	FIELD_VERSION,	/* the same; field_version_rank() orders it */
	FIELD_TEXT,	/* text: bytes that anybody may have chosen; escape them */
	FIELD_HEX,	/* text: bytes to be written in hexadecimal */
	FIELD_IP,	/* address, without its port */
	FIELD_ENDPOINT, /* address and port */
	FIELD_LABEL,	/* key and text, both chosen by anybody; JSON has an object of them */
	FIELD_OBJECT,	/* has no value: what follows with its path as prefix is in it */
	FIELD_OBJECTS,	/* the same, a list */
	FIELD_TYPES,
};

enum field_state {
	FIELD_KNOWN,
	FIELD_ABSENT,  /* it is known that there is none: no SNI, no failure, no container */
	FIELD_UNKNOWN, /* it was not seen, or cannot be seen */
	FIELD_END,     /* of a reader: there is no such item. field_visit() does not return it */
};

/* A registry of code points. */
struct field_registry {
	const char *name; /* for messages: "group" */
	const char *(*code_name)(uint16_t code);
	uint32_t max; /* highest code point */
	bool has_grease;
};

extern const struct field_registry registry_version, registry_cipher, registry_group,
	registry_signature, registry_extension, registry_point_format, registry_psk_mode,
	registry_compression, registry_heartbeat;

struct field_value {
	union {
		bool boolean;
		uint64_t number;
		int64_t duration_ns;
		struct {
			int64_t seconds;
			uint32_t ns;
		} time;
		struct {
			const void *bytes;
			size_t length;
			const char *key; /* of a label, NUL-terminated */
		} text;
		const struct address *address;
	};
};

/* A handshake whose fields are read, and where in its lists the reading is. */
struct field_row {
	const struct handshake *handshake;
	int64_t clock_offset_ns; /* to add to a time for CLOCK_REALTIME */
	/* Writes the verdict, since its words belong to the sinks; NULL: the field is unknown. */
	void (*verdict)(const struct handshake *handshake, char *to, size_t size);
	size_t element;		      /* of a list of objects */
	size_t item;		      /* of a list of values; */
	size_t cursor;		      /* what its reader keeps from one item to the next */
	char buffer[FIELD_TEXT_SIZE]; /* for text that is made as it is read */
};

struct field {
	const char *path;
	uint8_t length; /* of the path */
	uint8_t prefix; /* of the path of the object it is in, with its dot */
	enum field_type type;
	bool is_list;		  /* reads item after item until FIELD_END */
	bool repeats;		  /* is in a list of objects: has values of each */
	bool is_derived;	  /* not in JSON */
	bool says_unknown;	  /* JSON has "unknown" instead of null */
	bool has_details;	  /* only known where the sinks ask for details: sink.h */
	enum field_state missing; /* of the general readers: what 0 or NULL means */
	enum handshake_end end;
	uint16_t offset; /* of the general readers: within the object that base finds */
	/* The object it is in; NULL: the handshake. */
	enum field_state (*base)(const struct field *, const struct field_row *, const void **);
	enum field_state (*read)(const struct field *, struct field_row *, const void *base,
				 struct field_value *);
	union {
		const struct words *words;
		const struct field_registry *registry;
		enum phase_kind phase; /* whose time it is */
	};
	const char *help; /* one line without a full stop */
};

struct field_alias {
	const char *name, *path;
};

extern const struct field fields[];
extern const size_t field_count;
extern const struct field_alias field_aliases[];
extern const size_t field_alias_count;

/* By path or alias, of this length; NULL: there is none. Objects are found too. */
const struct field *field_find(const char *name, size_t length);
/* The field or alias whose name is most like this one, for "did you mean"; NULL: none is. */
const char *field_nearest(const char *name, size_t length);
/* NULL: it has none. */
const char *field_alias(const struct field *field);
bool field_is_object(const struct field *field);
/* "text", "bool", "list of group" ...; to is at least 48 bytes. */
void field_type_name(const struct field *field, char *to, size_t size);

#define FIELD_LIST_MAX 64

struct field_list {
	const struct field *items[FIELD_LIST_MAX];
	size_t count;
};

/*
 * Names separated by commas. NULL: all are fields with a value; otherwise the first name that is
 * not, or for which there is no room, of this length.
 */
const char *field_list_parse(struct field_list *list, const char *names, size_t *length);
bool field_list_has_details(const struct field_list *list);

/* Gets one value, or NULL for one of a list that is not known; true: go on. */
typedef bool field_visitor(void *user, const struct field *field, const struct field_value *value);

/*
 * Hand over each value: one, or those of a list. FIELD_KNOWN: it is known, an empty list too;
 * otherwise the visitor was not called.
 */
enum field_state field_visit(const struct field *field, struct field_row *row, field_visitor *visit,
			     void *user);
/* The first value. FIELD_END: an empty list. */
enum field_state field_read(const struct field *field, struct field_row *row,
			    struct field_value *value);
/*
 * For a writer that walks objects itself: whether the object a field is in, or is, exists; its
 * list is at row->element. FIELD_END: the list has no such element.
 */
enum field_state field_object(const struct field *field, const struct field_row *row,
			      const void **base);

/* Among versions of TLS and DTLS alike: rises with the protocol; 0: no version that has a rank. */
unsigned int field_version_rank(uint16_t version);
/* A code point by its name, without regard to case, or as 0x1234; false: there is none. */
bool registry_code(const struct field_registry *registry, const char *name, size_t length,
		   uint16_t *code);

#endif
