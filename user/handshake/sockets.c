// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/sockets.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
/* Reads kept of a socket: each known of a handshake is two, and few have more than twenty. */
#define READS_MAX      64
#define READS_STEP     16
#define TCP_CLOSE_WAIT 8 /* include/net/tcp_states.h */

struct known_socket {
	struct known_socket *next;
	struct endpoint end;
	uint64_t last_ns;
};

struct socket_table {
	struct known_socket *buckets[BUCKETS];
	size_t count, capacity;
};

struct socket_table *socket_table_new(size_t capacity)
{
	struct socket_table *table = calloc(1, sizeof(*table));

	if (table)
		table->capacity = capacity;
	return table;
}

static void socket_free(struct known_socket *known)
{
	process_clear(&known->end.process);
	process_clear(&known->end.creator);
	free(known->end.reads_ns);
	free(known);
}

void socket_table_free(struct socket_table *table)
{
	if (!table)
		return;
	socket_table_expire(table, UINT64_MAX);
	free(table);
}

void socket_table_expire(struct socket_table *table, uint64_t before_ns)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		struct known_socket **link = &table->buckets[i], *known;

		while ((known = *link)) {
			if (known->last_ns >= before_ns) {
				link = &known->next;
				continue;
			}
			*link = known->next;
			table->count--;
			socket_free(known);
		}
	}
}

static struct known_socket **socket_find(struct socket_table *table, uint64_t id)
{
	struct known_socket **link = &table->buckets[(id * 0x9e3779b97f4a7c15ULL) >> 52];

	while (*link && (*link)->end.socket_id != id)
		link = &(*link)->next;
	return link;
}

static void process_fill(struct process *process, const struct tlstrace_task *task)
{
	process_clear(process);
	*process = (struct process){
		.pid = task->pid,
		.ns_pid = task->ns_pid,
		.pid_ns = task->pid_ns,
		.tid = task->tid,
		.uid = task->uid,
		.start_ns = task->start_ns,
		.cgroup = task->cgroup,
		.cgroup_v1 = task->cgroup_v1,
		.followed = task->followed,
	};
	memcpy(process->comm, task->comm, sizeof(task->comm));
	memcpy(process->thread_comm, task->thread_comm, sizeof(task->thread_comm));
}

/* Raise the owner to a better known one. Better evidence for the same process changes nothing. */
static bool owner_raise(struct known_socket *known, enum owner_evidence how,
			const struct tlstrace_task *task)
{
	struct process *owner = &known->end.process;

	if (!task->pid || how <= known->end.how)
		return false;
	known->end.how = how;
	if (owner->pid == task->pid && owner->start_ns == task->start_ns &&
	    memcmp(owner->comm, task->comm, sizeof(task->comm)) == 0)
		return false;
	process_fill(owner, task);
	return true;
}

static bool owner_update(struct known_socket *known, const struct tlstrace_socket_event *event)
{
	const struct tlstrace_socket *socket = &event->socket;
	bool changed = false;

	if (event->kind == TLSTRACE_SOCKET_WRITE)
		changed |= owner_raise(known, OWNER_WROTE, &socket->writer);
	if (event->kind == TLSTRACE_SOCKET_HELLO)
		/* The client's hello has just been written; a server may have written long before.
		 */
		changed |= owner_raise(known,
				       socket->role == TLSTRACE_ROLE_CLIENT ? OWNER_WROTE
									    : OWNER_WROTE_BEFORE,
				       &socket->writer);
	changed |= owner_raise(known, OWNER_READ, &socket->reader);
	changed |= owner_raise(known, OWNER_CREATED,
			       socket->accepter.pid ? &socket->accepter : &socket->creator);
	return changed;
}

static void time_first(uint64_t *first, uint64_t *last, uint64_t time_ns)
{
	if (!*first)
		*first = time_ns;
	*last = time_ns;
}

static void read_note(struct endpoint *end, uint64_t time_ns)
{
	uint64_t *grown;

	if (end->read_count == READS_MAX || !time_ns)
		return;
	if (end->read_count % READS_STEP == 0) {
		grown = realloc(end->reads_ns,
				(end->read_count + READS_STEP) * sizeof(*end->reads_ns));
		if (!grown)
			return;
		end->reads_ns = grown;
	}
	end->reads_ns[end->read_count++] = time_ns;
}

/*
 * Nothing was said before the hello: a client has written it and read nothing, a server has done
 * neither. Where the server is known by its answer only, it has read the hello and written that.
 */
static bool is_fresh(const struct tlstrace_socket *socket)
{
	if (socket->existed)
		return false;
	if (socket->role == TLSTRACE_ROLE_CLIENT)
		return socket->turns <= 1;
	if (socket->accepted == TLSTRACE_ACCEPTED_UNKNOWN)
		return socket->turns <= 2 && socket->first_read_ns;
	/* A proxy may have put something before the hello. */
	return socket->turns == 0 || (socket->turns == 1 && socket->first_read_ns);
}

static void hello_note(struct endpoint *end, const struct tlstrace_socket_event *event)
{
	end->fresh = is_fresh(&event->socket);
	end->accepted_before = event->socket.accepted == TLSTRACE_ACCEPTED_BEFORE;
	end->accepted_later = event->socket.accepted == TLSTRACE_ACCEPTED_LATER;
	end->peer_closed =
		event->socket.role == TLSTRACE_ROLE_CLIENT && event->detail == TCP_CLOSE_WAIT;
	if (end->fresh)
		end->retransmitted = event->retransmitted;
}

