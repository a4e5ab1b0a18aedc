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
#include "util/buf.h"
#include "util/escape.h"

enum {
	TOLD_MAX = 3,	 /* refusals; all of them are in the list */
	TOLD_BYTES = 440 /* what is told of them; "more" has room behind it */
};

static void add_place(struct buf *to, const struct refusal *r)
{
	char name[3 * REFUSAL_SYMBOL_MAX + 4];

	if (r->address == REFUSAL_NOWHERE)
		return;
	buf_addf(to, " at address %#" PRIx64, r->address);
	if (r->symbol[0])
		buf_addf(to, " in %s+0x%" PRIx64,
			escape_plain(r->symbol, name, sizeof(name)),
			r->symbol_offset);
}

/* Whole, or not at all: false. */
static bool tell_one(
	struct buf *to, const struct refusal *r, const struct refusal *before)
{
	char detail[3 * REFUSAL_DETAIL_MAX + 4];
	const struct buf was = *to;
	bool same = before && before->code == r->code && r->detail[0];

	if (same)
		buf_add_lit(to, ", ");
	else
		buf_addf(to, "%s%s (%s)%s",
			before ? "; " : "refused: ", refusal_text(r->code),
			refusal_name(r->code), r->detail[0] ? ": " : "");
	buf_add_str(to, escape_plain(r->detail, detail, sizeof(detail)));
	add_place(to, r);
	if (buf_ok(to))
		return true;
	*to = was;
	return false;
}

static void tell(const struct refusals *refusals, char *reason, size_t size)
{
	const struct refusal *before = NULL;
	struct buf text;
	size_t n = 0;

	buf_init(&text, reason, TOLD_BYTES);
	while (n < TOLD_MAX && n < refusals->n &&
		tell_one(&text, &refusals->kept[n], before))
		before = &refusals->kept[n++];
	text.cap = size;
	if (refusals->n_total > n)
		buf_addf(
			&text, ", and %" PRIu64 " more", refusals->n_total - n);
	(void)buf_cstr(&text);
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
