// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_lookup.h"

#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "who/container.h"
#include "who/container_api.h"
#include "who/container_manager.h"
#include "who/container_names.h"
#include "who/files.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define FILE_MAX	  (4 << 20) /* containers.json grows by about 600 bytes with each container */

/* Where the runtimes of the system keep things; of a user's below the home (~) or the runtime
 * directory (%). */
static const char *const docker_roots[] = {
	"/var/lib/docker",
	"/var/snap/docker/common/var-lib-docker",
	"~/.local/share/docker",
	NULL,
};
static const char *const storage_roots[] = {
	"/var/lib/containers/storage",
	"/run/containers/storage", /* containers that are not to survive a reboot */
	"~/.local/share/containers/storage",
	"%/containers",
	NULL,
};
static const char *const storage_drivers[] = {"overlay", "vfs", "btrfs", "zfs"};
static const char *const storage_files[] = {"containers.json", "volatile-containers.json"};
static const char *const containerd_states[] = {
	"/run/containerd",
	"/run/docker/containerd/daemon",
	"/run/k3s/containerd",
	"/run/k0s/containerd",
	"/var/snap/microk8s/common/run/containerd",
	"%/containerd",
	NULL,
};
static const char *const runc_states[] = {"/run/crun", "/run/runc", "%/crun", "%/runc", NULL};
static const char *const docker_sockets[] = {"/run/docker.sock", "%/docker.sock", NULL};
static const char *const podman_sockets[] = {"/run/podman/podman.sock", "%/podman/podman.sock",
					     NULL};

struct lookup {
	struct container_api *api;
	const struct container_question *question;
	const char *id; /* certain, or for runtimes that name containers freely the leaf; "" none */
	bool certain;	/* its id is one */
	char home[PATH_MAX]; /* of the user it belongs to; "" it is the system's */
	struct container_details *details;
};

/*
 * A place in the lists above for this container; false if it is not for it. What is in the slice of
 * a user is a container of that user: the name of a cgroup there proves nothing about the system's.
 */
static bool place_expand(const struct lookup *lookup, const char *place, char to[PATH_MAX])
{
	int length;

	if (!strchr("~%", *place) == (lookup->home[0] != 0))
		return false;
	if (*place == '~')
		length = snprintf(to, PATH_MAX, "%s%s", lookup->home, place + 1);
	else if (*place == '%')
		length = snprintf(to, PATH_MAX, "/run/user/%lld%s",
				  (long long)lookup->question->path.user, place + 1);
	else
		length = snprintf(to, PATH_MAX, "%s", place);
	return length < PATH_MAX;
}

static bool docker_file_read(struct lookup *lookup, const char *directory)
{
	size_t length;
	char *text = file_read(directory, "config.v2.json", FILE_MAX, &length);
	bool found = text && container_inspect_read(text, length, lookup->id, lookup->details);

	free(text);
	if (found)
		lookup->details->runtime = "docker";
	return found;
}

static bool docker_disk(struct lookup *lookup)
{
	char root[PATH_MAX], directory[PATH_MAX + 16 + CONTAINER_ID_SIZE];
	size_t i;

	for (i = 0; docker_roots[i]; i++) {
		if (!place_expand(lookup, docker_roots[i], root))
			continue;
		snprintf(directory, sizeof(directory), "%s/containers/%s", root, lookup->id);
		if (docker_file_read(lookup, directory))
			return true;
	}
	return false;
}

/* What a bundle's config.json says; also whose it is, if the bundle is Docker's. */
static bool bundle_read(struct lookup *lookup, const char *directory)
{
	size_t length;
	char *text = file_read(directory, "config.json", FILE_MAX, &length), *docker;
	bool found = text && container_bundle_read(text, length, lookup->details);

	docker = found ? container_bundle_docker(text, length, lookup->id) : NULL;
	if (docker)
		docker_file_read(lookup, docker);
	free(docker);
	free(text);
	return found;
}

static bool storage_directory_read(struct lookup *lookup, const char *directory)
{
	char bundle[PATH_MAX + 64 + CONTAINER_ID_SIZE];
	bool found = false;
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(storage_files) && !found; i++) {
		char *text = file_read(directory, storage_files[i], FILE_MAX, &length);

		found = text && container_storage_read(text, length, lookup->id, lookup->details);
		free(text);
	}
	if (!found)
		return false;
	snprintf(bundle, sizeof(bundle), "%s/%s/userdata", directory, lookup->id);
	bundle_read(lookup, bundle);
	return true;
}

