#pragma once
/*
 * The runtime as a whole: starts the partition of the process, the keeper and
 * the workers; the program's main thread then is the control thread.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/registry.h"
#include "core/worker.h"
#include "pkey/mux.h"
#include "util/buf.h"
#include "util/doorbell.h"
#include "util/qsbr.h"

enum runtime_isolation {
	RUNTIME_AUTO,
	RUNTIME_MPK,
	RUNTIME_SOFTWARE
};

struct runtime_options {
	enum runtime_isolation isolation;
	bool require_mpk;
	enum mux_kind key_policy;
	bool unsafe_native;  /* native code without hardware keys */
	unsigned workers;    /* 0: one per CPU, at most one per key */
	size_t max_isolates; /* live, all workers together */
	size_t max_functions;
	size_t max_request;	/* bytes */
	size_t max_response;	/* bytes */
	size_t max_code;	/* bytes that a function keeps; 0: no limit */
	size_t max_log;		/* bytes of one invocation */
	size_t buffer_bytes;	/* address space for buffers per worker */
	size_t max_queue;	/* invocations waiting, per worker */
	uint64_t queue_wait_ns; /* the longest wait */
	uint64_t grace_ns;	/* drain */
	uint64_t total_memory;	/* bytes of live isolates; 0: no limit */
	uint64_t resident;	/* bytes of the process; 0: see pressure.h */
	/* Those with limits of their own; copied. */
	const struct tenant_options *tenants;
	size_t n_tenants;
};

/* What `gvisord ps` shows of one isolate; a consistent copy. */
struct runtime_isolate {
	uint64_t id;
	const char *state; /* "idle", "busy", "starting" */
	char function[FUNCTION_ID_MAX];
	uint64_t version;
	int key; /* hardware key held; -1: none */
	unsigned worker;
	uint64_t age_ns;
	uint64_t calls;
	uint64_t heap_used;
	uint64_t heap_peak;
	uint64_t place; /* its own for good */
};

/* What `gvisord domains` shows of one hardware key. */
struct runtime_domain {
	int key;
	bool owned; /* by an isolate that has a function: */
	struct runtime_isolate owner;
	unsigned pins;
	uint64_t resident; /* bytes of the owner that have pages */
	uint64_t hits;	   /* calls whose isolate held it already */
	uint64_t binds;	   /* times lent */
	uint64_t steals;   /* times taken from an idle isolate */
};

/* How isolates got their keys, since the start. Each entry of one is one of the
 * first three. */
struct runtime_key_use {
	uint64_t hits;	/* it held one */
	uint64_t free;	/* nobody did */
	uint64_t evict; /* it was an idle one's */
	uint64_t waits; /* of all: they had to wait for their key */
	uint64_t wait_ns;
	uint64_t retagged; /* pages */
};

struct runtime {
	struct runtime_options opt;
	bool hardware;		  /* isolation is MPK, not software */
	const char *why_software; /* NULL, or why there is no MPK */
	unsigned n_workers;
	struct worker *workers;
	struct registry *registry;
	struct qsbr qsbr;
	struct doorbell doorbell; /* the control thread sleeps on it */
	struct inbox inbox;	  /* to the control thread */
	_Atomic int stop;	  /* 0 run, 1 drain, 2 stop at once */
	_Atomic bool ready;	  /* workers run, not draining */
	uint64_t started;	  /* clock_now() */
	struct tenants tenants;
	struct keeper *keeper;
	struct runtime_core *core;
};

/*
 * In this order, all on the process's first thread. runtime_init() leaves
 * nothing behind on failure and puts a message for the user into err.
 */
int runtime_init(struct runtime *rt, const struct runtime_options *opt,
	char *err, size_t err_size);
int runtime_start(struct runtime *rt, const struct worker_loop *loop, char *err,
	size_t err_size);
/* Serves control requests until the drain is over. */
void runtime_control(struct runtime *rt);
/* The first thread's signals that begin the drain (SIGTERM, SIGINT). After
 * runtime_init(). */
int runtime_stop_on(struct runtime *rt, int sig);
/* Async-signal-safe: begin the drain; a second call stops at once. */
void runtime_stop(struct runtime *rt);
void runtime_fini(struct runtime *rt);

/* Control thread. Isolates of all workers from a place on, in the order of
 * places. Stops when visit returns false. */
typedef bool runtime_isolate_fn(const struct runtime_isolate *iso, void *arg);
void runtime_isolates(struct runtime *rt, uint64_t from,
	runtime_isolate_fn *visit, void *arg);
size_t runtime_isolate_count(struct runtime *rt);
/* Control thread. One call per key that isolates can have; without hardware
 * keys none. */
typedef void runtime_domain_fn(const struct runtime_domain *d, void *arg);
void runtime_domains(struct runtime *rt, runtime_domain_fn *visit, void *arg);
/* All 0 without hardware keys. */
void runtime_key_use(struct runtime *rt, struct runtime_key_use *ret);
/* Keys: how many the hardware gave for isolates, how many are held. */
void runtime_keys(struct runtime *rt, unsigned *ret_total, unsigned *ret_held);
/* Control thread. Appends everything in util/metrics.h, text format 0.0.4. */
void runtime_metrics(struct runtime *rt, struct buf *out);
