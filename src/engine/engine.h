#pragma once
/*
 * What a language is to the runtime: a name, a media type, a check of the code
 * as bytes, and the function that runs inside the isolate. The outside half
 * never parses code: that happens in the domain.
 */
#include <stdbool.h>
#include <stddef.h>

#include "engine/inside.h"

/* Conditions of engine.admit (err.h). */
enum engine_e {
	ENGINE_E_REJECTED = 1 /* reason says why, for the user */
};

struct engine {
	const char *name;	/* "lua": ?language= */
	const char *media_type; /* "text/x-lua": Content-Type of the code */
	/* Without hardware keys only engines that cannot form an arbitrary
	 * address are allowed to run. */
	bool memory_safe;
	inside_main_fn *inside_main;
	/* Looks at the code's bytes; reason is written on ENGINE_E_REJECTED. */
	int (*admit)(
		const void *code, size_t len, char *reason, size_t reason_size);
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