/* Else it has no more of the socket than its id: the rest is as it was. */
static bool event_is_whole(const struct tlstrace_socket_event *event)
{
	return event->header.size != TLSTRACE_SOCKET_EVENT_BRIEF;
}

static void times_update(struct endpoint *end, const struct tlstrace_socket_event *event)
{
	const struct tlstrace_socket *socket = &event->socket;

	if (event_is_whole(event)) {
		end->connect_ns = socket->connect_ns;
		end->established_ns = socket->established_ns;
		end->accept_ns = socket->accept_ns;
	}
	if (event->srtt_us)
		end->srtt_us = event->srtt_us;
	if (event->min_rtt_us && event->min_rtt_us != UINT32_MAX)
		end->min_rtt_us = event->min_rtt_us;
	if (event->kind == TLSTRACE_SOCKET_READ) {
		read_note(end, event->header.time_ns);
		time_first(&end->first_read_ns, &end->last_read_ns, event->header.time_ns);
	} else if (event->kind == TLSTRACE_SOCKET_WRITE) {
		time_first(&end->first_write_ns, &end->last_write_ns, event->header.time_ns);
	} else if (event->kind == TLSTRACE_SOCKET_HELLO) {
		hello_note(end, event);
		if (socket->last_turn == TLSTRACE_SOCKET_WRITE) {
			end->first_write_ns = socket->first_write_ns;
			end->last_write_ns = socket->last_write_ns;
		}
		/* What a server read last before it answers is the hello. */
		if (socket->role == TLSTRACE_ROLE_SERVER &&
		    socket->last_turn == TLSTRACE_SOCKET_WRITE) {
			end->first_read_ns = socket->first_read_ns;
			end->last_read_ns = socket->last_read_ns;
			read_note(end, socket->first_read_ns);
			read_note(end, socket->last_read_ns);
		}
	}
}

/* A peer's FIN moves a socket to CLOSE_WAIT: that is not its own doing. */
static void end_update(struct endpoint *end, const struct tlstrace_socket_event *event)
{
	if (event->kind == TLSTRACE_SOCKET_RESET_SENT)
		end->reset_sent = true;
	if (event->kind == TLSTRACE_SOCKET_STATE && event->detail != TCP_CLOSE_WAIT)
		end->left = true;
	if (event->exiting & TLSTRACE_EXITING) {
		/* As wait(2) has it: bit 7 is that of a core dump. */
		end->exited = true;
		end->exit_signal = event->exiting & 0x7f;
		end->exit_status = event->exiting >> 8 & 0xff;
	}
}

struct process *socket_table_add(struct socket_table *table,
				 const struct tlstrace_socket_event *event)
{
	const struct tlstrace_socket *socket = &event->socket;
	struct known_socket **link = socket_find(table, socket->id), *known = *link;
	const struct tlstrace_task *creator;

	if (!known) {
		if (table->count >= table->capacity)
			return NULL;
		known = calloc(1, sizeof(*known));
		if (!known)
			return NULL;
		known->end.socket_id = socket->id;
		*link = known;
		table->count++;
	}
	known->last_ns = event->header.time_ns;
	if (event_is_whole(event)) {
		known->end.netns = socket->netns;
		memcpy(known->end.address.ip, socket->local_address, 16);
		known->end.address.port = socket->local_port;
	}
	times_update(&known->end, event);
	end_update(&known->end, event);
	creator = socket->accepter.pid ? &socket->accepter : &socket->creator;
	if (!known->end.creator.pid && creator->pid)
		process_fill(&known->end.creator, creator);
	return owner_update(known, event) ? &known->end.process : NULL;
}

const struct process *socket_table_owner(struct socket_table *table, uint64_t id)
{
	const struct known_socket *known = *socket_find(table, id);

	return known ? &known->end.process : NULL;
}

bool socket_table_awaits_read(struct socket_table *table, uint64_t id, uint64_t since_ns)
{
	const struct known_socket *known = id ? *socket_find(table, id) : NULL;

	return known && known->end.last_read_ns && known->end.last_read_ns < since_ns &&
	       !known->end.left;
}

bool socket_table_owner_copy(struct socket_table *table, uint64_t id, struct process *to)
{
	const struct process *owner = id ? socket_table_owner(table, id) : NULL;

	if (!owner || !owner->pid)
		return false;
	process_copy(to, owner);
	return true;
}

void socket_table_drop(struct socket_table *table, uint64_t id)
{
	struct known_socket **link = socket_find(table, id), *known = *link;

	if (!known)
		return;
	*link = known->next;
	table->count--;
	socket_free(known);
}

bool socket_table_take(struct socket_table *table, uint64_t id, struct endpoint *end)
{
	struct known_socket **link = socket_find(table, id), *known = *link;
	struct address address = end->address;

	if (!id || !known)
		return false;
	process_clear(&end->process);
	process_clear(&end->creator);
	free(end->reads_ns);
	*end = known->end;
	end->address = address;
	*link = known->next;
	table->count--;
	free(known);
	return true;
}
