// SPDX-License-Identifier: BSD-2-Clause
/* What runtimes write down of containers, and what somebody else might have written in its place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "who/container.h"
#include "who/container_manager.h"
#include "who/container_names.h"
#include "who/document.h"

#define ID    "4c9f0d2a8b7e6f5a4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_text(const char *got, const char *expected)
{
	if (!got || !expected)
		assert_ptr_equal(got, expected);
	else
		assert_string_equal(got, expected);
}

/* A copy with not one byte to spare, nor a NUL. */
static char *exactly(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

typedef bool (*id_reader)(const char *text, size_t length, const char *id,
			  struct container_details *details);

static bool read_for(id_reader read, const char *text, struct container_details *details)
{
	char *copy = exactly(text, strlen(text));
	bool is_it = read(copy, strlen(text), ID, details);

	free(copy);
	return is_it;
}

static void test_docker(void **state)
{
	/* dockerd 28 writes config.v2.json like this, and much more. */
	static const char file[] = "{\"State\":{\"Running\":true,\"Pid\":11782},\"ID\":\"" ID
				   "\",\"Config\":{\"Hostname\":"
				   "\"ede35a44e680\",\"Image\":\"nginx:1\",\"Labels\":{\"a\":\"b\","
				   "\"n\":1,\"com.docker.compose.service\":"
				   "\"web\"}},\"Name\":\"/web-1\"}";
	/* Its API says the same, but for the name of the id. cri-dockerd's containers have the
	 * kubelet's labels. */
	static const char api[] =
		"{\"Id\":\"" ID "\",\"Name\":\"/k8s_web_shop-1_prod_uid_0\",\"Config\":{\"Image\":"
		"\"sha256:1\",\"Labels\":{\"io.kubernetes.container.name\":\"web\",\"io.kubernetes."
		"pod.name\":\"shop-1\","
		"\"io.kubernetes.pod.namespace\":\"prod\",\"io.kubernetes.pod.uid\":\"u-1\"}}}";
	struct container_details details = {};

	(void)state;
	assert_true(read_for(container_inspect_read, file, &details));
	assert_text(details.name, "web-1");
	assert_text(details.image, "nginx:1");
	assert_text(details.pod, NULL);
	assert_int_equal(details.label_count, 2);
	assert_text(details.labels[0].key, "a");
	assert_text(details.labels[1].value, "web");
	container_details_clear(&details);
	assert_true(read_for(container_inspect_read, api, &details));
	assert_text(details.name, "web");
	assert_text(details.pod, "shop-1");
	assert_text(details.namespace, "prod");
	assert_text(details.pod_uid, "u-1");
	container_details_clear(&details);
}

static void test_storage(void **state)
{
	static const char file[] = "[{\"id\":\"" OTHER "\",\"names\":[\"other\"]},{\"id\":\"" ID
				   "\",\"names\":[\"web\"],"
				   "\"metadata\":\"{\\\"image-name\\\":\\\"localhost/"
				   "tiny:1\\\",\\\"name\\\":\\\"web\\\"}\"}]";
	struct container_details details = {};

	(void)state;
	assert_true(read_for(container_storage_read, file, &details));
	assert_text(details.name, "web");
	assert_text(details.image, "localhost/tiny:1");
	container_details_clear(&details);
}

static bool bundle(const char *text, struct container_details *details)
{
	char *copy = exactly(text, strlen(text));
	bool is_it = container_bundle_read(copy, strlen(text), details);

	free(copy);
	return is_it;
}

static void test_bundles(void **state)
{
	static const char containerd[] = "{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io."
					 "kubernetes.cri.container-name\":\"web\","
					 "\"io.kubernetes.cri.container-type\":\"container\",\"io."
					 "kubernetes.cri.image-name\":\"nginx:1\","
					 "\"io.kubernetes.cri.sandbox-name\":\"shop-1\",\"io."
					 "kubernetes.cri.sandbox-namespace\":\"prod\","
					 "\"io.kubernetes.cri.sandbox-uid\":\"u-1\"}}";
	static const char crio[] =
		"{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.container.manager\":\"cri-o\","
		"\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.cri-o.ImageName\":"
		"\"nginx:1\","
		"\"io.kubernetes.pod.name\":\"shop-1\",\"io.kubernetes.pod.namespace\":\"prod\"}}";
	static const char podman[] =
		"{\"ociVersion\":\"1.0.2\",\"annotations\":{\"io.container.manager\":\"libpod\"}}";
	struct container_details details = {};

	(void)state;
	assert_true(bundle(containerd, &details));
	assert_text(details.name, "web");
	assert_text(details.image, "nginx:1");
	assert_text(details.pod, "shop-1");
	assert_text(details.namespace, "prod");
	assert_text(details.pod_uid, "u-1");
	assert_text(details.runtime, NULL);
	container_details_clear(&details);
	assert_true(bundle(crio, &details));
	assert_text(details.name, "web");
	assert_text(details.image, "nginx:1");
	assert_text(details.runtime, "cri-o");
	container_details_clear(&details);
	assert_true(bundle(podman, &details));
	assert_text(details.runtime, "podman");
	container_details_clear(&details);
	assert_false(bundle("{\"annotations\":{\"nerdctl/name\":\"web\"}}", &details));
}

static void test_directories(void **state)
{
	static const char docker[] =
		"{\"mounts\":[{\"source\":\"proc\"},{\"source\":\"/data/containers/" ID
		"/hostname\"}]}";
	static const char elsewhere[] =
		"{\"mounts\":[{\"source\":\"" ID "\"},{\"source\":\"/x/" ID "/y\"},7]}";
	static const char runc[] =
		"{\"id\":\"web\",\"config\":{\"labels\":[\"a=b\",3,\"bundle=/srv/web\"]}}";
	static const char crun[] = "{\"pid\":7,\"bundle\":\"/srv/web\"}";
	char *directory = container_bundle_docker(docker, sizeof(docker) - 1, ID);

	(void)state;
	assert_text(directory, "/data/containers/" ID);
	free(directory);
	assert_null(container_bundle_docker(elsewhere, sizeof(elsewhere) - 1, ID));
	directory = container_state_bundle(runc, sizeof(runc) - 1);
	assert_text(directory, "/srv/web");
	free(directory);
	directory = container_state_bundle(crun, sizeof(crun) - 1);
	assert_text(directory, "/srv/web");
	free(directory);
}

/* Of another container, of another shape, broken, deep, endless: nothing is said, and nothing is
 * lost. */
static void test_hostile(void **state)
{
	static const char *const documents[] = {
		"",
		"{",
		"null",
		"7",
		"\"x\"",
		"[]",
		"[7,null,[]]",
		"{\"ID\":7}",
		"{\"ID\":\"" OTHER "\",\"Name\":\"x\"}",
		"{\"ID\":null,\"Config\":7}",
		"[{\"id\":{}}]",
		"[{\"id\":\"" OTHER "\"}]",
		"{\"mounts\":{\"source\":7}}",
		"{\"config\":{\"labels\":\"bundle=\"}}",
		"{\"bundle\":[]}",
		"\xff\xfe{}",
		"{\"ID\":\"" ID "\"",
	};
	/* Its own, but nothing in it is what it should be. */
	static const char *const empty[] = {
		"{\"ID\":\"" ID "\"}",
		"{\"ID\":\"" ID "\",\"Name\":[],\"Config\":[]}",
		"{\"ID\":\"" ID "\",\"Name\":\"/\",\"Config\":{\"Image\":{},\"Labels\":[]}}",
	};
	struct container_details details = {};
	char deep[4096];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		assert_false(read_for(container_inspect_read, documents[i], &details));
		assert_false(read_for(container_storage_read, documents[i], &details));
		assert_false(bundle(documents[i], &details));
		assert_null(container_bundle_docker(documents[i], strlen(documents[i]), ID));
		assert_null(container_state_bundle(documents[i], strlen(documents[i])));
	}
	for (i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		assert_true(read_for(container_inspect_read, empty[i], &details));
		assert_null(details.name);
		assert_null(details.image);
		assert_null(details.labels);
	}
	assert_true(read_for(container_storage_read,
			     "[{\"id\":\"" ID "\",\"names\":[],\"metadata\":\"{\"}]", &details));
	assert_null(details.name);
	memset(deep, '[', sizeof(deep));
	assert_false(container_storage_read(deep, sizeof(deep), ID, &details));
}

