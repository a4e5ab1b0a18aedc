#pragma once
/*
 * Load with everything in it at once, for a live daemon: functions that are
 * served and keep canaries, which are checked at every call; functions that
 * fault, run too long, exhaust their memory and make system calls; others that
 * are deployed, called and removed; more of them than there are keys, so that
 * keys change hands all the time. Test side.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/probe/daemon.h"

enum {
	SOAK_CONNECTIONS = 16,
	SOAK_NEIGHBOURS = 32, /* functions that are served ... */
	SOAK_FUNCTIONS = 41,  /* ... and all of them */
};

struct soak {
	const struct daemon *daemon;
	bool keys; /* the deeds that need them are done, too */
	/* attacker.so, told where things are: half of the functions are it.
	 * NULL: an engine of the test daemon's stands in. */
	const struct body *native;
	/* For the reader of a failure; the first few are told. */
	void (*say)(const char *text, ...)
		__attribute__((format(printf, 1, 2)));
	/* What came of it. */
	atomic_uint deaths, wrong_deaths;
	atomic_uint served, wrong_replies;
	atomic_uint deployed, wrong_deploys;

	pthread_t thread[SOAK_CONNECTIONS];
	unsigned n_threads;
	atomic_uint next_seed;
	atomic_bool over;
	unsigned told;
	char violation[64]; /* a deed: read a neighbour */
};

/* Deploys the functions. False: they could not be. */
bool soak_deploy(struct soak *s);
/* Removes them. False: one was not there. */
bool soak_remove(struct soak *s);
/* Starts the load; it goes on until soak_stop(), which waits for its end. */
void soak_start(struct soak *s, unsigned connections);
void soak_stop(struct soak *s);
/* Nothing was wrong, and something was done. */
bool soak_good(const struct soak *s);
/* A neighbour that is a probe. */
extern const char soak_watcher[];
/* The address of its canary; 0: none. */
uint64_t soak_canary(const struct soak *s);
