/* See deeds.h. U: whatever happens here happens in an isolate. */
#include "tests/probe/deeds.h"

#include <stddef.h>
#include <string.h>

enum {
	BOMB_BYTES = 64 << 10,
	FILL_BYTES = 256 << 10,
	MISUSED = 4096, /* bytes of stack one turn of overflow takes */
};

#define CANARY 0xc0ffee5eed5eed01u

static void leave(struct deeds *d, enum inside_call how, uint64_t a, uint64_t b,
	uint64_t c)
{
	(void)d->ops->hostcall(how, a, b, c, 0);
}

/* Words and numbers. --------------------------------------------------------
 */

static bool word(struct deeds *d, const char *want)
{
	size_t n = strlen(want);

	if ((size_t)(d->end - d->at) < n || memcmp(d->at, want, n) != 0)
		return false;
	if (d->at + n < d->end && d->at[n] != ' ')
		return false;
	d->at += n;
	if (d->at < d->end)
		d->at++;
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static uint64_t gate_word(unsigned at)
{
	uint64_t value;

	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"((uint64_t)at));
	return value;
}

struct inside *deeds_inside(void)
{
	return (void *)gate_word(offsetof(struct gate_page, ctl));
}

/* "code", ...; 0: no such place. */
static uint64_t place(struct deeds *d)
{
	static const char constant[] = "a constant of the function's own";
	const struct inside *in = d->in;
	const struct {
		const char *name;
		uint64_t at;
	} places[] = {
		{"thread", gate_word(offsetof(struct gate_page, thread))},
		{"page", gate_word(offsetof(struct gate_page, self))},
		{"ctl", (uint64_t)in},
		{"end", in->heap + in->heap_len},
		{"stack", in->stack},
		{"code", (uint64_t)deeds_serve},
		{"constant", (uint64_t)constant},
		{"relro", (uint64_t)d->relro},
		{"image", in->code},
		{"behind", in->code + in->code_len},
		{"self", (uint64_t)d->canary},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		size_t n = strlen(places[i].name);

		if ((size_t)(d->end - d->at) < n ||
			memcmp(d->at, places[i].name, n) != 0)
			continue;
		d->at += n;
		return places[i].at;
	}
	return 0;
}

static uint64_t digits(struct deeds *d)
{
	uint64_t n = 0;

	for (; d->at < d->end && digit(*d->at) >= 0; d->at++)
		n = n << 4 | (uint64_t)digit(*d->at);
	return n;
}

/* "1f", "@code", "@end-8", "@image+1f". */
static uint64_t number(struct deeds *d)
{
	uint64_t n;

	if (d->at < d->end && *d->at == '@') {
		d->at++;
		n = place(d);
	} else {
		n = digits(d);
	}
	if (d->at < d->end && (*d->at == '+' || *d->at == '-')) {
		bool minus = *d->at++ == '-';
		uint64_t by = digits(d);

		n += minus ? -by : by;
	}
	if (d->at < d->end)
		d->at++;
	return n;
}

static void say(struct deeds *d, const char *text, size_t len)
{
	if (len > sizeof(d->reply))
		len = sizeof(d->reply);
	memcpy(d->reply, text, len);
	leave(d, INSIDE_REPLY, (uint64_t)d->reply, len, INSIDE_REPLY_TEXT);
}

static void say_number(struct deeds *d, uint64_t n)
{
	char text[16];

	for (int i = 15; i >= 0; i--, n >>= 4)
		text[i] = "0123456789abcdef"[n & 15];
	say(d, text, sizeof(text));
}

/* Deeds. --------------------------------------------------------------------
 */

static uint64_t read_word(uint64_t at)
{
	return *(volatile uint64_t *)at;
}

static uint64_t read_without_gs(uint64_t at)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(0) : "memory");
	return read_word(at);
}

static uint64_t read_on_stack(uint64_t at, uint64_t rsp)
{
	uint64_t got;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %2, %%rsp\n\t"
			 "mov (%1), %0\n\t"
			 "mov %%rbx, %%rsp"
			 : "=&r"(got)
			 : "r"(at), "r"(rsp)
			 : "rbx", "memory");
	return got;
}

