/*
 * A native function that keeps a canary: in static data of each kind, in blocks
 * of its heap and, while it is called, on its stack. What the client sent with
 * an isolate's first call is what all of them say until it ends. U.
 *
 * Requests: "WHAT SEED", in quotes, as Lua functions get them. What to do is
 * told by canary.h.
 */
#include <stdbool.h>
#include <string.h>

#include "gvisor/function.h"

enum {
	SEED = 16, /* digits */
	BLOCKS = 8,
	BLOCK = 3000,
	ON_STACK = 512,
	REPLY = 256,
	SLOT = 64 << 20, /* from one isolate to the next */
};

struct wish {
	const char *what;
	size_t len;
	const char *seed;
};

static char in_bss[SEED];
static char in_data[SEED] = "none yet";
static char *block[BLOCKS];
static uint64_t calls;
static char text[REPLY];

static void fill(char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = in_bss[i % SEED];
}

static bool filled(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != in_bss[i % SEED])
			return false;
	return true;
}

static void set(const char *seed)
{
	(void)memcpy(in_bss, seed, SEED);
	(void)memcpy(in_data, seed, SEED);
	for (unsigned i = 0; i < BLOCKS; i++) {
		block[i] = gv_alloc(BLOCK);
		if (block[i])
			fill(block[i], BLOCK);
	}
}

/* Where it is not what it was; NULL: nowhere. */
static const char *hurt(void)
{
	if (!filled(in_data, SEED))
		return "data";
	for (unsigned i = 0; i < BLOCKS; i++)
		if (block[i] && !filled(block[i], BLOCK))
			return "heap";
	return NULL;
}

/* Through the gate and back. */
static bool stack_stays(void)
{
	char mine[ON_STACK];

	fill(mine, sizeof(mine));
	(void)gv_time(GV_CLOCK_MONO);
	__asm__ volatile("" : : "r"(mine) : "memory");
	return filled(mine, sizeof(mine));
}

static bool is(const struct wish *w, const char *what)
{
	return w->len == strlen(what) && memcmp(w->what, what, w->len) == 0;
}

static void bomb(void)
{
	for (char *p; (p = gv_alloc(65536));)
		(void)memset(p, 'x', 65536);
	gv_fail("no more");
}

/* The same place in another isolate, up to eight slots up or down. */
static void poke(const char *seed)
{
	long away = (seed[SEED - 1] & 7) + 1;
	char *at = in_data;

	/* Where that leads is none of the compiler's business. */
	__asm__("" : "+r"(at));
	at += (seed[SEED - 2] & 1 ? away : -away) * (long)SLOT;
	*(volatile char *)at = '!';
}

static void die(const struct wish *w)
{
	if (is(w, "spin"))
		for (;;)
			__asm__ volatile("pause");
	if (is(w, "bomb"))
		bomb();
	if (is(w, "trap"))
		__builtin_trap();
	if (is(w, "flood"))
		for (char *at = text;; at += 4096)
			*(volatile char *)at = 0;
	if (is(w, "poke"))
		poke(w->seed);
}

static size_t append(size_t at, const char *what, size_t len)
{
	if (at + len <= sizeof(text))
		(void)memcpy(text + at, what, len);
	return at + len;
}

static size_t append_number(size_t at, uint64_t n)
{
	char digits[20];
	size_t len = 0;

	do {
		digits[sizeof(digits) - ++len] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return append(at, digits + sizeof(digits) - len, len);
}

static size_t tell(const char *name, const char *where)
{
	size_t at = append(0, name, strlen(name));

	at = append(at, " ", 1);
	at = append(at, in_bss, SEED);
	at = append(at, " ", 1);
	at = append_number(at, calls);
	at = append(at, " ", 1);
	return append(at, where ? where : "whole", where ? strlen(where) : 5);
}

int handler(const struct gv_request *req, struct gv_response *res)
{
	struct wish w = {.what = req->body + 1};
	const char *where;

	w.len = strcspn(w.what, " ");
	if (req->body_len < w.len + 2 + SEED)
		return 1;
	w.seed = w.what + w.len + 1;
	if (calls++ == 0)
		set(w.seed);
	where = hurt();
	if (!where && !stack_stays())
		where = "stack";
	die(&w);
	res->kind = GV_TEXT;
	res->body = text;
	res->body_len = tell(req->function, where);
	return is(&w, "error") ? 1 : 0;
}
