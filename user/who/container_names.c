// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_names.h"

#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "who/container.h"
#include "who/document.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(name)	  offsetof(struct container_details, name)

/* Annotations of bundles and labels of Docker that fill a field. The first one that is set counts.
 */
static const struct {
	const char *key;
	size_t field;
} known_keys[] = {
	/* containerd's CRI, pkg/cri/annotations */
	{"io.kubernetes.cri.container-name", FIELD(name)},
	{"io.kubernetes.cri.sandbox-name", FIELD(pod)},
	{"io.kubernetes.cri.sandbox-namespace", FIELD(namespace)},
	{"io.kubernetes.cri.sandbox-uid", FIELD(pod_uid)},
	{"io.kubernetes.cri.image-name", FIELD(image)},
	/* the kubelet's labels, which CRI-O writes as annotations and Docker as labels */
	{"io.kubernetes.container.name", FIELD(name)},
	{"io.kubernetes.pod.name", FIELD(pod)},
	{"io.kubernetes.pod.namespace", FIELD(namespace)},
	{"io.kubernetes.pod.uid", FIELD(pod_uid)},
	/* CRI-O, pkg/annotations */
	{"io.kubernetes.cri-o.ImageName", FIELD(image)},
	/* nerdctl, pkg/labels */
	{"nerdctl/name", FIELD(name)},
	{"nerdctl/namespace", FIELD(namespace)},
	/* OCI image specification, annotations.md */
	{"org.opencontainers.image.ref.name", FIELD(image)},
};

static void field_set(struct container_details *details, size_t field, const char *value)
{
	char **text = (char **)((char *)details + field);

	if (!*text && value && *value)
		*text = strndup(value, CONTAINER_TEXT_MAX);
}

/* NULL if there is no such key, or from is not an object. */
static struct json_object *member(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(from, json_type_object))
		json_object_object_get_ex(from, key, &value);
	return value;
}

/* NULL if it is not a string. */
static const char *string_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static const char *string_member(struct json_object *from, const char *key)
{
	return string_of(member(from, key));
}

static bool string_is(const char *string, const char *other)
{
	return string && strcmp(string, other) == 0;
}

static void known_keys_read(struct json_object *from, struct container_details *details)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_keys); i++)
		field_set(details, known_keys[i].field, string_member(from, known_keys[i].key));
}

static void labels_read(struct json_object *labels, struct container_details *details)
{
	if (!json_object_is_type(labels, json_type_object) || details->labels)
		return;
	details->labels = calloc(CONTAINER_LABELS_MAX, sizeof(*details->labels));
	if (!details->labels)
		return;
	json_object_object_foreach(labels, key, value)
	{
		const char *text = string_of(value);
		struct container_label *label = &details->labels[details->label_count];

		if (!text || details->label_count == CONTAINER_LABELS_MAX)
			continue;
		label->key = strndup(key, CONTAINER_TEXT_MAX);
		label->value = strndup(text, CONTAINER_TEXT_MAX);
		if (label->key && label->value) {
			details->label_count++;
		} else {
			free(label->key);
			free(label->value);
		}
	}
}

bool container_inspect_read(const char *text, size_t length, const char *id,
			    struct container_details *details)
{
	struct json_object *document = document_parse(text, length),
			   *config = member(document, "Config");
	const char *name = string_member(document, "Name");
	bool is_it = string_is(string_member(document, "ID"), id) ||
		     string_is(string_member(document, "Id"), id);

	if (is_it) {
		known_keys_read(member(config, "Labels"), details);
		labels_read(member(config, "Labels"), details);
		/* Docker's own begin with a slash. */
		field_set(details, FIELD(name), name && *name == '/' ? name + 1 : name);
		field_set(details, FIELD(image), string_member(config, "Image"));
	}
	json_object_put(document);
	return is_it;
}

struct storage_wanted {
	const char *id;
	struct container_details *details;
};

static bool storage_entry_read(struct json_object *entry, void *context)
{
	const struct storage_wanted *wanted = context;
	struct container_details *details = wanted->details;
	const char *metadata = string_member(entry, "metadata");
	struct json_object *names = member(entry, "names"), *inner;

	if (!string_is(string_member(entry, "id"), wanted->id))
		return false;
	inner = metadata ? document_parse(metadata, strlen(metadata)) : NULL;
	field_set(details, FIELD(name), string_member(inner, "name"));
	if (json_object_is_type(names, json_type_array) && json_object_array_length(names))
		field_set(details, FIELD(name), string_of(json_object_array_get_idx(names, 0)));
	field_set(details, FIELD(image), string_member(inner, "image-name"));
	json_object_put(inner);
	return true;
}

bool container_storage_read(const char *text, size_t length, const char *id,
			    struct container_details *details)
{
	struct storage_wanted wanted = {id, details};

	return document_find(text, length, id, storage_entry_read, &wanted);
}

/* Bundles of Podman and CRI-O name their runtime. */
static const char *manager_runtime(const char *manager)
{
	if (string_is(manager, "libpod"))
		return "podman";
	return string_is(manager, "cri-o") ? "cri-o" : NULL;
}

bool container_bundle_read(const char *text, size_t length, struct container_details *details)
{
	struct json_object *document = document_parse(text, length),
			   *annotations = member(document, "annotations");
	bool is_bundle = string_member(document, "ociVersion");
	const char *runtime = manager_runtime(string_member(annotations, "io.container.manager"));

	if (is_bundle) {
		known_keys_read(annotations, details);
		if (runtime)
			details->runtime = runtime;
	}
	json_object_put(document);
	return is_bundle;
}

/* Docker mounts files of its own into each container: /var/lib/docker/containers/ID/hostname and
 * others. */
char *container_bundle_docker(const char *text, size_t length, const char *id)
{
	struct json_object *document = document_parse(text, length),
			   *mounts = member(document, "mounts");
	size_t count = json_object_is_type(mounts, json_type_array)
			       ? json_object_array_length(mounts)
			       : 0,
	       i;
	char *directory = NULL;

	for (i = 0; i < count && !directory; i++) {
		const char *source = string_member(json_object_array_get_idx(mounts, i), "source");
		const char *found = source ? strstr(source, id) : NULL;

		if (found && found - source >= 12 && memcmp(found - 12, "/containers/", 12) == 0)
			directory = strndup(source, (size_t)(found - source) + strlen(id));
	}
	json_object_put(document);
	return directory;
}

char *container_state_bundle(const char *text, size_t length)
{
	struct json_object *document = document_parse(text, length);
	struct json_object *labels = member(member(document, "config"), "labels");
	size_t count = json_object_is_type(labels, json_type_array)
			       ? json_object_array_length(labels)
			       : 0,
	       i;
	const char *bundle =
		string_member(document, "bundle"); /* crun's; runc's is among the labels */
	char *copy;

	for (i = 0; i < count && !bundle; i++) {
		const char *label = string_of(json_object_array_get_idx(labels, i));

		if (label && strncmp(label, "bundle=", 7) == 0)
			bundle = label + 7;
	}
	copy = bundle ? strdup(bundle) : NULL;
	json_object_put(document);
	return copy;
}