static void trap_on_stack(uint64_t rsp)
{
	__asm__ volatile("mov %0, %%rsp\n\tud2" : : "r"(rsp) : "memory");
}

static void divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx"
			 :
			 :
			 : "rax", "rcx", "rdx");
}

static uint64_t overflow(volatile char *above)
{
	uint64_t (*again)(volatile char *above) = overflow;
	volatile char here[MISUSED];

	/* A compiler that sees where this goes complains. */
	__asm__("" : "+r"(again));
	here[0] = above ? above[0] : 1;
	return again(here) + (uint64_t)here[MISUSED - 1];
}

/* Code of one's own is in one's reach; the daemon's can't be taken away. */
static void spin_in_text(const struct deeds *d)
{
	__asm__ volatile("jmp *%%rax" : : "a"(d->ops->spin));
}

static void call_and_spin(const struct deeds *d)
{
	for (;;)
		(void)d->ops->hostcall(INSIDE_TIME, INSIDE_CLOCK_MONO, 0, 0, 0);
}

static void bomb(struct deeds *d)
{
	static const char text[] = "no more";
	char *last = NULL;

	for (;;) {
		char *b = d->ops->alloc(d, BOMB_BYTES);

		if (!b)
			break;
		memset(b, 1, BOMB_BYTES);
		memcpy(b, &last, sizeof(last));
		last = b;
	}
	while (last) {
		char *next;

		memcpy(&next, last, sizeof(next));
		d->ops->free(d, last);
		last = next;
	}
	memcpy(d->reply, text, sizeof(text));
	leave(d, INSIDE_FAIL, INSIDE_FAIL_NOMEM, (uint64_t)d->reply,
		sizeof(text) - 1);
}

static void flood(struct deeds *d)
{
	volatile char *at = (volatile char *)d->in->heap;

	for (;; at += 4096)
		*at = 1;
}

/* Everything an isolate can read, its own stack below to the heap's end. The
 * pattern is never held as it stands, so that none but old ones are found. */
static uint64_t scan(const struct deeds *d, uint64_t inverse)
{
	const volatile uint64_t *at = (void *)d->in->stack;
	const volatile uint64_t *end = (void *)(d->in->heap + d->in->heap_len);
	uint64_t n = 0;

	for (; at < end; at++)
		n += ~*at == inverse;
	return n;
}

static void fill(struct deeds *d, uint64_t inverse)
{
	volatile uint64_t *at = d->ops->alloc(d, FILL_BYTES);

	for (size_t i = 0; at && i < FILL_BYTES / sizeof(*at); i++)
		at[i] = ~inverse;
}

static uint32_t read_pkru(void)
{
	uint32_t pkru;

	__asm__ volatile("rdpkru" : "=a"(pkru) : "c"(0) : "rdx");
	return pkru;
}

/* True: it was one of these. */
static bool do_look(struct deeds *d)
{
	if (word(d, "scan")) {
		say_number(d, scan(d, number(d)));
	} else if (word(d, "fill")) {
		fill(d, number(d));
		say(d, "filled", 6);
	} else if (word(d, "pkru")) {
		say_number(d, read_pkru());
	} else {
		return false;
	}
	return true;
}

/* True: it was one of these. */
static bool do_access(struct deeds *d)
{
	uint64_t at;

	if (word(d, "read")) {
		say_number(d, read_word(number(d)));
	} else if (word(d, "foreign")) {
		at = number(d);
		if (at - d->in->stack <
			d->in->heap + d->in->heap_len - d->in->stack)
			say(d, "own", 3);
		else
			say_number(d, read_word(at));
	} else if (word(d, "write")) {
		*(volatile uint64_t *)number(d) = 0x4141414141414141;
		say(d, "written", 7);
	} else if (word(d, "gsread")) {
		say_number(d, read_without_gs(number(d)));
	} else if (word(d, "stackread")) {
		at = number(d);
		say_number(d, read_on_stack(at, number(d)));
	} else if (word(d, "stacktrap")) {
		trap_on_stack(number(d));
	} else if (word(d, "syscall")) {
		say_number(d, deeds_syscall(number(d)));
	} else if (word(d, "int80")) {
		say_number(d, deeds_int80(number(d)));
	} else if (word(d, "jump")) {
		((void (*)(void))number(d))();
	} else {
		return false;
	}
	return true;
}

