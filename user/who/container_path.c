// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_path.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define ID_LENGTH	  64 /* hex digits: Docker, containerd's CRI, CRI-O, Podman */
#define BUILD_ID_LENGTH	  25 /* of BuildKit's steps (identity.NewID(), base 36) */

struct piece {
	const char *text;
	size_t length;
};

typedef bool (*id_form)(struct piece id);

static bool is_made_of(struct piece text, const char *characters)
{
	size_t i;

	for (i = 0; i < text.length; i++)
		if (!strchr(characters, text.text[i]))
			return false;
	return true;
}

static bool is_id(struct piece id)
{
	return id.length == ID_LENGTH && is_made_of(id, "0123456789abcdef");
}

static bool is_docker_id(struct piece id)
{
	return is_id(id) || (id.length == BUILD_ID_LENGTH &&
			     is_made_of(id, "0123456789abcdefghijklmnopqrstuvwxyz"));
}

static bool is_name(struct piece id)
{
	return id.length > 0;
}

/* machined uses this form for libvirt's virtual machines, too. */
static bool is_machine(struct piece id)
{
	return id.length > 0 && strncmp(id.text, "qemu\\x2d", 8) != 0;
}

/* How runtimes name the cgroup of a container; parent: only in a directory of this name. */
static const struct {
	const char *parent, *prefix, *suffix;
	id_form form;
	const char *runtime;
} patterns[] = {
	{NULL, "docker-", ".scope", is_docker_id, "docker"},
	{"docker", "", "", is_docker_id, "docker"},
	{"buildkit", "", "", is_docker_id, "docker"},
	{NULL, "libpod-", ".scope", is_id, "podman"},
	{NULL, "libpod-", "", is_id, "podman"},
	{NULL, "crio-", ".scope", is_id, "cri-o"},
	{NULL, "crio-", "", is_id, "cri-o"},
	{NULL, "cri-containerd-", ".scope", is_id, "containerd"},
	{NULL, "nerdctl-", ".scope", is_id, "containerd"},
	/* systemd's notation, used by a runtime that makes directories: SLICE:PREFIX:ID. */
	{NULL, "docker:", "", is_docker_id, "docker"},
	{NULL, "libpod:", "", is_id, "podman"},
	{NULL, "crio:", "", is_id, "cri-o"},
	{NULL, "cri-containerd:", "", is_id, "containerd"},
	{NULL, "nerdctl:", "", is_id, "containerd"},
	{NULL, "systemd-nspawn@", ".service", is_name, "systemd-nspawn"},
	{"machine.slice", "machine-lxc\\x2d", ".scope", is_name, "libvirt-lxc"},
	{"machine.slice", "machine-", ".scope", is_machine, "systemd-nspawn"},
	{NULL, "lxc.payload.", "", is_name, "lxc"},
	{"lxc.payload", "", "", is_name, "lxc"},
	{"lxc", "", "", is_name, "lxc"},
	{NULL, "", "", is_id, NULL},
};

static bool starts_with(struct piece text, const char *start)
{
	size_t length = strlen(start);

	return text.length >= length && memcmp(text.text, start, length) == 0;
}

static bool ends_with(struct piece text, const char *end)
{
	size_t length = strlen(end);

	return text.length >= length && memcmp(text.text + text.length - length, end, length) == 0;
}

static bool is(struct piece text, const char *other)
{
	return text.length == strlen(other) && starts_with(text, other);
}

static struct piece without(struct piece text, size_t before, size_t after)
{
	return (struct piece){text.text + before, text.length - before - after};
}

static void piece_copy(struct piece from, char to[CONTAINER_ID_SIZE])
{
	snprintf(to, CONTAINER_ID_SIZE, "%.*s", (int)from.length, from.text);
}

/* systemd.unit(5), "string escaping": other characters are written as \xNN. */
static void unescape(char *text)
{
	char *to = text, digits[3] = "";

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == 'x' && isxdigit((unsigned char)text[2]) &&
		    isxdigit((unsigned char)text[3]) && memcmp(text + 2, "00", 2)) {
			memcpy(digits, text + 2, 2);
			*to++ = (char)strtoul(digits, NULL, 16);
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = 0;
}