/* Of a document whose tree would be large nothing is built; what is in one of many objects is found
 * whatever the others are. */
static void test_large(void **state)
{
	enum { OBJECTS = 1000000 };
	char *text = malloc(4 * OBJECTS);
	struct container_details details = {};
	size_t length = 1, i;

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (i = 0; i < OBJECTS; i++, length += 3)
		memcpy(text + length, "{},", 3);
	assert_null(document_parse(text, length));
	length += (size_t)sprintf(text + length, "{\"x\":[\"" ID "\",{\"id\":\"" ID "\"}]},"
						 "{\"id\":\"" ID "\",\"names\":[\"}\\\"w{\"]},{}]");
	assert_true(container_storage_read(text, length, ID, &details));
	assert_text(details.name, "}\"w{");
	container_details_clear(&details);
	memset(text + 1, '[', OBJECTS);
	assert_null(document_parse(text, length));
	memset(text + 1, ',', OBJECTS);
	assert_null(document_parse(text, length));
	free(text);
}

static void test_long_texts(void **state)
{
	struct container_details details = {};
	char *text = malloc(1 << 20);
	size_t length, i;

	(void)state;
	assert_non_null(text);
	length = (size_t)sprintf(
		text, "{\"ID\":\"" ID "\",\"Name\":\"/%05000d\",\"Config\":{\"Labels\":{\"0\":\"\"",
		0);
	for (i = 1; i < 2000; i++)
		length += (size_t)sprintf(text + length, ",\"%zu\":\"x\"", i);
	length += (size_t)sprintf(text + length, "}}}");
	assert_true(container_inspect_read(text, length, ID, &details));
	assert_int_equal(strlen(details.name), CONTAINER_TEXT_MAX);
	assert_int_equal(details.label_count, CONTAINER_LABELS_MAX);
	container_details_clear(&details);
	free(text);
}

