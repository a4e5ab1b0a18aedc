/* The probe engine's inside half; see probe_in.h. */
#include "tests/probe/probe_in.h"

#include <string.h>
#include <unistd.h>

#include "pkey/heap_in.h"

enum {
	REPLY_MAX = 4096,
	BOMB_BYTES = 64 << 10,
	FILL_BYTES = 256 << 10,
	MISUSED = 4096, /* bytes of stack one turn of overflow takes */
};

struct probe {
	struct inside *in;
	struct heap *heap;
	uint64_t canary[8];
	const char *at; /* what is left of the request */
	const char *end;
	char reply[REPLY_MAX];
};

#define CANARY 0xc0ffee5eed5eed01u

/* Key 0. Not zero, else it is no .data. */
static volatile uint64_t probe_secret = 0x5ec2e75ec2e75ec2;
static volatile char probe_words[] = "a secret in words";

static void leave(enum inside_call how, uint64_t a, uint64_t b, uint64_t c)
{
	(void)gate_hostcall(how, a, b, c, 0);
}

/* Words and numbers. --------------------------------------------------------
 */

static bool word(struct probe *p, const char *want)
{
	size_t n = strlen(want);

	if ((size_t)(p->end - p->at) < n || memcmp(p->at, want, n) != 0)
		return false;
	if (p->at + n < p->end && p->at[n] != ' ')
		return false;
	p->at += n;
	if (p->at < p->end)
		p->at++;
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

static uint64_t number(struct probe *p)
{
	uint64_t n = 0;

	for (; p->at < p->end && digit(*p->at) >= 0; p->at++)
		n = n << 4 | (uint64_t)digit(*p->at);
	if (p->at < p->end)
		p->at++;
	return n;
}

static void say(struct probe *p, const char *text, size_t len)
{
	if (len > sizeof(p->reply))
		len = sizeof(p->reply);
	memcpy(p->reply, text, len);
	leave(INSIDE_REPLY, (uint64_t)p->reply, len, INSIDE_REPLY_TEXT);
}

static void say_number(struct probe *p, uint64_t n)
{
	char text[16];

	for (int i = 15; i >= 0; i--, n >>= 4)
		text[i] = "0123456789abcdef"[n & 15];
	say(p, text, sizeof(text));
}

/* Deeds. --------------------------------------------------------------------
 */

static void do_where(struct probe *p)
{
	uint64_t page, thread;

	__asm__("mov %%gs:0, %0" : "=r"(page));
	__asm__("mov %%gs:8, %0" : "=r"(thread));
	if (word(p, "data"))
		say_number(p, (uint64_t)&probe_secret);
	else if (word(p, "words"))
		say_number(p, (uint64_t)probe_words);
	else if (word(p, "thread"))
		say_number(p, thread);
	else if (word(p, "page"))
		say_number(p, page);
	else if (word(p, "text"))
		say_number(p, (uint64_t)&probe_in_main);
	else if (word(p, "ctl"))
		say_number(p, (uint64_t)p->in);
	else if (word(p, "end"))
		say_number(p, p->in->heap + p->in->heap_len);
	else
		say_number(p, (uint64_t)&environ);
}

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

static uint64_t make_syscall(uint64_t nr)
{
	uint64_t r = nr;

	__asm__ volatile("syscall"
			 : "+a"(r)
			 : "D"(0), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	return r;
}

static uint64_t make_int80(uint64_t nr)
{
	uint64_t r = nr;

	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 :
			 : "r8", "r9", "r10", "r11", "memory");
	return r;
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

/* "jmp *%rax" to itself would be in the isolate's reach; this stands in the
 * daemon's text, which can't be taken away. */
static void spin_in_text(void)
{
	__asm__ volatile("lea 1f(%%rip), %%rax\n1:\n\tjmp *%%rax" : : : "rax");
}

static void call_and_spin(void)
{
	for (;;)
		(void)gate_hostcall(INSIDE_TIME, INSIDE_CLOCK_MONO, 0, 0, 0);
}

static void bomb(struct probe *p)
{
	static const char text[] = "no more";
	char *last = NULL;

	for (;;) {
		char *b = heap_in_alloc(p->heap, BOMB_BYTES);

		if (!b)
			break;
		memset(b, 1, BOMB_BYTES);
		memcpy(b, &last, sizeof(last));
		last = b;
	}
	while (last) {
		char *next;

		memcpy(&next, last, sizeof(next));
		heap_in_free(p->heap, last);
		last = next;
	}
	memcpy(p->reply, text, sizeof(text));
	leave(INSIDE_FAIL, INSIDE_FAIL_NOMEM, (uint64_t)p->reply,
		sizeof(text) - 1);
}

static void flood(struct probe *p)
{
	volatile char *at = (volatile char *)p->in->heap;

	for (;; at += 4096)
		*at = 1;
}

/* Everything an isolate can read, its own stack below to the heap's end. The
 * pattern is never held as it stands, so that none but old ones are found. */
static uint64_t scan(const struct probe *p, uint64_t inverse)
{
	const volatile uint64_t *at = (void *)p->in->stack;
	const volatile uint64_t *end = (void *)(p->in->heap + p->in->heap_len);
	uint64_t n = 0;

	for (; at < end; at++)
		n += ~*at == inverse;
	return n;
}

static void fill(struct probe *p, uint64_t inverse)
{
	volatile uint64_t *at = heap_in_alloc(p->heap, FILL_BYTES);

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
static bool do_look(struct probe *p)
{
	if (word(p, "scan")) {
		say_number(p, scan(p, number(p)));
	} else if (word(p, "fill")) {
		fill(p, number(p));
		say(p, "filled", 6);
	} else if (word(p, "pkru")) {
		say_number(p, read_pkru());
	} else {
		return false;
	}
	return true;
}

/* True: it was one of these. */
static bool do_access(struct probe *p)
{
	uint64_t at;

	if (word(p, "read")) {
		say_number(p, read_word(number(p)));
	} else if (word(p, "foreign")) {
		at = number(p);
		if (at - p->in->stack <
			p->in->heap + p->in->heap_len - p->in->stack)
			say(p, "own", 3);
		else
			say_number(p, read_word(at));
	} else if (word(p, "write")) {
		*(volatile uint64_t *)number(p) = 0x4141414141414141;
		say(p, "written", 7);
	} else if (word(p, "gsread")) {
		say_number(p, read_without_gs(number(p)));
	} else if (word(p, "stackread")) {
		at = number(p);
		say_number(p, read_on_stack(at, number(p)));
	} else if (word(p, "stacktrap")) {
		trap_on_stack(number(p));
	} else if (word(p, "syscall")) {
		say_number(p, make_syscall(number(p)));
	} else if (word(p, "int80")) {
		say_number(p, make_int80(number(p)));
	} else if (word(p, "jump")) {
		((void (*)(void))number(p))();
	} else {
		return false;
	}
	return true;
}

static bool do_fault(struct probe *p)
{
	if (word(p, "trap"))
		__builtin_trap();
	else if (word(p, "divide"))
		divide();
	else if (word(p, "overflow"))
		say_number(p, overflow(NULL));
	else if (word(p, "spin"))
		for (;;)
			__builtin_ia32_pause();
	else if (word(p, "spintext"))
		spin_in_text();
	else if (word(p, "callspin"))
		call_and_spin();
	else if (word(p, "bomb"))
		bomb(p);
	else if (word(p, "flood"))
		flood(p);
	else
		return false;
	return true;
}

/* A hostcall of any number with any arguments. True: it came back at once; a
 * call that ends the entry comes back with the next. */
static bool raw_call(struct probe *p, uint64_t *ret_value)
{
	uint64_t nr = number(p);
	uint64_t a = number(p), b = number(p), c = number(p);

	*ret_value = gate_hostcall(nr, a, b, c, number(p));
	return nr < INSIDE_READY || nr > INSIDE_BUFFER;
}

static bool do_call(struct probe *p)
{
	uint64_t at;

	if (word(p, "call")) {
		if (raw_call(p, &at))
			say_number(p, at);
	} else if (word(p, "hostcall")) {
		leave(number(p), 0, 0, 0);
		say(p, "back", 4);
	} else if (word(p, "reply")) {
		at = number(p);
		leave(INSIDE_REPLY, at, number(p), INSIDE_REPLY_TEXT);
	} else if (word(p, "fail")) {
		at = number(p);
		leave(INSIDE_FAIL, INSIDE_FAIL_ERROR, at, number(p));
	} else if (word(p, "log")) {
		at = number(p);
		leave(INSIDE_LOG, INSIDE_LOG_INFO, at, number(p));
		say(p, "logged", 6);
	} else {
		return false;
	}
	return true;
}

static void do_self(struct probe *p)
{
	bool whole = true;

	for (size_t i = 0; i < sizeof(p->canary) / sizeof(*p->canary); i++)
		whole = whole && p->canary[i] == CANARY;
	if (word(p, "self"))
		say_number(p, (uint64_t)p->canary);
	else if (word(p, "check"))
		say(p, whole ? "whole" : "hurt", whole ? 5 : 4);
	else if (word(p, "where"))
		do_where(p);
	else if (word(p, "echo"))
		say(p, p->at, (size_t)(p->end - p->at));
	else
		say(p, "what?", 5);
}

/* A deed that left comes back with the next entry: no further one then. */
static void invoke(struct probe *p)
{
	p->at = (const char *)p->in->req;
	p->end = p->at + p->in->req_len;
	if (!do_access(p) && !do_look(p) && !do_fault(p) && !do_call(p))
		do_self(p);
}

/* The code says what to do instead of what the runtime wants: "load NR ..." or
 * "alloc NR ...". True: it did. */
static bool misbehave(struct probe *p, const char *when)
{
	uint64_t value;

	p->at = (const char *)p->in->code;
	p->end = p->at + p->in->code_len;
	if (!word(p, when))
		return false;
	(void)raw_call(p, &value);
	return true;
}

void probe_in_main(struct inside *in)
{
	struct probe p = {.in = in};

	p.heap = heap_in_init((void *)in->heap, in->heap_len);
	for (size_t i = 0; i < sizeof(p.canary) / sizeof(*p.canary); i++)
		p.canary[i] = CANARY;
	for (;;) {
		switch (in->op) {
		case INSIDE_LOAD:
			if (!misbehave(&p, "load"))
				leave(INSIDE_READY, 0, 0, 0);
			break;
		case INSIDE_INVOKE:
			invoke(&p);
			break;
		default:
			if (!misbehave(&p, "alloc"))
				leave(INSIDE_BUFFER,
					(uint64_t)heap_in_alloc(
						p.heap, in->want),
					0, 0);
			break;
		}
	}
}
