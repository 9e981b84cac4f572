// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_lookup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "who/container.h"
#include "who/container_api.h"
#include "who/container_manager.h"
#include "who/container_names.h"
#include "who/files.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Where root's runtimes keep their files, and a user's: below the home (~) or the runtime directory
 * (%). */
static const char *const docker_roots[] = {
	"/var/lib/docker",
	"/var/snap/docker/common/var-lib-docker",
	"~/.local/share/docker",
	NULL,
};
static const char *const storage_roots[] = {
	"/var/lib/containers/storage",
	"/run/containers/storage", /* containers that end with the next reboot */
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
	struct container_path path;
	enum files_of whose;
	int root;	  /* descriptor of the directory that paths begin at */
	const char *id;	  /* or, unless certain, the last directory of the path; "" none */
	bool certain;	  /* id is the id of a container */
	const char *home; /* of the user whose runtimes are asked */
	struct container_details *details;
};

/* A location of the lists above; false if it is for the other kind of user: root or not. */
static bool location_expand(const struct lookup *lookup, const char *location, char to[PATH_MAX])
{
	int length;

	if (!strchr("~%", *location) == (lookup->whose == FILES_OF_USER))
		return false;
	if (*location == '~')
		length = snprintf(to, PATH_MAX, "%s%s", lookup->home, location + 1);
	else if (*location == '%')
		length = snprintf(to, PATH_MAX, "/run/user/%u%s", lookup->question->user,
				  location + 1);
	else
		length = snprintf(to, PATH_MAX, "%s", location);
	return length < PATH_MAX;
}

static char *lookup_read(const struct lookup *lookup, const char *directory, const char *name,
			 size_t *length)
{
	int at = path_open(lookup->whose, lookup->root, directory);
	char *text;

	if (at < 0)
		return NULL;
	text = file_read(lookup->whose, at, name, length);
	close(at);
	return text;
}

static bool docker_file_read(struct lookup *lookup, const char *directory)
{
	size_t length;
	char *text = lookup_read(lookup, directory, "config.v2.json", &length);
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
		if (!location_expand(lookup, docker_roots[i], root))
			continue;
		snprintf(directory, sizeof(directory), "%s/containers/%s", root, lookup->id);
		if (docker_file_read(lookup, directory))
			return true;
	}
	return false;
}

