/* See fake_keeper.h. */
#include "fake_keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/limiter.h"

struct fake_keeper fake_keeper;

void fake_keeper_start(void)
{
	struct fake_keeper *f = &fake_keeper;

	memset(f, 0, sizeof(*f));
	f->worker.core = &f->core;
	f->worker.rt = &f->rt;
	f->worker.metrics = &f->metrics;
	f->core.worker = &f->worker;
	inbox_init(&f->inbox);
	doorbell_init(&f->doorbell);
	function_home(&f->inbox, &f->doorbell, 1);
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		list_init(&f->core.waiting[c]);
}

struct function *fake_function(
	const char *name, int64_t ttl_ns, size_t memory, const char *code)
{
	static const struct engine engine = {.name = "fake"};
	struct function_options opt = {
		.tenant = "t",
		.entry = "handler",
		.engine = &engine,
		.memory_bytes = memory,
		.idle_ttl_ns = ttl_ns,
	};
	struct function *fn;

	snprintf(opt.name, sizeof(opt.name), "%s", name);
	fn = function_new(&opt, code, strlen(code), NULL);
	CHECK(fn);
	return fn;
}

void keeper_prepare(struct isolate *iso, msg_fn *done)
{
	struct fake_keeper *f = &fake_keeper;

	CHECK(f->n_errands < FAKE_ERRANDS);
	iso->done = done;
	f->errand[f->n_errands++] = iso;
}

void keeper_post(struct keeper *k, struct msg *msg)
{
	CHECK(k == fake_keeper.rt.keeper && !fake_keeper.posted);
	fake_keeper.posted = msg;
}

int keeper_blank(struct isolate *of, size_t n)
{
	fake_keeper.blanked += n;
	if (fake_keeper.blank_result == 0)
		memset(of, 0, n * sizeof(*of));
	return fake_keeper.blank_result;
}

/* At once. */
void worker_post(struct worker *w, struct msg *msg)
{
	CHECK(w == &fake_keeper.worker);
	msg->run(msg);
}

void fake_keeper_answer(size_t i, int result)
{
	struct isolate *iso = fake_keeper.errand[i];

	if (result == 0)
		iso->mapped = iso->want;
	iso->result = result;
	iso->done(&iso->msg);
}

void isolate_drop(struct isolate *iso, enum metric_destroy why)
{
	struct fake_keeper *f = &fake_keeper;

	CHECK(f->n_dropped < FAKE_ERRANDS);
	pool_forget(&f->core.pool, iso);
	iso->state = ISOLATE_DYING;
	iso->fn = NULL;
	f->dropped[f->n_dropped] = iso;
	f->why[f->n_dropped++] = why;
}

void isolate_discard(struct isolate *iso)
{
	struct fake_keeper *f = &fake_keeper;

	CHECK(f->n_discarded < FAKE_ERRANDS);
	pool_forget(&f->core.pool, iso);
	iso->state = ISOLATE_DYING;
	f->discarded[f->n_discarded++] = iso;
}

struct quota *limiter_charge(struct runtime *rt, const struct function *fn)
{
	CHECK(rt == &fake_keeper.rt && fn);
	return fake_keeper.full;
}

void limiter_charged(struct isolate *iso, const struct function *fn)
{
	iso->charged = fn->opt.memory_bytes;
	iso->owner = fn->opt.owner;
}

void invoke_waiting(struct worker *w)
{
	CHECK(w == &fake_keeper.worker);
	fake_keeper.waiting_calls++;
}

void worker_random(struct worker *w, void *buf, size_t len)
{
	CHECK(w == &fake_keeper.worker);
	memset(buf, ++fake_keeper.random, len);
}

void worker_copy_in(struct worker *w, struct isolate *iso, uint64_t at,
	const void *src, size_t len)
{
	CHECK(w == &fake_keeper.worker && isolate_contains(iso, at, len));
	memcpy((void *)at, src, len);
}
