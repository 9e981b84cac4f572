// SPDX-License-Identifier: BSD-2-Clause
/*
 * handshakes COUNT PORT CERTIFICATE KEY ADDRESS...: so many TLS handshakes over real sockets, half
 * of them TLS 1.2 and half 1.3, each with a request and an answer. The server is a forked child.
 * Several addresses, because each connection leaves a port of its address pair in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 128

struct load {
	unsigned long count;
	uint16_t port;
	const char *certificate, *key;
	char **addresses;
	int address_count;
};

static int listener_open(const struct load *load)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(load->port)};
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) || listen(listener, BACKLOG)) {
		perror("handshakes: listen");
		close(listener);
		return -1;
	}
	return listener;
}

static void connection_serve(SSL_CTX *context, int socket)
{
	SSL *tls = SSL_new(context);
	char request[64];

	if (tls && SSL_set_fd(tls, socket) == 1 && SSL_accept(tls) == 1 &&
	    SSL_read(tls, request, sizeof(request)) > 0 && SSL_write(tls, "answer", 6) == 6)
		SSL_shutdown(tls);
	SSL_free(tls);
	close(socket);
}

static int server_run(const struct load *load, int listener)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || SSL_CTX_use_certificate_chain_file(context, load->certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, load->key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	for (;;) {
		int socket = accept(listener, NULL, NULL);

		if (socket < 0)
			return 1;
		connection_serve(context, socket);
	}
}

static int handshake_make(SSL_CTX *context, const struct sockaddr_in *to, int version)
{
	int one = 1, socket_fd = socket(AF_INET, SOCK_STREAM, 0), made = -1;
	SSL *tls = SSL_new(context);
	char answer[64];

	setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (tls && !connect(socket_fd, (const struct sockaddr *)to, sizeof(*to)) &&
	    SSL_set_min_proto_version(tls, version) && SSL_set_max_proto_version(tls, version) &&
	    SSL_set_tlsext_host_name(tls, "bench.example") && SSL_set_fd(tls, socket_fd) == 1 &&
	    SSL_connect(tls) == 1 && SSL_write(tls, "request", 7) == 7 &&
	    SSL_read(tls, answer, sizeof(answer)) > 0) {
		SSL_shutdown(tls);
		made = 0;
	}
	SSL_free(tls);
	close(socket_fd);
	return made;
}

static int client_run(const struct load *load)
{
	static const uint8_t protocols[] = "\x02h2\x08http/1.1";
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(load->port)};
	unsigned long i;

	if (!context || SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1))
		return 1;
	for (i = 0; i < load->count; i++) {
		inet_pton(AF_INET, load->addresses[i % load->address_count], &to.sin_addr);
		if (handshake_make(context, &to, i & 1 ? TLS1_3_VERSION : TLS1_2_VERSION)) {
			fprintf(stderr, "handshakes: number %lu failed\n", i);
			ERR_print_errors_fp(stderr);
			return 1;
		}
	}
	SSL_CTX_free(context);
	return 0;
}

int main(int argc, char **argv)
{
	struct load load = {0};
	int listener, status;
	pid_t server;

	if (argc < 6) {
		fprintf(stderr, "usage: handshakes COUNT PORT CERTIFICATE KEY ADDRESS...\n");
		return 2;
	}
	load = (struct load){
		strtoul(argv[1], NULL, 10), atoi(argv[2]), argv[3], argv[4], argv + 5, argc - 5};
	signal(SIGPIPE, SIG_IGN);
	listener = listener_open(&load);
	if (listener < 0)
		return 1;
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(server_run(&load, listener));
	}
	close(listener);
	status = server < 0 ? 1 : client_run(&load);
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	return status;
}
