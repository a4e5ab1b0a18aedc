#pragma once
/*
 * A benchmark inside the process: the whole runtime of the daemon (keeper,
 * confined worker, walls, self-test) with the benchmark in the place of the
 * network. Trusted side.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/runtime.h"

struct inproc;
typedef void inproc_fn(struct inproc *b, struct worker *w);

struct inproc {
	struct runtime rt;
	inproc_fn *work; /* on the worker, confined: no malloc, no calls */
	void *arg;
	struct invocation inv;
	uint32_t prepare; /* contexts that a load makes ready */
	char *compiled;	  /* inproc_compile()'s */
	size_t compiled_room;
	struct function *compiled_of;
	bool done;
	struct msg msg;	     /* of inproc_ask() */
	inproc_fn *ask;	     /* what the control thread does */
	_Atomic bool asking; /* ... and has not done yet */
};

/* Leaves the process on failure, with a message. */
void inproc_init(struct inproc *b, size_t max_isolates);
/* Functions made from here on are the native one in this file. */
void inproc_native(const char *path);
/* After inproc_init(). ttl_ns: 0 for a function that is dropped after a call,
 * -1 for one that stays. bytes: its budget; ARENA_COMMON_BYTES is the daemon's
 * default, for which slots are prepared. */
struct function *inproc_function(
	const char *name, int64_t ttl_ns, size_t bytes);
/* The same of a Lua text, whose handler returns five bytes. */
struct inproc_lua {
	const char *name;
	const char *code;
	size_t len;
	int64_t ttl_ns;
	size_t bytes;
	uint32_t contexts;
};
struct function *inproc_lua(const struct inproc_lua *what);
/* Worker. As a registration does: loads fn once, and has it compiled from then
 * on. An isolate of it is left. Native code is compiled as it is. */
void inproc_compile(struct inproc *b, struct worker *w, struct function *fn);
/* Runs work() on the only worker, then ends the runtime. */
void inproc_run(struct inproc *b, inproc_fn *work, void *arg);

/* Worker. One call, or load, of fn to its reply: nanoseconds. The details are
 * in b->inv. */
uint64_t inproc_call(
	struct inproc *b, struct worker *w, struct function *fn, bool load);
/* Worker. From here on it prepares nothing ahead, as one that is never idle; or
 * does again. */
void inproc_busy(bool is);
/* Worker. One turn of the loop, which spins where the daemon's sleeps. */
void inproc_turn(struct worker *w);
/* Worker. The loop turns for so long: errands come back, refills are made. */
void inproc_pause(struct worker *w, uint64_t ns);
/* Control thread. "Name:   123 kB" of a file in /proc. */
double inproc_kib(const char *path, const char *name);
/* Worker. Has ask() run on the control thread, where system calls are free,
 * and waits. */
void inproc_ask(struct inproc *b, struct worker *w, inproc_fn *ask);
