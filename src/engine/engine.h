#pragma once
/*
 * What a language is to the runtime: a name, a media type, a check of the code
 * as bytes, and the function that runs inside the isolate. The outside half
 * never parses code: that happens in the domain.
 */
#include <stdbool.h>
#include <stddef.h>

#include "engine/inside.h"

struct program;
struct refusals;

enum {
	ENGINE_REASON_MAX = 512
};

/* Conditions of engine.admit (err.h). */
enum engine_e {
	ENGINE_E_REJECTED = 1 /* reason says why, for the user */
};

struct engine_code {
	const void *bytes;
	size_t len;
	const char *entry;
	bool system_calls; /* their bytes are no reason to refuse it */
};

/* What admit makes of it; all of it the caller's. */
struct engine_verdict {
	struct program *program;   /* NULL: this engine's code is sent along */
	struct refusals *refusals; /* free(); NULL: the reason says it all */
	char reason[ENGINE_REASON_MAX];
};

/* A piece of the heap that every call touches; counted from its start. */
struct engine_hot {
	uint16_t at, len; /* bytes; len 0: the end of the list */
};

struct engine {
	const char *name;	/* "lua": ?language= */
	const char *media_type; /* "text/x-lua": Content-Type of the code */
	/* Without hardware keys only engines that cannot form an arbitrary
	 * address are allowed to run. */
	bool memory_safe;
	/* An isolate can have several contexts, one for each call. */
	bool contexts;
	/* What to have near when a call begins; NULL: nothing is known. */
	const struct engine_hot *hot;
	inside_main_fn *inside_main;
	/* Looks at the code's bytes. 0, ENGINE_E_REJECTED, or -errno. Control
	 * thread. */
	int (*admit)(const struct engine_code *code,
		struct engine_verdict *ret_verdict);
};

/*
 * The process's engines, NULL-terminated, best known first. Set once at start
 * by the program (the daemon's list is the product's; a test daemon's list has
 * a further one).
 */
void engines_set(const struct engine *const *list);
const struct engine *engine_by_name(const char *name);
/* Parameters (";charset=utf-8") are ignored. */
const struct engine *engine_by_media_type(const char *type, size_t len);
/* Index 0, 1, ...; NULL past the end. */
const struct engine *engine_at(size_t i);

extern const struct engine engine_lua;
extern const struct engine engine_native;
