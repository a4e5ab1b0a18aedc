#pragma once
/*
 * Canaries of isolates, and who may have which. A client sends a seed of its
 * own with every call. An isolate keeps the seed of its first one, in every
 * kind of memory that it has, and answers each call with its function's name,
 * that seed and the number of its calls. So it is known which function each
 * seed was sent to, and that an isolate counts 1, 2, 3 ... without a gap.
 *
 * What a call can ask for: "call"; "error", which the isolate survives; "spin"
 * and "bomb"; of native ones "trap", "flood" (runs over the end of its memory)
 * and "poke" (writes to where another isolate's canary is).
 *
 * Test side; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CANARY_NAME = 32,
	CANARY_SEED = 16,	/* digits */
	CANARY_SOURCE = 2048,	/* bytes that canary_lua() writes at most */
	CANARY_CALLS = 8 << 20, /* the most there can be */
};

/* The source of the Lua function with this name. */
void canary_lua(const char *name, char source[CANARY_SOURCE]);

/* The seed of one more call, for function number `fn`; random: of this run. */
uint64_t canary_send(unsigned fn);
void canary_text(uint64_t seed, char ret_text[CANARY_SEED + 1]);
/*
 * Function number fn with this name answered the call that had this seed. NULL:
 * as it has to; else what is wrong.
 */
const char *canary_check(
	unsigned fn, const char *name, uint64_t seed, const char *answer);
/* All isolates counted their calls without a gap. Nothing may be under way. */
bool canary_no_gap(void);
/* Isolates whose first call was answered, and the most calls one had. */
void canary_count(uint64_t *ret_isolates, uint64_t *ret_most);
void canary_init(void);
