/* Small parsers. */
#include "util/strutil.h"

bool str_parse_u64(
	struct slice s, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)s.ptr[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, digit, &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*ret_value = v;
	return true;
}

bool str_is_name(struct slice s)
{
	if (s.len == 0 || s.len > STR_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool mark = c == '.' || c == '_' || c == '-';

		if (!alnum && !(mark && i > 0))
			return false;
	}
	return true;
}

void str_hex(const void *p, size_t n, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++) {
		*ret_text++ = digits[c[i] >> 4];
		*ret_text++ = digits[c[i] & 15];
	}
	*ret_text = '\0';
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum {
	NEAREST_MAX = 64
};

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance, one row at a time; both at most NEAREST_MAX long. */
static unsigned distance(struct slice a, struct slice b)
{
	unsigned row[NEAREST_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = str_lower(a.ptr[i - 1]) ==
				    str_lower(b.ptr[j - 1]);
			unsigned up = row[j];

			row[j] = min3(row[j - 1] + 1, up + 1,
				diagonal + (same ? 0 : 1));
			diagonal = up;
		}
	}
	return row[b.len];
}

const char *str_nearest(struct slice s, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	unsigned least = 0;

	if (s.len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct slice c = slice_of(candidates[i]);
		unsigned d;

		if (c.len > NEAREST_MAX)
			continue;
		d = distance(s, c);
		/* A third of the word wrong is a slip, more is another word. */
		if (d > (c.len + 2) / 3 || (best && d >= least))
			continue;
		best = candidates[i];
		least = d;
	}
	return best;
}
