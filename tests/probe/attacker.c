/*
 * A native function that attacks, loaded and run by the product like any other:
 * the deeds of deeds.h. Simple requests it serves as functions do; for others,
 * and by plan, it never gives control back to the engine's inside half, and
 * talks to the runtime itself. U.
 */
#include <string.h>

#include "gvisor/function.h"
#include "tests/probe/attacker.h"
#include "tests/probe/deeds.h"

/* Volatile: what stands here is not what will. */
static volatile struct attacker attacker = {.mark = ATTACKER_MARK};
static struct deeds deeds;
static struct deeds_ops ops;

static void *alloc(struct deeds *d, size_t size)
{
	(void)d;
	return gv_alloc(size);
}

static void free_one(struct deeds *d, void *ptr)
{
	(void)d;
	gv_free(ptr);
}

static const struct deeds_ops of_my_own = {.alloc = alloc, .free = free_one};

__attribute__((constructor)) static void construct(void)
{
	static const char make[] = "make ";
	const char *plan = (const char *)attacker.plan;

	ops = of_my_own;
	ops.hostcall = (void *)attacker.hostcall;
	ops.spin = attacker.spin;
	deeds_init(&deeds, &ops, plan);
	deeds.relro = &of_my_own;
	if (strncmp(plan, make, sizeof(make) - 1) == 0)
		deeds_do(&deeds, plan + sizeof(make) - 1,
			strlen(plan) - (sizeof(make) - 1));
	else if (plan[0])
		deeds_serve(&deeds);
}

static bool starts(const struct gv_request *req, const char *word)
{
	size_t n = strlen(word);

	return req->body_len >= n && memcmp(req->body, word, n) == 0;
}

int handler(const struct gv_request *req, struct gv_response *res)
{
	static const char echo[] = "echo ";

	if (!starts(req, echo))
		deeds_serve(&deeds);
	res->kind = GV_TEXT;
	res->body = req->body + sizeof(echo) - 1;
	res->body_len = req->body_len - (sizeof(echo) - 1);
	return 0;
}
