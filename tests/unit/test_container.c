// SPDX-License-Identifier: BSD-2-Clause
/* Containers by the path of their cgroup, as runtimes really name them, and as somebody hostile
 * might. */
#include <stdlib.h>

#include "build.h"
#include "who/container.h"
#include "who/container_path.h"

#define ID	  "4c9f0d2a8b7e6f5a4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
#define OTHER	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID	  "12345678-9abc-def0-1234-56789abcdef0"
#define UID_SLICE "12345678_9abc_def0_1234_56789abcdef0"
#define BUILD	  "x3k2v0q9r8s7t6u5w4y3z2a1b0"

static const struct sample {
	const char *path, *runtime, *id, *pod_uid, *unit;
} containers[] = {
	/* Docker: directories (v1 and v2), systemd, rootless, a parent of the user's choice, a
	   build. */
	{"/docker/" ID, "docker", ID, "", ""},
	{"/system.slice/docker-" ID ".scope", "docker", ID, "", ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", "docker",
	 ID, "", "user@1000.service"},
	{"/actions_job/" ID, NULL, ID, "", ""},
	{"/docker/buildkit/abcdefghijklmnopqrstuvwxy", "docker", "abcdefghijklmnopqrstuvwxy", "",
	 ""},
	{"/system.slice/docker-abcdefghijklmnopqrstuvwx0.scope", "docker",
	 "abcdefghijklmnopqrstuvwx0", "", ""},
	/* Podman: root and rootless, with systemd and without, within its own subgroup. */
	{"/machine.slice/libpod-" ID ".scope", "podman", ID, "", ""},
	{"/machine.slice/libpod-" ID ".scope/container", "podman", ID, "", ""},
	{"/libpod_parent/libpod-" ID, "podman", ID, "", ""},
	{"/libpod_parent/" OTHER "/libpod-" ID, "podman", ID, "", ""}, /* in a pod */
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
	 "podman", ID, "", "user@1000.service"},
	/* Kubernetes: directories and systemd, each class of service, each runtime. */
	{"/kubepods/pod" UID "/" ID, NULL, ID, UID, ""},
	{"/kubepods/besteffort/pod" UID "/" ID, NULL, ID, UID, ""},
	{"/kubepods/burstable/pod" UID "/crio-" ID, "cri-o", ID, UID, ""},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_SLICE
	 ".slice/cri-containerd-" ID ".scope",
	 "containerd", ID, UID, ""},
	{"/kubepods.slice/kubepods-pod" UID_SLICE ".slice/crio-" ID ".scope", "cri-o", ID, UID, ""},
	{"/kubepods.slice/kubepods-pod" UID_SLICE ".slice/crio-" ID ".scope/container", "cri-o", ID,
	 UID, ""},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_SLICE
	 ".slice/docker-" ID ".scope",
	 "docker", ID, UID, ""},
	{"/kubelet/kubepods/pod" UID "/" ID, NULL, ID, UID, ""},
	/* A static pod's uid is a hash. */
	{"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" ID, NULL, ID,
	 "0123456789abcdef0123456789abcdef", ""},
	/* A kubelet with systemd's notation, a containerd without: seen on many a cluster. */
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_SLICE
	 ".slice:cri-containerd:" ID,
	 "containerd", ID, UID, "containerd.service"},
	{"/system.slice:docker:" ID, "docker", ID, "", ""},
	/* containerd's own users. */
	{"/default/" ID, NULL, ID, "", ""},
	{"/system.slice/nerdctl-" ID ".scope", "containerd", ID, "", ""},
	/* LXC of all ages, systemd-nspawn both ways, libvirt's containers. */
	{"/lxc.payload.web", "lxc", "web", "", ""},
	{"/lxc.payload.web/system.slice/nginx.service", "lxc", "web", "", ""},
	{"/lxc/web", "lxc", "web", "", ""},
	{"/lxc.payload/web", "lxc", "web", "", ""},
	{"/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn", "web", "", ""},
	{"/machine.slice/machine-my\\x2dweb.scope", "systemd-nspawn", "my-web", "", ""},
	{"/machine.slice/machine-lxc\\x2d17\\x2dweb.scope", "libvirt-lxc", "17-web", "", ""},
	/* Of nested ones the outermost, whatever those within call themselves. */
	{"/docker/" ID "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_SLICE
	 ".slice/cri-containerd-" OTHER ".scope",
	 "docker", ID, "", ""},
	{"/lxc.payload.web/docker/" ID, "lxc", "web", "", ""},
	{"//docker//" ID "/", "docker", ID, "", ""},
};

