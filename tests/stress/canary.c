/*
 * See canary.h. A seed is the call's number, made unguessable by a key of this
 * run, so that no isolate comes by another's by chance; what came back is the
 * number again.
 */
#include "tests/stress/canary.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

/* A call; and the isolate that had it as its first one. */
struct call {
	unsigned fn;
	_Atomic uint32_t answers;
	_Atomic uint32_t most;
	_Atomic uint64_t sum;
};

static struct call *calls;
static _Atomic uint64_t n_calls;
static uint64_t run_key;

void canary_init(void)
{
	calls = calloc(CANARY_CALLS, sizeof(*calls));
	CHECK(calls);
	CHECK(getrandom(&run_key, sizeof(run_key), 0) == sizeof(run_key));
}

void canary_lua(const char *name, char source[CANARY_SOURCE])
{
	static const char text[] =
		"local me, kept, n, filler = '%s', nil, 0, {}\n"
		"local on_stack\n"
		"local function set(seed)\n"
		"  kept, canary = seed, seed\n"
		"  on_stack = coroutine.wrap(function(mine)\n"
		"    while true do coroutine.yield(mine) end\n"
		"  end)\n"
		"  on_stack(seed)\n"
		"  for i = 1, 64 do filler[i] = seed .. i end\n"
		"end\n"
		"local function hurt()\n"
		"  if canary ~= kept then return 'global' end\n"
		"  if on_stack() ~= kept then return 'stack' end\n"
		"  for i = 1, 64 do\n"
		"    if filler[i] ~= kept .. i then return 'heap' end\n"
		"  end\n"
		"end\n"
		"return function(e)\n"
		"  local what, seed = e:match('^(%%a+) (%%x+)$')\n"
		"  if n == 0 then set(seed) end\n"
		"  n = n + 1\n"
		"  local where = hurt() or 'whole'\n"
		"  if what == 'spin' then while true do end end\n"
		"  if what == 'bomb' then\n"
		"    local t = {}\n"
		"    while true do t[#t + 1] = ('x'):rep(65536) end\n"
		"  end\n"
		"  local answer = me .. ' ' .. kept .. ' ' .. n .. ' ' .. "
		"where\n"
		"  if what == 'error' then error(answer, 0) end\n"
		"  return answer\n"
		"end\n";

	(void)snprintf(source, CANARY_SOURCE, text, name);
}

/* One to one, and back: an odd number times its inverse is one. */
#define ODD 0x9e3779b97f4a7c15u
#define INVERSE 0xf1de83e19937733du
_Static_assert((uint64_t)ODD *INVERSE == 1, "each other's inverse");

static uint64_t seed_of(uint64_t number)
{
	return (number ^ run_key) * ODD;
}

static uint64_t number_of(uint64_t seed)
{
	return seed * INVERSE ^ run_key;
}

uint64_t canary_send(unsigned fn)
{
	uint64_t number = atomic_fetch_add(&n_calls, 1);

	CHECK(number < CANARY_CALLS);
	calls[number].fn = fn;
	return seed_of(number);
}

void canary_text(uint64_t seed, char ret_text[CANARY_SEED + 1])
{
	(void)snprintf(ret_text, CANARY_SEED + 1, "%016" PRIx64, seed);
}

static void note(struct call *c, uint32_t n)
{
	uint32_t most = atomic_load(&c->most);

	atomic_fetch_add(&c->answers, 1);
	atomic_fetch_add(&c->sum, n);
	while (most < n && !atomic_compare_exchange_weak(&c->most, &most, n))
		;
}

const char *canary_check(
	unsigned fn, const char *name, uint64_t seed, const char *answer)
{
	uint64_t kept, number;
	char who[CANARY_NAME], state[16];
	unsigned n;

	if (sscanf(answer, "%31s %16" SCNx64 " %u %15[a-z]", who, &kept, &n,
		    state) != 4)
		return "no such answer";
	number = number_of(kept);
	if (strcmp(who, name) != 0)
		return "another function answered";
	if (number >= atomic_load(&n_calls))
		return "a canary nobody sent";
	if (calls[number].fn != fn)
		return "another function's canary";
	if ((n == 1) != (kept == seed))
		return "not its first call, and this call's canary, or the "
		       "other way round";
	note(&calls[number], n);
	return strcmp(state, "whole") == 0 ? NULL : "a canary was hurt";
}

bool canary_no_gap(void)
{
	uint64_t n = atomic_load(&n_calls);

	for (uint64_t i = 0; i < n; i++) {
		const struct call *c = &calls[i];
		uint64_t most = c->most;

		if (c->answers != most || c->sum != most * (most + 1) / 2)
			return false;
	}
	return true;
}

void canary_count(uint64_t *ret_isolates, uint64_t *ret_most)
{
	uint64_t n = atomic_load(&n_calls);

	*ret_isolates = *ret_most = 0;
	for (uint64_t i = 0; i < n; i++) {
		*ret_isolates += calls[i].answers > 0;
		if (calls[i].most > *ret_most)
			*ret_most = calls[i].most;
	}
}
