/*
 * See fake_hostile.h. Runs inside an isolate and trusts nothing; is trusted
 * with nothing.
 */
#include "fake_hostile.h"

struct hostile_heap {
	uint64_t calls;
	uint64_t loads;
	uint64_t word;
};

static struct hostile_heap *heap_of(const struct inside *in)
{
	return (void *)in->heap;
}

static void reply(const void *p, uint64_t len)
{
	(void)gate_hostcall(
		INSIDE_REPLY, (uint64_t)p, len, INSIDE_REPLY_TEXT, 0);
}

static void fail(uint64_t kind)
{
	static const char why[] = "why";

	/* Constants are not the isolate's: the message must be. */
	volatile char own[4];

	for (int i = 0; i < 4; i++)
		own[i] = why[i];
	(void)gate_hostcall(INSIDE_FAIL, kind, (uint64_t)own, 3, 0);
}

static void run_down(volatile char *above)
{
	volatile char here[256];

	here[0] = *above;
	here[255] = here[0];
	/* Never zero, as nobody but the reader knows. */
	if (here[0] != 1)
		run_down(here);
	here[1] = 0;
}

static void call(struct inside *in, const struct hostile_request *rq)
{
	uint64_t a[5];
	uint64_t end = in->heap + in->heap_len;

	for (int i = 0; i < 5; i++)
		a[i] = rq->args[i];
	if (rq->what == HOSTILE_CALL_INSIDE)
		a[2] += in->heap;
	if (rq->what == HOSTILE_CALL_END)
		a[2] = end - a[2];
	if (rq->what == HOSTILE_CALL_HEAP)
		a[1] += in->heap;
	if (rq->what == HOSTILE_CALL_LAST)
		a[1] = end - a[1];
	(void)gate_hostcall(a[0], a[1], a[2], a[3], a[4]);
}

static void logs(const struct inside *in)
{
	for (;;)
		(void)gate_hostcall(
			INSIDE_LOG, INSIDE_LOG_DEBUG, in->heap, 8, 0);
}

static uint64_t syscall_in(uint64_t nr)
{
	uint64_t ret = nr;

	__asm__ volatile("syscall" : "+a"(ret) : : "rcx", "r11", "memory");
	return ret;
}

static void offer(const struct inside *in, uint8_t what)
{
	uint64_t at = in->heap, len = in->want ? in->want : 8;

	if (what == HOSTILE_OFFER_LARGE)
		len++;
	if (what == HOSTILE_OFFER_NONE)
		len = 0;
	if (what == HOSTILE_OFFER_LOW)
		at = in->stack - 1;
	if (what == HOSTILE_OFFER_END)
		at += in->heap_len - len + 1;
	if (what == HOSTILE_OFFER_WRAP)
		at = UINT64_MAX - 2;
	(void)gate_hostcall(INSIDE_COMPILED, at, len, 0, 0);
	if (what == HOSTILE_OFFER_TWICE)
		(void)gate_hostcall(INSIDE_COMPILED, at, len, 0, 0);
}

static void contexts(struct inside *in, uint8_t what)
{
	uint64_t loads = ++heap_of(in)->loads;

	in->contexts_ready = what == HOSTILE_CONTEXTS ? loads : 1;
	if (what == HOSTILE_CONTEXTS_ABSURD)
		in->contexts_ready = UINT64_MAX;
	if (loads == 1)
		return;
	if (what == HOSTILE_OFFER_LATE)
		(void)gate_hostcall(INSIDE_COMPILED, in->heap, 8, 0, 0);
	while (what == HOSTILE_CONTEXTS_SPIN)
		__asm__ volatile("pause");
	if (what == HOSTILE_CONTEXTS_TRAP)
		__builtin_trap();
	if (what == HOSTILE_CONTEXTS_FAIL)
		fail(INSIDE_FAIL_LOAD);
}

static bool loads(struct inside *in, uint8_t what)
{
	if (what < HOSTILE_OFFER)
		return false;
	if (what < HOSTILE_OFFER_LATE)
		offer(in, what);
	else
		contexts(in, what);
	(void)gate_hostcall(INSIDE_READY, 0, 0, 0, 0);
	return true;
}