/* No containers; the leaf is what a runtime may be asked about. */
static const struct {
	const char *path, *unit, *leaf, *parent;
	int64_t user;
} others[] = {
	{"/", "", "", "", -1},
	{"", "", "", "", -1},
	{"/system.slice/nginx.service", "nginx.service", "", "", -1},
	{"/system.slice/system-postgresql.slice/postgresql@15-main.service",
	 "postgresql@15-main.service", "", "", -1},
	{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", 1000},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-7.scope",
	 "app-firefox-7.scope", "", "", 1000},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", "", "", 1000},
	{"/init.scope", "init.scope", "", "", -1},
	{"/system.slice/docker.service", "docker.service", "", "", -1},
	{"/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", "", -1},
	{"/kubepods.slice/kubepods-pod" UID_SLICE ".slice/crio-conmon-" ID ".scope",
	 "crio-conmon-" ID ".scope", "", "", -1},
	{"/lxc.monitor.web", "", "lxc.monitor.web", "", -1},
	{"/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "machine-qemu\\x2d1\\x2dweb.scope", "",
	 "", -1},
	{"/default/web", "", "web", "default", -1},
	{"/user.slice/user-0.slice/session-1.scope/web", "session-1.scope", "web",
	 "session-1.scope", 0},
	/* Almost. */
	{"/docker/4c9f", "", "4c9f", "docker", -1},
	{"/docker/" BUILD, "", BUILD, "docker", -1},
	{"/system.slice/docker-" ID, "", "docker-" ID, "system.slice", -1},
	{"/docker-.scope", "docker-.scope", "", "", -1},
	{"/docker-" ID "0.scope", "docker-" ID "0.scope", "", "", -1},
	{"/a:b:", "", "a:b:", "", -1},
	{"/user.slice/user-x.slice/x", "", "x", "user-x.slice", -1},
	{"/user.slice/user-99999999999999999999.slice/x", "", "x",
	 "user-99999999999999999999.slice", -1},
};

static void path_read(const char *text, struct container_path *said)
{
	char *path = strdup(text); /* not one byte to spare */

	assert_non_null(path);
	container_path_read(path, said);
	free(path);
}

static void test_containers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
		const struct sample *want = &containers[i];
		struct container_path said;

		path_read(want->path, &said);
		assert_true(said.is_container);
		assert_string_equal(said.id, want->id);
		if (want->runtime)
			assert_string_equal(said.runtime, want->runtime);
		else
			assert_null(said.runtime);
		assert_string_equal(said.pod_uid, want->pod_uid);
		assert_string_equal(said.unit, want->unit);
	}
}

static void test_others(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct container_path said;

		path_read(others[i].path, &said);
		assert_false(said.is_container);
		assert_string_equal(said.id, "");
		assert_string_equal(said.unit, others[i].unit);
		assert_string_equal(said.leaf, others[i].leaf);
		assert_string_equal(said.leaf_parent, others[i].parent);
		assert_int_equal(said.user, others[i].user);
	}
}