/* Command lines as they are: a NUL after each argument. */
#define MANAGER(comm, line) container_manager_read(7, comm, line, sizeof(line) - 1, &manager)

static void test_managers(void **state)
{
	struct container_manager manager;

	(void)state;
	assert_true(MANAGER("containerd-shim",
			    "/usr/bin/containerd-shim-runc-v2\0-namespace\0moby\0-id\0" ID
			    "\0-address\0/run/containerd/containerd.sock\0"));
	assert_text(manager.runtime, "docker");
	assert_text(manager.id, ID);
	assert_text(manager.directory, "");
	assert_int_equal(manager.pid, 7);
	assert_true(manager.many);
	assert_true(MANAGER("containerd-shim", "shim\0-namespace\0default\0-id\0web\0"));
	assert_text(manager.runtime, "containerd");
	assert_text(manager.namespace, "default");
	assert_true(MANAGER("conmon", "/usr/bin/conmon\0--api-version\0001\0-c\0" ID "\0-u\0" ID
				      "\0-r\0/usr/bin/crun\0-b\0"
				      "/var/lib/containers/storage/overlay-containers/" ID
				      "/userdata\0-p\0x\0-n\0web\0"));
	assert_text(manager.runtime, "podman");
	assert_text(manager.id, ID);
	assert_text(manager.name, "web");
	assert_text(manager.directory,
		    "/var/lib/containers/storage/overlay-containers/" ID "/userdata/../..");
	assert_true(MANAGER("systemd-nspawn",
			    "systemd-nspawn\0--quiet\0--machine=web\0-D\0/srv/other\0"));
	assert_text(manager.id, "web");
	assert_true(MANAGER("systemd-nspawn", "systemd-nspawn\0-D\0/srv/web\0"));
	assert_text(manager.id, "web");
	assert_true(MANAGER("lxc-start", "[lxc monitor] /var/lib/lxc web\0"));
	assert_text(manager.runtime, "lxc");
	assert_text(manager.id, "web");
	/* Not enough, or nothing that a directory could be called. */
	assert_false(MANAGER("bash", "bash\0-c\0" ID "\0"));
	assert_false(MANAGER("conmon", "conmon\0-c\0"));
	assert_false(MANAGER("conmon", "conmon\0"));
	assert_false(MANAGER("conmon", ""));
	assert_false(MANAGER("conmon", "conmon\0-c\0../../etc\0"));
	assert_false(MANAGER("containerd-shim", "shim\0-id\0..\0"));
	assert_false(MANAGER("lxc-start", "lxc-start\0-n\0web\0"));
	assert_true(MANAGER("conmon", "conmon\0-c\0" ID "\0-b\0relative\0"));
	assert_text(manager.directory, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),	 cmocka_unit_test(test_storage),
		cmocka_unit_test(test_bundles),	 cmocka_unit_test(test_directories),
		cmocka_unit_test(test_hostile),	 cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_managers), cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