static bool do_fault(struct deeds *d)
{
	if (word(d, "trap"))
		__builtin_trap();
	else if (word(d, "divide"))
		divide();
	else if (word(d, "overflow"))
		say_number(d, overflow(NULL));
	else if (word(d, "spin"))
		for (;;)
			__builtin_ia32_pause();
	else if (word(d, "spintext"))
		spin_in_text(d);
	else if (word(d, "callspin"))
		call_and_spin(d);
	else if (word(d, "bomb"))
		bomb(d);
	else if (word(d, "flood"))
		flood(d);
	else
		return false;
	return true;
}

/* A hostcall of any number with any arguments. True: it came back at once; a
 * call that ends the entry comes back with the next. */
static bool raw_call(struct deeds *d, uint64_t *ret_value)
{
	uint64_t nr = number(d);
	uint64_t a = number(d), b = number(d), c = number(d);

	*ret_value = d->ops->hostcall(nr, a, b, c, number(d));
	return nr < INSIDE_READY || nr > INSIDE_BUFFER;
}

static bool do_call(struct deeds *d)
{
	uint64_t at;

	if (word(d, "call")) {
		if (raw_call(d, &at))
			say_number(d, at);
	} else if (word(d, "hostcall")) {
		leave(d, number(d), 0, 0, 0);
		say(d, "back", 4);
	} else if (word(d, "reply")) {
		at = number(d);
		leave(d, INSIDE_REPLY, at, number(d), INSIDE_REPLY_TEXT);
	} else if (word(d, "fail")) {
		at = number(d);
		leave(d, INSIDE_FAIL, INSIDE_FAIL_ERROR, at, number(d));
	} else if (word(d, "log")) {
		at = number(d);
		leave(d, INSIDE_LOG, INSIDE_LOG_INFO, at, number(d));
		say(d, "logged", 6);
	} else {
		return false;
	}
	return true;
}

static bool whole(const struct deeds *d)
{
	for (size_t i = 0; i < sizeof(d->canary) / sizeof(*d->canary); i++)
		if (d->canary[i] != CANARY)
			return false;
	return true;
}

static void do_self(struct deeds *d)
{
	bool good = whole(d);

	if (word(d, "self"))
		say_number(d, (uint64_t)d->canary);
	else if (word(d, "check"))
		say(d, good ? "whole" : "hurt", good ? 5 : 4);
	else if (word(d, "where"))
		say_number(d, place(d));
	else if (word(d, "echo"))
		say(d, d->at, (size_t)(d->end - d->at));
	else
		say(d, "what?", 5);
}

void deeds_do(struct deeds *d, const char *text, size_t len)
{
	d->at = text;
	d->end = text + len;
	/* A deed that left comes back with the next entry: no further one
	 * then. */
	if (!do_access(d) && !do_look(d) && !do_fault(d) && !do_call(d))
		do_self(d);
}

/* What is to be done instead of what the runtime wants: "load NR ..." or "alloc
 * NR ...". True: it was. */
static bool misbehave(struct deeds *d, const char *when)
{
	uint64_t value;

	d->at = d->plan;
	d->end = d->plan + strlen(d->plan);
	if (!word(d, when))
		return false;
	(void)raw_call(d, &value);
	return true;
}

void deeds_init(struct deeds *d, const struct deeds_ops *ops, const char *plan)
{
	d->in = deeds_inside();
	d->ops = ops;
	d->plan = plan;
	for (size_t i = 0; i < sizeof(d->canary) / sizeof(*d->canary); i++)
		d->canary[i] = CANARY;
}

void deeds_serve(struct deeds *d)
{
	const struct inside *in = d->in;

	for (;;) {
		switch (in->op) {
		case INSIDE_LOAD:
			if (!misbehave(d, "load"))
				leave(d, INSIDE_READY, 0, 0, 0);
			break;
		case INSIDE_INVOKE:
			deeds_do(d, (const char *)in->req, in->req_len);
			break;
		default:
			if (!misbehave(d, "alloc"))
				leave(d, INSIDE_BUFFER,
					(uint64_t)d->ops->alloc(d, in->want), 0,
					0);
			break;
		}
	}
}