/* Whatever it is, it is read without a fault, and what comes out is bounded. */
static void test_hostile(void **state)
{
	static const char *const pieces[] = {
		"/",	  ":",	   "docker-",	 "lxc.payload.", "\\x2",
		"\\x00",  "\\x41", ".scope",	 "kubepods",	 "-pod",
		".slice", "user-", "user.slice", "\xff\x1b[31m", ID};
	struct container_path said;
	char path[8192];
	unsigned int seed = 1;
	size_t i, length;

	(void)state;
	for (i = 0; i < 20000; i++) {
		path[0] = 0;
		for (length = 0; length < i % 40; length++) {
			seed = seed * 1103515245 + 12345;
			strcat(path, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		path_read(path, &said);
		assert_true(strlen(said.id) < CONTAINER_ID_SIZE);
	}
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	memcpy(path, "/lxc/", 5);
	path_read(path, &said);
	assert_int_equal(strlen(said.id), CONTAINER_ID_SIZE - 1);
	path_read("/lxc/a\\x00b\\x1b", &said);
	assert_string_equal(said.id, "a\\x00b\x1b");
}

/* Who owns the directory in which a container's was made may have given it its name. */
static void test_parents(void **state)
{
	static const struct {
		const char *path;
		size_t length;
	} samples[] = {
		{"/docker/" ID, 7},
		{"/docker/" ID "/deeper", 7},
		{"/a/b/docker-" ID ".scope", 4},
		{"/lxc.payload.web/x/y", 0},
		{"/a/b", 2},
		{"/", 0},
		{"", 0},
		{"a", 0},
		{"a/b", 1},
	};
	struct container_path said;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		path_read(samples[i].path, &said);
		assert_int_equal(said.parent_length, samples[i].length);
	}
}

static void assert_called(const struct container *container, const char *expected)
{
	char called[64];

	assert_int_equal(container_called(container, called, sizeof(called)), strlen(expected));
	assert_string_equal(called, expected);
}

static void test_choose(void **state)
{
	struct container *container = container_new();

	(void)state;
	assert_non_null(container);
	assert_false(container_is(NULL, "web"));
	assert_false(container_is(container, "*")); /* nobody knows yet whether it is one */
	container_name_by_cgroup(container, ID, "docker", 0);
	assert_called(container, "4c9f0d2a8b7e");
	assert_true(container_is(container, ID));
	assert_true(container_is(container, "4c9f0d"));
	assert_false(container_is(container, "4c9f0")); /* might be a name */
	assert_true(container_is(container, "4c9f*"));
	assert_false(container_is(container, "web-?"));
	container_learn(container, &(struct container_details){.name = strdup("web-1")}, 0);
	assert_int_equal(container->how, CONTAINER_BY_RUNTIME);
	assert_called(container, "web-1");
	assert_true(container_is(container, "web-?"));
	assert_true(container_is(container, "4c9f0d2a8b7e"));
	assert_false(container_is(container, "4c9f*")); /* a pattern is for the name */
	assert_false(container_is(container, "web"));
	assert_false(container_is(container, ID "0"));
	container_put(container_get(container));
	container_put(container);
}

/* What a user claims is not what somebody who asks for a name means. */
static void test_claimed(void **state)
{
	static const struct {
		const char *pattern;
		bool matches;
	} samples[] = {
		{"prod-db", false},	 {"*", false},
		{"4c9f0d2a8b7e", false}, {ID, false},
		{"1000/prod-db", true},	 {"1000/prod-?b", true},
		{"*/prod-db", true},	 {"1*/*", true},
		{"1000/4c9f0d", true},	 {"100/prod-db", false},
		{"/prod-db", false},	 {"1000/", false},
		{"0/prod-db", false},	 {"1000/other", false},
	};
	struct container *container = container_new();
	size_t i;

	(void)state;
	assert_non_null(container);
	container_name_by_cgroup(container, ID, "docker", 1000);
	assert_called(container, "1000/4c9f0d2a8b7e");
	container_learn(container, &(struct container_details){.name = strdup("prod-db")}, 1000);
	assert_int_equal(container->how, CONTAINER_CLAIMED);
	assert_called(container, "1000/prod-db");
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		assert_int_equal(container_is(container, samples[i].pattern), samples[i].matches);
	/* Root's runtime proves it. */
	container_learn(container, &(struct container_details){.name = strdup("1/x")}, 0);
	assert_called(container, "1/x");
	assert_false(container_is(container, "x"));
	container_put(container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers), cmocka_unit_test(test_others),
		cmocka_unit_test(test_hostile),	   cmocka_unit_test(test_parents),
		cmocka_unit_test(test_choose),	   cmocka_unit_test(test_claimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
