#pragma once
/*
 * The runtime's side of an engine, for tests: one isolate whose inside half
 * runs as a coroutine on a stack of its own, without gate, keys and TLS block.
 * Defines gate_hostcall(), so one test program includes it once.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "engine/engine.h"

enum {
	HOST_STACK = 1 << 20,
	HOST_WINDOW = 1 << 16,
	HOST_GAP = 4096, /* behind the window a byte is written */
	HOST_LOG = 1 << 16
};

struct host {
	struct inside *in;
	unsigned char *mem;
	size_t mem_len;
	char *window;
	ucontext_t out;
	ucontext_t inside;
	bool started;
	/* The hostcall that ended the entry. */
	uint64_t nr;
	uint64_t args[4];
	uint64_t now_ns;
	unsigned time_calls;
	/* What was offered as compiled code. */
	char *compiled;
	size_t compiled_len;
	size_t logged_before; /* bytes of the log when it was */
	char log[HOST_LOG];
	size_t log_len;
};

static struct host *host_now;

static bool host_owns(const struct host *h, uint64_t p, uint64_t len)
{
	uint64_t base = (uintptr_t)h->mem;

	return p >= base && len <= h->mem_len && p - base <= h->mem_len - len;
}

/* "L:text\n" for each call, L the level's number. */
static void host_log(struct host *h, uint64_t level, uint64_t p, uint64_t len)
{
	cr_assert(host_owns(h, p, len), "log outside the isolate");
	cr_assert_leq(level, INSIDE_LOG_ERROR);
	if (h->log_len + len + 4 > sizeof(h->log))
		return;
	h->log[h->log_len++] = (char)('0' + level);
	h->log[h->log_len++] = ':';
	memcpy(h->log + h->log_len, (void *)(uintptr_t)p, len);
	h->log_len += len;
	h->log[h->log_len++] = '\n';
	h->log[h->log_len] = '\0';
}

static void host_compiled(struct host *h, uint64_t p, uint64_t len)
{
	cr_assert(host_owns(h, p, len), "compiled code outside the isolate");
	cr_assert_leq(len, h->in->want);
	cr_assert_eq(h->in->op, INSIDE_LOAD);
	cr_assert_null(h->compiled, "offered once");
	h->compiled = malloc(len);
	memcpy(h->compiled, (void *)(uintptr_t)p, len);
	h->compiled_len = len;
	h->logged_before = h->log_len;
}

uint64_t gate_hostcall(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct host *h = host_now;

	if (nr == INSIDE_LOG) {
		host_log(h, a, b, c);
		return 0;
	}
	if (nr == INSIDE_TIME) {
		h->time_calls++;
		return h->now_ns;
	}
	if (nr == INSIDE_COMPILED) {
		host_compiled(h, a, b);
		return 0;
	}
	h->nr = nr;
	h->args[0] = a;
	h->args[1] = b;
	h->args[2] = c;
	h->args[3] = d;
	swapcontext(&h->inside, &h->out);
	return 0;
}

static void (*host_main)(struct inside *);

static void host_start(void)
{
	host_main(host_now->in);
	abort();
}

static void host_enter(struct host *h, enum inside_op op)
{
	host_now = h;
	h->in->op = op;
	h->nr = 0;
	if (!h->started) {
		h->started = true;
		getcontext(&h->inside);
		h->inside.uc_stack.ss_sp = (void *)(uintptr_t)h->in->stack;
		h->inside.uc_stack.ss_size = h->in->stack_len;
		h->inside.uc_link = NULL;
		makecontext(&h->inside, host_start, 0);
	}
	swapcontext(&h->out, &h->inside);
}

/* [control block and code | stack | window | heap] in one mapping. */
static struct host *host_new(
	const struct engine *e, const char *code, size_t len, size_t heap)
{
	struct host *h = calloc(1, sizeof(*h));
	size_t head = (sizeof(struct inside) + len + 1 + 4095 + 64) & ~4095ul;
	struct inside *in;

	h->mem_len = head + HOST_STACK + HOST_WINDOW + HOST_GAP + heap;
	h->mem = mmap(NULL, h->mem_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	cr_assert_neq((void *)h->mem, MAP_FAILED);
	in = h->in = (struct inside *)(void *)h->mem;
	in->code = (uintptr_t)(in + 1);
	in->code_len = len;
	memcpy((void *)in->code, code, len);
	in->stack = (uintptr_t)h->mem + head;
	in->stack_len = HOST_STACK;
	h->window = (char *)h->mem + head + HOST_STACK;
	in->heap = (uintptr_t)h->window + HOST_WINDOW + HOST_GAP;
	in->heap_len = heap;
	in->memory_limit = heap;
	in->version = 7;
	for (int i = 0; i < 32; i++)
		in->seed[i] = (uint8_t)(i * 7 + 1);
	strcpy(in->tenant, "acme");
	strcpy(in->function, "hello");
	strcpy(in->entry, "handler");
	strcpy(in->invocation, "inv-1");
	in->timeout_ns = 2000000000;
	h->now_ns = 1700000000123456789;
	host_main = e->inside_main;
	return h;
}

__attribute__((unused)) static struct host *host_free(struct host *h)
{
	munmap(h->mem, h->mem_len);
	free(h->compiled);
	free(h);
	return NULL;
}

/* Sends a request by the window, or by a buffer when it is larger. */
static void host_invoke(struct host *h, const char *body, size_t len)
{
	h->in->req = (uintptr_t)h->window;
	if (len > HOST_WINDOW) {
		h->in->want = len;
		host_enter(h, INSIDE_ALLOC);
		cr_assert_eq(h->nr, INSIDE_BUFFER);
		h->in->want = 0;
		if (!h->args[0])
			return;
		cr_assert(host_owns(h, h->args[0], len));
		h->in->req = h->args[0];
	}
	memcpy((void *)h->in->req, body, len);
	h->in->req_len = len;
	host_enter(h, INSIDE_INVOKE);
	if (h->nr == INSIDE_REPLY)
		cr_assert(host_owns(h, h->args[0], h->args[1]));
	else if (h->nr == INSIDE_FAIL)
		cr_assert(host_owns(h, h->args[1], h->args[2]));
}

/* What the entry ended with, as text to compare: "json:...", "text:...",
 * "ready" or "fail N:...". */
static const char *host_result(const struct host *h)
{
	static char out[1 << 20];
	const char *p;
	int n;

	switch (h->nr) {
	case INSIDE_REPLY:
		p = (const char *)(uintptr_t)h->args[0];
		n = (int)h->args[1];
		snprintf(out, sizeof(out), "%s:%.*s",
			h->args[2] == INSIDE_REPLY_TEXT ? "text" : "json", n,
			n ? p : "");
		return out;
	case INSIDE_FAIL:
		p = (const char *)(uintptr_t)h->args[1];
		n = (int)h->args[2];
		snprintf(out, sizeof(out), "fail %d:%.*s", (int)h->args[0], n,
			n ? p : "");
		return out;
	case INSIDE_READY:
		return "ready";
	default:
		return "?";
	}
}
