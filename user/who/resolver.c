// SPDX-License-Identifier: BSD-2-Clause
#include "who/resolver.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "who/container_api.h"

#define WAITING_MAX 256
/* A runtime that does not answer holds the thread for so long at most; a file system may for ever.
 */
#define END_MS 1000

struct job {
	struct job *next;
	struct container_question question;
	struct resolver_answer answer;
};

struct list {
	struct job *first, **end;
};

struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	pthread_t thread;
	bool started, ending;
	size_t waiting; /* asked, not answered */
	struct list questions, answers;
};

static void list_add(struct list *list, struct job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
}

static struct job *list_take(struct list *list)
{
	struct job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->end = &list->first;
	return job;
}

struct resolver *resolver_new(void)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	pthread_condattr_t attributes;

	if (!resolver)
		return NULL;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&resolver->lock, NULL);
	pthread_cond_init(&resolver->asked, NULL);
	pthread_cond_init(&resolver->answered, &attributes);
	pthread_condattr_destroy(&attributes);
	resolver->questions.end = &resolver->questions.first;
	resolver->answers.end = &resolver->answers.first;
	return resolver;
}

static void *answer_all(void *context)
{
	struct container_api *api = container_api_new();
	struct resolver *resolver = context;
	struct job *job;

	pthread_mutex_lock(&resolver->lock);
	while (!resolver->ending) {
		job = list_take(&resolver->questions);
		if (!job) {
			pthread_cond_wait(&resolver->asked, &resolver->lock);
			continue;
		}
		pthread_mutex_unlock(&resolver->lock);
		job->answer.found =
			api && container_lookup(api, &job->question, &job->answer.details);
		pthread_mutex_lock(&resolver->lock);
		list_add(&resolver->answers, job);
		resolver->waiting--;
		pthread_cond_signal(&resolver->answered);
	}
	pthread_mutex_unlock(&resolver->lock);
	container_api_free(api);
	return NULL;
}

/* Signals are for the thread that traces. */
static bool thread_start(struct resolver *resolver)
{
	sigset_t all, before;

	if (resolver->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	resolver->started = pthread_create(&resolver->thread, NULL, answer_all, resolver) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return resolver->started;
}

bool resolver_ask(struct resolver *resolver, struct container *container,
		  const struct container_question *question)
{
	struct job *job = thread_start(resolver) ? calloc(1, sizeof(*job)) : NULL;
	bool taken;

	if (!job)
		return false;
	job->question = *question;
	job->answer.container = container_get(container);
	pthread_mutex_lock(&resolver->lock);
	taken = resolver->waiting < WAITING_MAX;
	if (taken) {
		resolver->waiting++;
		list_add(&resolver->questions, job);
		pthread_cond_signal(&resolver->asked);
	}
	pthread_mutex_unlock(&resolver->lock);
	if (!taken) {
		container_put(container);
		free(job);
	}
	return taken;
}

bool resolver_take(struct resolver *resolver, struct resolver_answer *answer)
{
	struct job *job;

	if (!resolver->started)
		return false;
	pthread_mutex_lock(&resolver->lock);
	job = list_take(&resolver->answers);
	pthread_mutex_unlock(&resolver->lock);
	if (!job)
		return false;
	*answer = job->answer;
	free(job);
	return true;
}

static struct timespec time_from_now(unsigned int milliseconds, clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_sec += milliseconds / 1000;
	time.tv_nsec += milliseconds % 1000 * 1000000L;
	if (time.tv_nsec >= 1000000000L) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000L;
	}
	return time;
}

void resolver_wait(struct resolver *resolver, unsigned int milliseconds)
{
	const struct timespec until = time_from_now(milliseconds, CLOCK_MONOTONIC);

	pthread_mutex_lock(&resolver->lock);
	while (resolver->waiting &&
	       pthread_cond_timedwait(&resolver->answered, &resolver->lock, &until) == 0)
		;
	pthread_mutex_unlock(&resolver->lock);
}

static void jobs_free(struct list *list)
{
	struct job *job;

	while ((job = list_take(list))) {
		container_put(job->answer.container);
		container_details_clear(&job->answer.details);
		free(job);
	}
}

void resolver_free(struct resolver *resolver)
{
	struct timespec until;

	if (!resolver)
		return;
	pthread_mutex_lock(&resolver->lock);
	resolver->ending = true;
	pthread_cond_signal(&resolver->asked);
	pthread_mutex_unlock(&resolver->lock);
	until = time_from_now(END_MS, CLOCK_REALTIME);
	/* The end of the program ends a thread that hangs, and frees what it holds. */
	if (resolver->started && pthread_timedjoin_np(resolver->thread, NULL, &until))
		return;
	jobs_free(&resolver->questions);
	jobs_free(&resolver->answers);
	pthread_cond_destroy(&resolver->asked);
	pthread_cond_destroy(&resolver->answered);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver);
}
