/*
 * The memory of an isolate. Trusted side; writes into the isolate only through
 * the gate's copy, with nothing but that isolate's key open.
 *
 *   base                                            base + mapped
 *   | guard | stack (grows down) | TLS | inside | window | code | heap ... |
 *
 * A program's image stands, from a page on, where other engines' code is put.
 *
 * The hot pages stand next to each other: the end of the stack, then TLS block
 * and control block in one page with the first bytes of small requests.
 */
#include <string.h>

#include "base/check.h"
#include "core/isolate.h"
#include "core/worker_core.h"
#include "engine/program.h"
#include "pkey/tls.h"
#include "util/near.h"

enum {
	HEAD_MAX = 2 * ISOLATE_PAGE, /* TLS block and control block */
	HEAP_ALIGN = 64,
	/* What a small call uses of the stack, below what only the start
	 * did. */
	NEAR_STACK = 1920,
	NEAR_FRAMES = 576,
	HOT_STACK = 2 * ISOLATE_PAGE,
	HOT_ABOVE = 9 * ISOLATE_PAGE,
};

/* What gate_enter() pops on the first entry (gate.S): R15 R14 R13 R12 RBP RBX,
 * then RET. After RET the stack is aligned as gate_start wants it. */
struct isolate_frame {
	uint64_t r15, r14, r13, r12;
	uint64_t rbp; /* argument of the main function */
	uint64_t rbx; /* main function */
	uint64_t rip; /* gate_start */
	uint64_t end; /* return address of nobody */
	uint64_t pad;
};

static uint64_t align_up(uint64_t x, uint64_t to)
{
	return (x + to - 1) & ~(to - 1);
}

size_t isolate_bytes(uint64_t memory_bytes)
{
	return align_up(memory_bytes, ISOLATE_PAGE);
}

static uint64_t isolate_stack_end(const struct isolate *iso)
{
	return (uint64_t)iso->base + ISOLATE_GUARD + ISOLATE_STACK;
}

void isolate_hot(const struct isolate *iso, char **ret_at, size_t *ret_len)
{
	*ret_at = (char *)isolate_stack_end(iso) - HOT_STACK;
	*ret_len = HOT_STACK + HOT_ABOVE;
	/* A program's pages are the file's, with rights of their own. */
	if (iso->image)
		*ret_len = (size_t)(iso->base + isolate_image() - *ret_at);
}

bool isolate_contains(const struct isolate *iso, uint64_t ptr, uint64_t len)
{
	uint64_t from = (uint64_t)iso->base + ISOLATE_GUARD;
	uint64_t to = (uint64_t)iso->base + iso->mapped;

	return ptr >= from && ptr <= to && len <= to - ptr;
}

bool isolate_writable(const struct isolate *iso, uint64_t ptr, uint64_t len)
{
	return isolate_contains(iso, ptr, len) &&
	       domain_writable(&iso->domain, ptr, len);
}

bool isolate_in_guard(const struct isolate *iso, uint64_t addr)
{
	return addr - (uint64_t)iso->base < ISOLATE_GUARD;
}

/* Where things are, counted from base. */
static size_t isolate_head(void)
{
	return ISOLATE_GUARD + ISOLATE_STACK;
}

static size_t isolate_window(void)
{
	return align_up(isolate_head() + align_up(tls_size(), TLS_ALIGN) +
				sizeof(struct inside),
		HEAP_ALIGN);
}

static size_t isolate_code(void)
{
	return isolate_window() + ISOLATE_WINDOW;
}

size_t isolate_image(void)
{
	/* Behind the window one byte is free, for the end of a text. */
	return align_up(isolate_code() + 1, ISOLATE_PAGE);
}

static size_t isolate_code_end(const struct function *fn)
{
	return fn->program ? isolate_image() + fn->program->span
			   : isolate_code() + fn->given_len + 1;
}

/* Few lines and the right ones: the processor waits for room to ask for more
 * than some ten at once. */
