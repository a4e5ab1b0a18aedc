/*
 * String instructions that start in the isolate's own memory and run over its
 * border into a neighbour's, forwards and backwards; comparisons that tell one
 * byte at a time what stands there.
 */
#include "tests/security/attack.h"
#include "tests/security/touch.h"

enum {
	OWN = 64,	 /* bytes of its own that each starts with */
	ROOM = 96 << 10, /* free for copies, in its memory */
	OVER = BOX_SECRET_AT + OWN + 64, /* from there into the secret */
};

static char *border(const struct box_attack *a)
{
	return (char *)a->stack + BOX_ISOLATE_BYTES;
}

/* U. */
static void stos_over(struct box_attack *a)
{
	char *to = border(a) - OWN;
	uint64_t n = OVER;

	__asm__ volatile("rep stosb"
			 : "+D"(to), "+c"(n)
			 : "a"(0x41)
			 : "memory");
	box_got(1);
}

/* U. Below the isolate's memory is the heap. */
static void stos_back(struct box_attack *a)
{
	char *to = (char *)a->stack + OWN;
	uint64_t n = 2 * OWN;

	__asm__ volatile("std\n\trep stosb\n\tcld"
			 : "+D"(to), "+c"(n)
			 : "a"(0x41)
			 : "memory");
	box_got(1);
}

/* U. */
static void movs_to(struct box_attack *a)
{
	char *to = border(a) - OWN, *from = (char *)a->stack + ROOM;
	uint64_t n = OVER / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	box_got(1);
}

/* U. */
static void movs_from(struct box_attack *a)
{
	char *from = border(a) - OWN, *to = (char *)a->stack + ROOM;
	uint64_t n = OVER;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	box_got(*(uint64_t *)(void *)(to - 8));
}

/* U. */
static void movs_from_back(struct box_attack *a)
{
	char *from = (char *)a->stack + 8, *to = (char *)a->stack + ROOM + OWN;
	uint64_t n = 3;

	__asm__ volatile("std\n\trep movsq\n\tcld"
			 : "+D"(to), "+S"(from), "+c"(n)
			 :
			 : "memory");
	box_got(*(uint64_t *)(void *)(to + 8));
}

/* U. */
static void lods(struct box_attack *a)
{
	char *from = border(a) - OWN;
	uint64_t n = OVER / 8, got;

	__asm__ volatile("rep lodsq"
			 : "=a"(got), "+S"(from), "+c"(n)::"memory");
	box_got(got);
}

/* U. The byte is what ends the search. */
static unsigned scas_byte(const char *at)
{
	for (unsigned guess = 0; guess < 256; guess++) {
		const char *p = at;
		unsigned char same;

		__asm__ volatile("scasb"
				 : "=@ccz"(same), "+D"(p)
				 : "a"(guess)
				 : "memory");
		if (same)
			return guess;
	}
	return 0;
}

static void scas(struct box_attack *a)
{
	uint64_t got = 0;

	for (unsigned i = 8; i-- > 0;)
		got = got << 8 | scas_byte((char *)touch_at(a) + i);
	box_got(got);
}

/* U. */
static unsigned cmps_byte(struct box_attack *a, const char *at)
{
	for (unsigned guess = 0; guess < 256; guess++) {
		const char *p = at, *q = (char *)a->area;
		unsigned char same;

		a->area[0] = (unsigned char)guess;
		__asm__ volatile("cmpsb"
				 : "=@ccz"(same), "+D"(p), "+S"(q)
				 :
				 : "memory");
		if (same)
			return guess;
	}
	return 0;
}

static void cmps(struct box_attack *a)
{
	uint64_t got = 0;

	for (unsigned i = 8; i-- > 0;)
		got = got << 8 | cmps_byte(a, (char *)touch_at(a) + i);
	box_got(got);
}

/* U. */
static void xlat(struct box_attack *a)
{
	uint64_t got = 0;

	for (unsigned i = 8; i-- > 0;) {
		unsigned char byte = (unsigned char)i;

		__asm__ volatile("xlatb"
				 : "+a"(byte)
				 : "b"(touch_at(a))
				 : "memory");
		got = got << 8 | byte;
	}
	box_got(got);
}

static void run(void)
{
	static const struct touch over[] = {
		{"rep stosb over the border", stos_over, TOUCH_WRITE},
		{"rep movsq over the border", movs_to, TOUCH_WRITE},
		{"rep movsb from over the border", movs_from, TOUCH_READ},
		{"rep lodsq over the border", lods, TOUCH_READ},
		{"scasb, byte by byte", scas, TOUCH_READ},
		{"cmpsb, byte by byte", cmps, TOUCH_READ},
		{"xlat", xlat, TOUCH_READ},
	};
	static const struct touch back[] = {
		{"rep stosb backwards", stos_back, TOUCH_WRITE},
		{"rep movsq from below", movs_from_back, TOUCH_READ},
	};

	touch_try(over, sizeof(over) / sizeof(*over), BOX_OTHER);
	touch_try(back, sizeof(back) / sizeof(*back), BOX_HEAP);
}

const struct attack attack_k11 = {
	.id = "K11",
	.name = "string instructions over the border of own memory",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