/* In the order of enum hostile: what answers with words of its heap. */
static void words(struct inside *in, const struct hostile_request *rq)
{
	struct hostile_heap *h = heap_of(in);

	switch (rq->what) {
	case HOSTILE_COUNT:
		h->word = h->calls;
		break;
	case HOSTILE_TIME:
		h->word = gate_hostcall(INSIDE_TIME, rq->args[0], 0, 0, 0);
		break;
	case HOSTILE_SYSCALL:
		h->word = syscall_in(rq->args[0]);
		break;
	case HOSTILE_READ:
		h->word = *(volatile uint8_t *)rq->args[0];
		break;
	default:
		__builtin_trap();
	}
	reply(&h->word, sizeof(h->word));
}

static void buffer(const struct inside *in, uint8_t what)
{
	uint64_t at = in->heap + 4096;

	if (what == HOSTILE_BUFFER_NONE)
		at = 0;
	if (what == HOSTILE_BUFFER_LOW)
		at = in->stack - 1;
	if (what == HOSTILE_BUFFER_END)
		at = in->heap + in->heap_len - in->want + 1;
	if (what == HOSTILE_BUFFER_WRAP)
		at = UINT64_MAX - 100;
	(void)gate_hostcall(INSIDE_BUFFER, at, 0, 0, 0);
}

static void act(struct inside *in, const struct hostile_request *rq)
{
	switch (rq->what) {
	case HOSTILE_ECHO:
		reply(rq, in->req_len);
		break;
	case HOSTILE_CALL:
	case HOSTILE_CALL_INSIDE:
	case HOSTILE_CALL_END:
	case HOSTILE_CALL_HEAP:
	case HOSTILE_CALL_LAST:
		call(in, rq);
		break;
	case HOSTILE_LOGS:
		logs(in);
		break;
	case HOSTILE_LOG_AT:
		(void)gate_hostcall(
			INSIDE_LOG, rq->args[0], rq->args[1], rq->args[2], 0);
		reply(rq, in->req_len);
		break;
	case HOSTILE_SPIN:
		for (;;)
			__asm__ volatile("pause");
	case HOSTILE_STACK:
		run_down((volatile char *)in->heap);
		break;
	case HOSTILE_STATS:
		in->heap_used = UINT64_MAX;
		in->heap_peak = 1;
		reply(rq, in->req_len);
		break;
	case HOSTILE_READY:
		(void)gate_hostcall(INSIDE_READY, 0, 0, 0, 0);
		break;
	case HOSTILE_BUFFER:
	case HOSTILE_BUFFER_NONE:
	case HOSTILE_BUFFER_LOW:
	case HOSTILE_BUFFER_END:
	case HOSTILE_BUFFER_WRAP:
		buffer(in, rq->what);
		break;
	case HOSTILE_FAIL_LOAD:
		fail(INSIDE_FAIL_LOAD);
		break;
	case HOSTILE_FAIL_ENTRY:
		fail(INSIDE_FAIL_ENTRY);
		break;
	case HOSTILE_FAIL_NOMEM:
		fail(INSIDE_FAIL_NOMEM);
		break;
	case HOSTILE_FAIL_ERROR:
		fail(INSIDE_FAIL_ERROR);
		break;
	case HOSTILE_REPLY:
		reply((void *)in->heap, 0);
		break;
	default:
		words(in, rq);
	}
}

void hostile_main_in(struct inside *in)
{
	for (;;) {
		/* In the isolate's memory, like all that is answered with. */
		struct hostile_request rq = {0};

		heap_of(in)->calls += in->op == INSIDE_INVOKE;
		if (in->op == INSIDE_INVOKE)
			act(in, (void *)in->req);
		rq.what = ((const uint8_t *)in->code)[in->op == INSIDE_ALLOC];
		if (in->op == INSIDE_LOAD && loads(in, rq.what))
			continue;
		if (in->op != INSIDE_INVOKE)
			act(in, &rq);
	}
}
