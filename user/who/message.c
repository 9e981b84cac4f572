// SPDX-License-Identifier: BSD-2-Clause
#include "who/message.h"

#include <stdlib.h>
#include <string.h>

#include "who/container_path.h"

/* Of an answer; texts follow it, each ended by a NUL: the runtime, those of text_at() and the key
 * and value of each label. An unknown one is empty. */
struct header {
	uint32_t ticket, user;
	uint8_t found;
};

struct cursor {
	char *at, *end;
};

enum { TEXTS = 6 };

static char **text_at(struct container_details *details, int number)
{
	char **const texts[TEXTS] = {&details->id,  &details->name,    &details->image,
				     &details->pod, &details->pod_uid, &details->namespace};

	return texts[number];
}

size_t message_question_size(const struct message_question *question)
{
	return offsetof(struct message_question, about.cgroup) + strlen(question->about.cgroup) + 1;
}

bool message_question_is(const struct message_question *question, size_t length)
{
	const size_t least = offsetof(struct message_question, about.cgroup) + 1;

	return length >= least && length <= sizeof(*question) &&
	       ((const char *)question)[length - 1] == 0;
}

static bool text_write(struct cursor *cursor, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;

	if (size > (size_t)(cursor->end - cursor->at))
		return false;
	memcpy(cursor->at, text ? text : "", size);
	cursor->at += size;
	return true;
}

size_t message_answer_write(const struct message_answer *answer, char packet[ANSWER_MAX])
{
	struct container_details details = answer->details;
	const struct header header = {
		.ticket = answer->ticket, .user = answer->user, .found = answer->found};
	struct cursor cursor = {packet + sizeof(header), packet + ANSWER_MAX};
	size_t label;
	int text;

	memcpy(packet, &header, sizeof(header));
	text_write(&cursor, details.runtime);
	for (text = 0; text < TEXTS; text++)
		text_write(&cursor, *text_at(&details, text));
	for (label = 0; label < details.label_count; label++)
		if (!text_write(&cursor, details.labels[label].key) ||
		    !text_write(&cursor, details.labels[label].value))
			break;
	return (size_t)(cursor.at - packet);
}

bool message_answer_stamp(char *packet, size_t length, uint32_t ticket, uint32_t user)
{
	if (length < sizeof(struct header))
		return false;
	memcpy(packet + offsetof(struct header, ticket), &ticket, sizeof(ticket));
	memcpy(packet + offsetof(struct header, user), &user, sizeof(user));
	return true;
}

/* NULL at the end. */
static const char *text_read(struct cursor *cursor)
{
	const char *text = cursor->at, *end = memchr(text, 0, (size_t)(cursor->end - cursor->at));

	if (!end)
		return NULL;
	cursor->at += end + 1 - text;
	return text;
}

static bool labels_read(struct cursor *cursor, struct container_details *details)
{
	const char *key, *value;
	struct container_label *label;

	while ((key = text_read(cursor)) && (value = text_read(cursor)) &&
	       details->label_count < CONTAINER_LABELS_MAX) {
		if (!details->labels)
			details->labels = calloc(CONTAINER_LABELS_MAX, sizeof(*details->labels));
		if (!details->labels)
			return false;
		label = &details->labels[details->label_count++];
		label->key = strndup(key, CONTAINER_TEXT_MAX);
		label->value = strndup(value, CONTAINER_TEXT_MAX);
		if (!label->key || !label->value)
			return false;
	}
	return true;
}

static bool details_read(struct cursor *cursor, struct container_details *details)
{
	const char *text = text_read(cursor);
	int number;

	if (!text)
		return false;
	details->runtime = container_runtime(text);
	for (number = 0; number < TEXTS; number++) {
		text = text_read(cursor);
		if (!text)
			return false;
		if (!*text)
			continue;
		*text_at(details, number) = strndup(text, CONTAINER_TEXT_MAX);
		if (!*text_at(details, number))
			return false;
	}
	return labels_read(cursor, details);
}

bool message_answer_read(const char *packet, size_t length, struct message_answer *answer)
{
	struct cursor cursor = {(char *)packet + sizeof(struct header), (char *)packet + length};
	struct header header;

	*answer = (struct message_answer){};
	if (length < sizeof(header))
		return false;
	memcpy(&header, packet, sizeof(header));
	answer->ticket = header.ticket;
	answer->user = header.user;
	answer->found = header.found;
	if (details_read(&cursor, &answer->details))
		return true;
	container_details_clear(&answer->details);
	return false;
}