void isolate_bring(const struct isolate *iso)
{
	const struct engine_hot *hot = iso->fn->opt.engine->hot;
	const char *ctl = (char *)iso->ctl;
	const char *heap;

	near_bring((char *)isolate_stack_end(iso) - NEAR_STACK,
		NEAR_STACK - NEAR_FRAMES);
	near_bring((char *)iso->fs, NEAR_LINE);
	near_bring(ctl, offsetof(struct inside, heap));
	near_bring(ctl + offsetof(struct inside, op), NEAR_LINE);
	near_bring((char *)iso->window, NEAR_LINE);
	heap = iso->base + align_up(isolate_code_end(iso->fn), HEAP_ALIGN);
	for (; hot && hot->len; hot++)
		near_bring(heap + hot->at, hot->len);
}

size_t isolate_code_room(size_t bytes)
{
	size_t rest = isolate_code() + 1 + ISOLATE_PAGE;

	return bytes > rest ? bytes - rest : 0;
}

bool isolate_has_room(size_t bytes, const struct function *fn)
{
	return isolate_code_end(fn) + ISOLATE_PAGE <= bytes;
}

static void isolate_describe(struct isolate *iso, struct inside *in)
{
	struct function *fn = iso->fn;
	uint64_t base = (uint64_t)iso->base;
	uint64_t end = base + iso->mapped;

	if (fn->program) {
		program_describe(fn->program, base + isolate_image(), in);
	} else {
		in->code = base + isolate_code();
		in->code_len = fn->given_len;
		in->compiled = fn->compiled;
	}
	in->heap = align_up(base + isolate_code_end(fn), HEAP_ALIGN);
	in->heap_len = end - in->heap;
	in->stack = (uint64_t)iso->base + ISOLATE_GUARD;
	in->stack_len = ISOLATE_STACK;
	in->memory_limit = fn->opt.memory_bytes;
	in->version = fn->version;
	in->contexts = fn->opt.contexts;
	memcpy(in->tenant, fn->opt.tenant, sizeof(in->tenant));
	memcpy(in->function, fn->opt.name, sizeof(in->function));
	memcpy(in->entry, fn->opt.entry, sizeof(in->entry));
	worker_random(iso->worker, in->seed, sizeof(in->seed));
}

static void isolate_put(
	struct isolate *iso, uint64_t at, const void *src, size_t len)
{
	worker_copy_in(iso->worker, iso, at, src, len);
}

static void isolate_first_frame(struct isolate *iso, struct inside *in)
{
	struct isolate_frame frame = {
		.rbp = iso->ctl,
		.rbx = (uint64_t)iso->fn->opt.engine->inside_main,
		.rip = (uint64_t)gate_start,
	};
	/* 16-byte aligned once the seven words are gone. */
	uint64_t at = isolate_stack_end(iso) - sizeof(frame);

	_Static_assert(sizeof(frame) == 72, "seven words, two above");
	in->gate.rsp = at;
	isolate_put(iso, at, &frame, sizeof(frame));
}

bool isolate_layout(struct isolate *iso, struct function *fn)
{
	char head[HEAD_MAX] = {0};
	size_t tls = align_up(tls_size(), TLS_ALIGN);
	uint64_t at = isolate_stack_end(iso);
	struct inside *in = (void *)(head + tls);
	uint64_t random[2];

	CHECK(tls + sizeof(*in) <= sizeof(head));
	metrics_inc(iso->worker->metrics, METRIC_ISOLATE_CREATED, 0);
	iso->fn = fn;
	iso->loaded = false;
	iso->given_up = false;
	iso->contexts_ready = 0;
	iso->ctl = at + tls;
	iso->window = (uint64_t)iso->base + isolate_window();
	if (!isolate_has_room(iso->mapped, fn))
		return false;
	worker_random(iso->worker, random, sizeof(random));
	iso->fs = tls ? tls_build(head, at, random) : 0;
	isolate_describe(iso, in);
	isolate_first_frame(iso, in);
	isolate_put(iso, at, head, tls + sizeof(*in));
	if (fn->code)
		isolate_put(iso, in->code, fn->code, fn->given_len + 1);
	return true;
}

const char *isolate_state_name(enum isolate_state state)
{
	switch (state) {
	case ISOLATE_STARTING:
		return "starting";
	case ISOLATE_IDLE:
		return "idle";
	case ISOLATE_BUSY:
		return "busy";
	case ISOLATE_RAW:
	case ISOLATE_PREPARING:
	case ISOLATE_READY:
	case ISOLATE_SPARE:
	case ISOLATE_DYING:
		break;
	}
	return NULL;
}