/* What config.json of a bundle says, and Docker's own file if the bundle is Docker's. */
static bool bundle_read(struct lookup *lookup, const char *directory)
{
	size_t length;
	char *text = lookup_read(lookup, directory, "config.json", &length), *docker;
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
		char *text = lookup_read(lookup, directory, storage_files[i], &length);

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
		if (!location_expand(lookup, storage_roots[i], root))
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

static DIR *lookup_list(const struct lookup *lookup, const char *path)
{
	int at = path_open(lookup->whose, lookup->root, path);
	int fd = at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (at >= 0)
		close(at);
	if (fd >= 0 && !directory)
		close(fd);
	return directory;
}

static bool containerd_tasks(struct lookup *lookup, const char *state)
{
	/* If the path names no container, its cgroup's parent is the namespace. */
	const char *only = lookup->path.is_container ? NULL : lookup->path.leaf_parent;
	char tasks[PATH_MAX + 64];
	struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(tasks, sizeof(tasks), "%s/io.containerd.runtime.v2.task", state);
	directory = lookup_list(lookup, tasks);
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
		if (location_expand(lookup, containerd_states[i], state) &&
		    containerd_tasks(lookup, state))
			return true;
	return false;
}

/* crun and runc without another runtime: their state file says where the bundle is. */
static bool runc_disk(struct lookup *lookup)
{
	char root[PATH_MAX], directory[PATH_MAX + 1 + CONTAINER_ID_SIZE];
	size_t i, length;

	for (i = 0; runc_states[i]; i++) {
		bool is_crun = strstr(runc_states[i], "crun");
		char *text, *bundle;
		bool found;

		if (!location_expand(lookup, runc_states[i], root))
			continue;
		snprintf(directory, sizeof(directory), "%s/%s", root, lookup->id);
		text = lookup_read(lookup, directory, is_crun ? "status" : "state.json", &length);
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

static bool socket_ask(struct lookup *lookup, const char *path, const char *runtime)
{
	int socket = path_open(lookup->whose, lookup->root, path);
	size_t length;
	char *text;
	bool found;

	if (socket < 0)
		return false;
	text = container_api_inspect(lookup->api, path, socket, lookup->id, &length);
	close(socket);
	found = text && container_inspect_read(text, length, lookup->id, lookup->details);
	free(text);
	if (found)
		lookup->details->runtime = runtime;
	return found;
}

static bool sockets_ask(struct lookup *lookup, const char *variable, const char *const *paths,
			const char *runtime)
{
	const char *chosen = getenv(variable);
	char socket[PATH_MAX];
	size_t i;

	if (chosen && strncmp(chosen, "unix://", 7) == 0 && socket_ask(lookup, chosen + 7, runtime))
		return true;
	for (i = 0; paths[i]; i++)
		if (location_expand(lookup, paths[i], socket) &&
		    socket_ask(lookup, socket, runtime))
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

/* Where containerd keeps bundles: beside the directory that its shim works in. */
static bool manager_directory(const struct container_manager *manager, char to[PATH_MAX + 4])
{
	char path[64];
	ssize_t length;

	if (!manager->many) {
		strcpy(to, manager->directory);
		return *to;
	}
	snprintf(path, sizeof(path), "/proc/%u/cwd", manager->pid);
	length = readlink(path, to, PATH_MAX - 1);
	if (length <= 0)
		return false;
	strcpy(to + length, "/..");
	return true;
}

/* Files of the container, wherever the manager keeps them. */
static void manager_files_read(struct lookup *lookup, const struct container_manager *manager)
{
	char directory[PATH_MAX + 4], bundle[PATH_MAX + 32 + CONTAINER_ID_SIZE], root[64];
	int before = lookup->root;

	snprintf(root, sizeof(root), "/proc/%u/root", manager->pid);
	lookup->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (lookup->root >= 0 && manager_directory(manager, directory) &&
	    (manager->many || !storage_directory_read(lookup, directory))) {
		snprintf(bundle, sizeof(bundle), "%s/%s%s", directory, lookup->id,
			 manager->many ? "" : "/userdata");
		bundle_read(lookup, bundle);
	}
	if (lookup->root >= 0)
		close(lookup->root);
	lookup->root = before;
}

/* For a container that its cgroup does not name. */
static void id_set(struct lookup *lookup, const char *id)
{
	char *copy = strdup(id);

	if (!copy)
		return;
	lookup->details->id = copy;
	lookup->id = copy;
	lookup->certain = true;
}

/* A manager is found only while the container's processes live. */
static bool manager_ask(struct lookup *lookup)
{
	const struct container_question *question = lookup->question;
	struct container_details *details = lookup->details;
	struct container_manager manager;

	if (!container_manager_find(question->pid, question->start_ns,
				    lookup->whose == FILES_OF_USER ? question->user : 0,
				    &manager) ||
	    (lookup->certain && !manager.many && strcmp(manager.id, lookup->id)))
		return false;
	if (!lookup->certain)
		id_set(lookup, manager.id);
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

/*
 * A step is for one runtime, and needs an id that this runtime may have given. Names of cgroups
 * that a user chooses say nothing about root's containers, so root's files and sockets are not
 * asked about them; root's managers are.
 */
static bool step_is_for(const struct lookup *lookup, size_t step)
{
	const char *runtime = lookup->path.runtime;
	bool is_manager = steps[step].ask == manager_ask;

	if (!runtime)
		runtime = lookup->details->runtime;
	if (runtime && steps[step].runtime && strcmp(runtime, steps[step].runtime))
		return false;
	if (lookup->whose == FILES_OF_ROOT && lookup->question->user && !is_manager)
		return false;
	return lookup->certain || is_manager || (steps[step].free_names && *lookup->id);
}

bool container_lookup(struct container_api *api, const struct container_question *question,
		      const char *home, struct container_details *details)
{
	struct lookup lookup = {.api = api, .question = question, .details = details};
	bool found = false;
	size_t i;

	lookup.whose = home ? FILES_OF_USER : FILES_OF_ROOT;
	lookup.home = home;
	container_path_read(question->cgroup, &lookup.path);
	lookup.certain = lookup.path.is_container;
	lookup.id = lookup.certain ? lookup.path.id : lookup.path.leaf;
	lookup.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* The first that knows the container may not know its name: the files of a dockerd in a
	 * mount namespace of its own cannot be seen, but its socket can be asked. */
	for (i = 0; lookup.root >= 0 && i < ARRAY_SIZE(steps) && !details->name; i++) {
		if (!step_is_for(&lookup, i) || !steps[i].ask(&lookup))
			continue;
		found = true;
		if (!lookup.certain)
			id_set(&lookup, lookup.id);
	}
	if (lookup.root >= 0)
		close(lookup.root);
	return found;
}
