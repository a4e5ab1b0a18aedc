#pragma once
/*
 * A real runtime with one or two worker threads for a test, in a child process
 * of its own, since filters are for ever. The test's script runs on the first
 * worker, in place of the network's loop; what it expects and does not find is
 * noted in memory shared with the parent.
 */
#include <stdbool.h>

#include "core/runtime.h"
#include "core/worker_core.h"

typedef void host_script_fn(struct worker *w);

struct host_options {
	host_script_fn *script;
	size_t isolates; /* 0: 64 */
	size_t queue;	 /* 0: 16 */
	bool no_queue;
	uint64_t wait_ns;   /* 0: 5 s */
	uint64_t grace_ns;  /* 0: 5 s */
	uint64_t memory;    /* total_memory */
	uint32_t tenant_mb; /* of tenant "t", and the like */
	uint32_t tenant_calls;
	uint32_t tenant_percent;
	bool stopped; /* from outside, 100 ms after the start */
};

/* Runs the script; fails the Criterion test for every expectation that was not
 * met, or when the child did not end well. */
void host_run(const struct host_options *opt);
/* A test that runs the script that follows; further arguments are its options.
 * Test files have a SCRIPT of their own suite. */
#define HOST_SCRIPT(suite, name, ...)                                          \
	static void script_##name(struct worker *w);                           \
	Test(suite, name, .timeout = 60)                                       \
	{                                                                      \
		const struct host_options opt = {                              \
			.script = script_##name, __VA_ARGS__};                 \
		host_run(&opt);                                                \
	}                                                                      \
	static void script_##name(struct worker *w)

/* In a script: */
void host_expect(bool good, const char *what, int line);
#define EXPECT(cond) host_expect((cond), #cond, __LINE__)

/* A function of the hostile engine. code: what to do at a load, at an
 * allocation (fake_hostile.h). */
struct function *host_function(
	const char *name, const char *code, int64_t ttl_ns);
/* As registered: limits take effect. */
void host_limit(struct function *fn, uint32_t concurrency, uint32_t rate);

/* Invokes and turns the loop until it is done. */
struct host_reply {
	enum outcome outcome;
	enum inside_reply kind;
	bool cold;
	size_t len;
	char bytes[512]; /* its beginning */
	uint64_t run_ns;
};
struct host_reply host_call(struct worker *w, struct function *fn,
	const void *req, size_t len, uint64_t timeout_ns);
struct host_reply host_load(struct worker *w, struct function *fn);
/* One turn of the loop. */
void host_turn(struct worker *w);