static bool storage_disk(struct lookup *lookup)
{
	char root[PATH_MAX], directory[PATH_MAX + 32];
	size_t i, driver;

	for (i = 0; storage_roots[i]; i++) {
		if (!place_expand(lookup, storage_roots[i], root))
			continue;
		for (driver = 0; driver < ARRAY_SIZE(storage_drivers); driver++) {
			snprintf(directory, sizeof(directory), "%s/%s-containers", root,
				 storage_drivers[driver]);
			if (storage_directory_read(lookup, directory))
				return true;
		}
	}
	return false;
}

/* tasks/NAMESPACE/ID is the bundle. Docker has a namespace of its own. */
static bool containerd_bundle(struct lookup *lookup, const char *tasks, const char *namespace)
{
	char bundle[2 * PATH_MAX];

	snprintf(bundle, sizeof(bundle), "%s/%s/%s", tasks, namespace, lookup->id);
	if (!bundle_read(lookup, bundle))
		return false;
	if (!lookup->details->runtime)
		lookup->details->runtime = strcmp(namespace, "moby") ? "containerd" : "docker";
	if (!lookup->details->namespace && strcmp(namespace, "moby"))
		lookup->details->namespace = strdup(namespace);
	return true;
}

static bool containerd_tasks(struct lookup *lookup, const char *state)
{
	/* Of a container that only may be one, it is its cgroup's parent. */
	const char *only =
		lookup->question->path.is_container ? NULL : lookup->question->path.leaf_parent;
	char tasks[PATH_MAX + 64];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(tasks, sizeof(tasks), "%s/io.containerd.runtime.v2.task", state);
	directory = opendir(tasks);
	while (directory && !found && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && (!only || strcmp(entry->d_name, only) == 0))
			found = containerd_bundle(lookup, tasks, entry->d_name);
	if (directory)
		closedir(directory);
	return found;
}

static bool containerd_disk(struct lookup *lookup)
{
	char state[PATH_MAX];
	size_t i;

	for (i = 0; containerd_states[i]; i++)
		if (place_expand(lookup, containerd_states[i], state) &&
		    containerd_tasks(lookup, state))
			return true;
	return false;
}

/* crun and runc on their own: their state tells where the bundle is. */
static bool runc_disk(struct lookup *lookup)
{
	char root[PATH_MAX], directory[PATH_MAX + 1 + CONTAINER_ID_SIZE];
	size_t i, length;

	for (i = 0; runc_states[i]; i++) {
		bool is_crun = strstr(runc_states[i], "crun");
		char *text, *bundle;
		bool found;

		if (!place_expand(lookup, runc_states[i], root))
			continue;
		snprintf(directory, sizeof(directory), "%s/%s", root, lookup->id);
		text = file_read(directory, is_crun ? "status" : "state.json", FILE_MAX, &length);
		bundle = text ? container_state_bundle(text, length) : NULL;
		found = bundle && bundle_read(lookup, bundle);
		free(bundle);
		free(text);
		if (found && !lookup->details->runtime)
			lookup->details->runtime = is_crun ? "crun" : "runc";
		if (found)
			return true;
	}
	return false;
}

static bool socket_ask(struct lookup *lookup, const char *socket, const char *runtime)
{
	size_t length;
	char *text = container_api_inspect(lookup->api, socket, lookup->id, &length);
	bool found = text && container_inspect_read(text, length, lookup->id, lookup->details);

	free(text);
	if (found)
		lookup->details->runtime = runtime;
	return found;
}

static bool sockets_ask(struct lookup *lookup, const char *variable, const char *const *places,
			const char *runtime)
{
	const char *chosen = getenv(variable);
	char socket[PATH_MAX];
	size_t i;

	if (chosen && strncmp(chosen, "unix://", 7) == 0 && socket_ask(lookup, chosen + 7, runtime))
		return true;
	for (i = 0; places[i]; i++)
		if (place_expand(lookup, places[i], socket) && socket_ask(lookup, socket, runtime))
			return true;
	return false;
}