static bool container_find(struct piece parent, struct piece piece, struct container_path *into)
{
	const char *colon = memchr(piece.text, ':', piece.length);
	size_t i;

	/* The cgroup of one of Podman's pods, not of a container. */
	if (is(parent, "libpod_parent") && !starts_with(piece, "libpod-"))
		return false;
	if (colon)
		piece = without(piece, (size_t)(colon + 1 - piece.text), 0);
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		size_t before = strlen(patterns[i].prefix), after = strlen(patterns[i].suffix);
		struct piece id;

		if ((patterns[i].parent && !is(parent, patterns[i].parent)) ||
		    !starts_with(piece, patterns[i].prefix) ||
		    !ends_with(piece, patterns[i].suffix) || piece.length < before + after)
			continue;
		id = without(piece, before, after);
		if (!patterns[i].form(id))
			continue;
		into->is_container = true;
		into->runtime = patterns[i].runtime;
		piece_copy(id, into->id);
		if (patterns[i].form != is_id)
			unescape(into->id);
		return true;
	}
	return false;
}

/* "pod<uid>", or of systemd's layout "kubepods-burstable-pod<uid>.slice" with _ for -. */
static void pod_find(struct piece piece, struct container_path *into)
{
	static const char digits[] = "0123456789abcdef-_";
	const char *slice = memmem(piece.text, piece.length, ".slice", 6);
	const char *start = starts_with(piece, "pod") ? piece.text : NULL;
	struct piece uid;
	char *at;

	if (starts_with(piece, "kubepods"))
		start = memmem(piece.text, piece.length, "-pod", 4);
	if (!start)
		return;
	uid.text = strstr(start, "pod") + 3;
	uid.length = (size_t)((slice ? slice : piece.text + piece.length) - uid.text);
	/* 32 digits with or without the four hyphens. */
	if (uid.length < 32 || uid.length > 36 || !is_made_of(uid, digits))
		return;
	piece_copy(uid, into->pod_uid);
	for (at = into->pod_uid; *at; at++)
		if (*at == '_')
			*at = '-';
}

static bool is_unit(struct piece piece)
{
	static const char *const types[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (ends_with(piece, types[i]))
			return true;
	return false;
}

/* The first unit is the system's. A unit of a user's systemd is below user@UID.service. */
static void unit_find(struct piece piece, struct container_path *into)
{
	bool manager = strncmp(into->unit, "user@", 5) == 0;

	if (is_unit(piece) && (!into->unit[0] || manager))
		piece_copy(piece, into->unit);
}

static void user_find(struct piece parent, struct piece piece, struct container_path *into)
{
	unsigned long user;
	char *end;

	if (!is(parent, "user.slice") || !starts_with(piece, "user-"))
		return;
	user = strtoul(piece.text + 5, &end, 10);
	if (strncmp(end, ".slice", 6) == 0 && user <= UINT32_MAX)
		into->user = (int64_t)user;
}

static struct piece piece_next(const char **path)
{
	struct piece piece;

	*path += strspn(*path, "/");
	piece = (struct piece){*path, strcspn(*path, "/")};
	*path += piece.length;
	return piece;
}

void container_path_read(const char *path, struct container_path *into)
{
	struct piece parent = {"", 0}, piece;
	const char *start = path;

	*into = (struct container_path){.user = -1};
	while ((piece = piece_next(&path)).length) {
		into->parent_length = piece.text > start ? (size_t)(piece.text - start) - 1 : 0;
		pod_find(piece, into);
		if (container_find(parent, piece, into))
			return;
		unit_find(piece, into);
		user_find(parent, piece, into);
		piece_copy(piece, into->leaf);
		piece_copy(parent, into->leaf_parent);
		parent = piece;
	}
	if (is_unit(parent) || ends_with(parent, ".slice"))
		into->leaf[0] = into->leaf_parent[0] = 0;
}
