#pragma once
/*
 * A double of the core: just enough for the network floor to be tested without
 * isolates. Functions answer by their name:
 *
 *   t/echo   the request's body         t/fail   OUTCOME_ERROR, "it raised"
 *   t/slow   as echo, 50 ms later       t/big    4 MB of 'x'
 *   t/crash  OUTCOME_CRASHED, no message
 *
 * Registering any other name makes an echo. One worker, one control thread.
 */
#include "core/runtime.h"
#include "net/server.h"

struct fake_core {
	struct runtime rt;
	struct worker worker;
	struct metrics_block metrics;
	struct server server;
	pthread_t worker_thread, control_thread;
	_Atomic bool stop_control;
	/* What the next control_load() reports. */
	enum outcome last_load;
	enum budget last_met;
	uint64_t last_retry_ns;
	char socket[64];
};

/* Starts a server on a Unix socket and a TCP port with opt (may be NULL). */
void fake_core_start(struct fake_core *f, const struct server_options *opt);
/* Drains and joins. */
void fake_core_stop(struct fake_core *f);