static bool docker_api(struct lookup *lookup)
{
	return sockets_ask(lookup, "DOCKER_HOST", docker_sockets, "docker");
}

static bool podman_api(struct lookup *lookup)
{
	return sockets_ask(lookup, "CONTAINER_HOST", podman_sockets, "podman");
}

static void text_set(char **text, const char *value)
{
	if (!*text && *value)
		*text = strdup(value);
}

/* Its files, wherever the manager keeps them. */
static void manager_files_read(struct lookup *lookup, const struct container_manager *manager)
{
	char bundle[PATH_MAX + 16 + CONTAINER_ID_SIZE];

	if (manager->many)
		snprintf(bundle, sizeof(bundle), "%s/%s", manager->directory, lookup->id);
	else if (storage_directory_read(lookup, manager->directory))
		return;
	else
		snprintf(bundle, sizeof(bundle), "%s/%s/userdata", manager->directory, lookup->id);
	bundle_read(lookup, bundle);
}

/* Where the cgroup does not tell. */
static void id_set(struct lookup *lookup, const char *id)
{
	char *copy = strdup(id);

	if (!copy)
		return;
	lookup->details->id = copy;
	lookup->id = copy;
	lookup->certain = true;
}

/* Who keeps it running is found while its processes live, wherever the files are. */
static bool manager_ask(struct lookup *lookup)
{
	struct container_details *details = lookup->details;
	struct container_manager manager;

	if (!container_manager_find(lookup->question->pid, &manager) ||
	    (lookup->certain && !manager.many && strcmp(manager.id, lookup->id)))
		return false;
	if (!lookup->certain)
		id_set(lookup, manager.id);
	if (manager.directory[0])
		manager_files_read(lookup, &manager);
	if (!details->runtime)
		details->runtime = manager.runtime;
	text_set(&details->name, manager.name);
	text_set(&details->namespace, manager.namespace);
	return true;
}

static const struct {
	const char *runtime; /* only if it is this, or unknown; NULL: whichever it is */
	bool free_names;     /* containers of this runtime may have any name */
	bool (*ask)(struct lookup *lookup);
} steps[] = {
	{"docker", false, docker_disk}, {"podman", false, storage_disk},
	{"cri-o", false, storage_disk}, {"containerd", true, containerd_disk},
	{"runc", true, runc_disk},	{NULL, true, manager_ask},
	{"docker", false, docker_api},	{"podman", false, podman_api},
};

static void home_find(struct lookup *lookup)
{
	int64_t user = lookup->question->path.user;
	struct passwd entry, *found = NULL;
	char room[4096];

	if (user <= 0) /* the system's, or root's own */
		return;
	if (getpwuid_r((uid_t)user, &entry, room, sizeof(room), &found) || !found)
		strcpy(lookup->home, "/nonexistent");
	else
		snprintf(lookup->home, sizeof(lookup->home), "%s", found->pw_dir);
}

/* Of its runtime, as far as that is known by now, and by an id that it may have given. */
static bool step_is_for(const struct lookup *lookup, size_t step)
{
	const char *runtime = lookup->question->path.runtime;

	if (!runtime)
		runtime = lookup->details->runtime;
	if (runtime && steps[step].runtime && strcmp(runtime, steps[step].runtime))
		return false;
	return lookup->certain || steps[step].ask == manager_ask ||
	       (steps[step].free_names && *lookup->id);
}

bool container_lookup(struct container_api *api, const struct container_question *question,
		      struct container_details *details)
{
	const struct container_path *path = &question->path;
	struct lookup lookup = {.api = api, .question = question, .details = details};
	bool found = false;
	size_t i;

	lookup.certain = path->is_container;
	lookup.id = path->is_container ? path->id : path->leaf;
	home_find(&lookup);
	/* Who knows it may not know its name: files of a dockerd that has a mount namespace of its
	 * own are not here. */
	for (i = 0; i < ARRAY_SIZE(steps) && !details->name; i++) {
		if (!step_is_for(&lookup, i) || !steps[i].ask(&lookup))
			continue;
		found = true;
		if (!lookup.certain)
			id_set(&lookup, lookup.id);
	}
	return found;
}
