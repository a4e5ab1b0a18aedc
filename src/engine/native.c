/*
 * The engine of native functions as the runtime sees it: outside, in T. Code is
 * read, scanned and made ready here, and never run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/native_in.h"
#include "engine/program.h"

static void tell(const struct refusals *refusals, char *reason, size_t size)
{
	const struct refusal *one = &refusals->kept[0];
	int n = snprintf(reason, size, "refused: %s (%s)",
		refusal_text(one->code), refusal_name(one->code));

	if (one->address != REFUSAL_NOWHERE)
		n += snprintf(reason + n, size - (size_t)n,
			" at address %#" PRIx64, one->address);
	if (refusals->n_total > 1)
		(void)snprintf(reason + n, size - (size_t)n,
			", and %" PRIu64 " more", refusals->n_total - 1);
}

static int refuse(const struct admit *a, struct engine_verdict *ret_verdict)
{
	struct refusals *copy = malloc(sizeof(*copy));

	/* Without memory for the list the reason is still told. */
	if (copy)
		*copy = a->refusals;
	ret_verdict->refusals = copy;
	tell(&a->refusals, ret_verdict->reason, sizeof(ret_verdict->reason));
	return ENGINE_E_REJECTED;
}

static int make(struct admit *a, struct engine_verdict *ret_verdict)
{
	int r = program_new(a, &ret_verdict->program);

	if (r != PROGRAM_E_SPLIT)
		return r;
	(void)snprintf(ret_verdict->reason, sizeof(ret_verdict->reason),
		"refused: more than %d separate pieces of code and read-only "
		"data",
		DOMAIN_PARTS_MAX);
	return ENGINE_E_REJECTED;
}

static int native_admit(
	const struct engine_code *code, struct engine_verdict *ret_verdict)
{
	struct admit_wish wish = {
		.entry = code->entry, .system_calls = code->system_calls};
	struct admit *a;
	int r = admit_new(code->bytes, code->len, &wish, &a);

	*ret_verdict = (struct engine_verdict){0};
	if (r < 0)
		return r;
	r = admit_ok(a) ? make(a, ret_verdict) : refuse(a, ret_verdict);
	(void)admit_free(a);
	return r;
}

const struct engine engine_native = {
	.name = "native",
	.media_type = "application/x-sharedlib",
	.memory_safe = false,
	.inside_main = native_in_main,
	.admit = native_admit,
};
