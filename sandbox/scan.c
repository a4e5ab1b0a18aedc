/*
 * The scanner: 16 offsets at a time are sorted out by their first two bytes,
 * which few offsets of honest code survive; what is left is looked at one by
 * one. The order of both steps, and the tail, follow from one rule: match_at()
 * alone says what a hit is.
 */
#include "sandbox/scan.h"

#include <emmintrin.h>
#include <string.h>

#include "base/check.h"

enum {
	STEP = 16
};

/* What stands after 0F or REX2: [b, b + left). Sets the length from b on. */
static enum scan_class match_table_0f(
	const uint8_t *b, size_t left, unsigned *ret_length)
{
	*ret_length = 1;
	if (left >= 1 && (b[0] == 0x05 || b[0] == 0x34))
		return SCAN_SYSCALL;
	*ret_length = 2;
	if (left < 2)
		return 0;
	if (b[0] == 0x01 && b[1] == 0xef)
		return SCAN_WRPKRU;
	if (b[0] != 0xae)
		return 0;
	if (b[1] >= 0xd0 && b[1] <= 0xdf)
		return SCAN_WRBASE;
	if (b[1] < 0xc0 && (b[1] & 0x38) == 0x28)
		return SCAN_XRSTOR;
	return 0;
}

/* The class of the sequence that starts at p[0], 0 if none of [p, p + left)
 * does. The bytes decide: no two sequences fit at one start. */
static enum scan_class match_at(
	const uint8_t *p, size_t left, unsigned *ret_length)
{
	static const uint8_t rseq[] = {0x53, 0x30, 0x05, 0x53};
	unsigned lead = p[0] == 0xd5 ? 2 : 1;
	enum scan_class c = 0;

	if (left < 2)
		return 0;
	if (p[0] == 0x0f || (p[0] == 0xd5 && p[1] >= 0x80)) {
		c = match_table_0f(p + lead, left - lead, ret_length);
		*ret_length += lead;
	} else if (p[0] == 0xcd && p[1] == 0x80) {
		c = SCAN_SYSCALL;
		*ret_length = 2;
	} else if (left >= sizeof(rseq) && !memcmp(p, rseq, sizeof(rseq))) {
		c = SCAN_RSEQ;
		*ret_length = sizeof(rseq);
	}
	return c;
}

/* Which of 16 offsets may start a sequence, by the byte there and the next. */
static unsigned candidates(const uint8_t *p)
{
	const __m128i a = _mm_loadu_si128((const void *)p);
	const __m128i b = _mm_loadu_si128((const void *)(p + 1));
#define A(v) _mm_cmpeq_epi8(a, _mm_set1_epi8((char)(v)))
#define B(v) _mm_cmpeq_epi8(b, _mm_set1_epi8((char)(v)))
	__m128i second = _mm_or_si128(
		_mm_or_si128(B(0x01), B(0xae)), _mm_or_si128(B(0x05), B(0x34)));
	__m128i any = _mm_and_si128(A(0x0f), second);

	any = _mm_or_si128(any, _mm_and_si128(A(0x53), B(0x30)));
	any = _mm_or_si128(any, _mm_and_si128(A(0xcd), B(0x80)));
	/* movemask takes the top bit: b's own says 80..FF. */
	any = _mm_or_si128(any, _mm_and_si128(A(0xd5), b));
#undef A
#undef B
	return (unsigned)_mm_movemask_epi8(any);
}

/* Offset i of the piece [p, p + n), which stands at s->at. */
static size_t look(struct scan *s, const uint8_t *p, size_t n, size_t i)
{
	struct scan_hit h;

	h.class = match_at(p + i, n - i, &h.length);
	if (!(h.class & s->classes))
		return 0;
	h.offset = s->at + i;
	if (s->hit && !s->hit(s->arg, &h))
		s->stopped = true;
	return 1;
}

static size_t scan_piece(struct scan *s, const uint8_t *p, size_t n)
{
	size_t hits = 0;
	size_t i = 0;

	/* One byte more than a step is read. */
	for (; i + STEP < n && !s->stopped; i += STEP) {
		unsigned m = candidates(p + i);

		for (; m && !s->stopped; m &= m - 1)
			hits += look(s, p, n, i + (unsigned)__builtin_ctz(m));
	}
	for (; i < n && !s->stopped; i++)
		hits += look(s, p, n, i);
	return hits;
}

/* What starts before the piece and ends in it. */
static size_t scan_border(struct scan *s, const uint8_t *p, size_t n)
{
	uint8_t join[2 * (SCAN_LONGEST - 1)];
	size_t after = n < SCAN_LONGEST - 1 ? n : SCAN_LONGEST - 1;
	uint64_t at = s->at;
	size_t hits = 0;

	memcpy(join, s->carry, s->n_carry);
	memcpy(join + s->n_carry, p, after);
	s->at -= s->n_carry;
	for (size_t i = 0; i < s->n_carry && !s->stopped; i++) {
		unsigned length;

		/* Ends before the piece: told of when its last byte came. */
		if (match_at(join + i, s->n_carry - i, &length))
			continue;
		hits += look(s, join, s->n_carry + after, i);
	}
	s->at = at;
	return hits;
}

static void keep_carry(struct scan *s, const uint8_t *p, size_t n)
{
	size_t room = SCAN_LONGEST - 1;
	size_t old;

	if (n >= room) {
		memcpy(s->carry, p + n - room, room);
		s->n_carry = room;
		return;
	}
	old = s->n_carry + n > room ? room - n : s->n_carry;
	memmove(s->carry, s->carry + s->n_carry - old, old);
	memcpy(s->carry + old, p, n);
	s->n_carry = old + n;
}

void scan_init(struct scan *s, uint64_t at, unsigned classes, scan_hit_fn *hit,
	void *arg)
{
	*s = (struct scan){
		.classes = classes, .hit = hit, .arg = arg, .at = at};
}

size_t scan_next(struct scan *s, const uint8_t *p, size_t n)
{
	size_t hits = 0;

	if (n == 0)
		return 0;
	if (s->n_carry)
		hits = scan_border(s, p, n);
	hits += scan_piece(s, p, n);
	keep_carry(s, p, n);
	s->at += n;
	return hits;
}

size_t scan_bytes(const uint8_t *p, size_t n, unsigned classes,
	scan_hit_fn *hit, void *arg)
{
	struct scan s;

	scan_init(&s, 0, classes, hit, arg);
	return scan_next(&s, p, n);
}

const char *scan_class_name(enum scan_class c)
{
	switch (c) {
	case SCAN_WRPKRU:
		return "WRPKRU";
	case SCAN_XRSTOR:
		return "XRSTOR";
	case SCAN_WRBASE:
		return "WRFSBASE/WRGSBASE";
	case SCAN_RSEQ:
		return "rseq signature";
	case SCAN_SYSCALL:
		return "system call";
	case SCAN_FORBIDDEN:
	case SCAN_RIGHTS:
		break;
	}
	CHECK(!"one class at a time");
	return "";
}
