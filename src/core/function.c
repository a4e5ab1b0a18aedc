/*
 * Versions of functions: made and freed on the control thread, counted by
 * everybody. Trusted side.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/function.h"
#include "engine/program.h"
#include "util/clock.h"
#include "util/digest.h"

enum {
	FUNCTION_MAGIC = 0xf0c710e5
};

/* The one place functions are freed: the control thread's inbox. Process-wide,
 * because a reference is put wherever it was taken. */
static struct {
	struct inbox *inbox;
	struct doorbell *doorbell;
	unsigned n_workers;
} home;

void function_home(
	struct inbox *inbox, struct doorbell *doorbell, unsigned n_workers)
{
	home.inbox = inbox;
	home.doorbell = doorbell;
	home.n_workers = n_workers;
}

static bool function_keep_code(
	struct function *fn, const void *code, size_t code_len)
{
	fn->code = malloc(code_len + 1);
	if (!fn->code)
		return false;
	memcpy(fn->code, code, code_len);
	fn->code[code_len] = '\0';
	return true;
}

static void function_limits(struct function *fn)
{
	const struct function_options *o = &fn->opt;

	quota_init(&fn->concurrency, BUDGET_FUNCTION_CONCURRENCY,
		o->max_concurrency);
	rate_init(&fn->rate, BUDGET_FUNCTION_RATE, o->max_rate, 1);
	fn->limited = o->max_concurrency || o->max_rate ||
		      (o->owner && (o->owner->concurrency.max ||
					   o->owner->rate.calls ||
					   o->owner->share.percent));
}

struct function *function_new(const struct function_options *opt,
	const void *code, size_t code_len, struct program *program)
{
	size_t size = sizeof(struct function) +
		      home.n_workers * sizeof(struct function_local);
	struct function *fn = aligned_alloc(
		_Alignof(struct function), (size + 63) & ~(size_t)63);

	if (!fn)
		return NULL;
	memset(fn, 0, size);
	if (!program && !function_keep_code(fn, code, code_len)) {
		free(fn);
		return NULL;
	}
	fn->program = program;
	fn->code_len = fn->given_len = code_len;
	fn->magic = FUNCTION_MAGIC;
	fn->opt = *opt;
	fn->created = clock_real();
	atomic_init(&fn->refs, 1);
	for (unsigned i = 0; i < home.n_workers; i++) {
		list_init(&fn->local[i].idle);
		list_init(&fn->local[i].blocked);
		list_init(&fn->local[i].turn);
		keyline_fn_init(&fn->local[i].keys);
	}
	function_limits(fn);
	digest_sha256(code, code_len, fn->digest);
	strcpy(stpcpy(stpcpy(fn->id, opt->tenant), "/"), opt->name);
	return fn;
}

void function_compiled(struct function *fn, char *code, size_t len)
{
	CHECK(fn->code && !fn->compiled);
	free(fn->code);
	code[len] = '\0';
	fn->code = code;
	fn->given_len = len;
	fn->compiled = true;
}

static void function_free(struct msg *msg)
{
	struct function *fn = container_of(msg, struct function, freed);

	CHECK(fn->magic == FUNCTION_MAGIC);
	fn->magic = 0;
	free(fn->code);
	(void)program_free(fn->program);
	free(fn);
}

void function_get(struct function *fn)
{
	CHECK(fn->magic == FUNCTION_MAGIC);
	atomic_fetch_add_explicit(&fn->refs, 1, memory_order_relaxed);
}

void function_put(struct function *fn)
{
	CHECK(fn->magic == FUNCTION_MAGIC);
	if (atomic_fetch_sub(&fn->refs, 1) != 1)
		return;
	fn->freed.run = function_free;
	(void)inbox_push(home.inbox, &fn->freed);
	doorbell_ring(home.doorbell);
}
