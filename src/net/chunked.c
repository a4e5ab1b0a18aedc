/*
 * The chunked decoder: one byte of framing at a time, data by memmove. What is
 * read is never before what is written, so decoding in place is safe.
 */
#include "net/chunked.h"

#include <string.h>

#include "base/check.h"
#include "util/strutil.h"

/* A byte of the size or what ends it. */
static int size_byte(struct chunked *c, char byte, size_t max)
{
	int digit = str_hex_digit(byte);

	if (digit >= 0) {
		if (++c->digits > CHUNKED_DIGITS_MAX)
			return CHUNKED_E_BAD;
		c->left = c->left << 4 | (uint64_t)digit;
		return 0;
	}
	if (c->digits == 0)
		return CHUNKED_E_BAD;
	if (c->left > max - c->out)
		return CHUNKED_E_TOO_LARGE;
	c->ext = 0;
	if (byte == ';')
		c->state = CHUNKED_EXT;
	else if (byte == '\r')
		c->state = CHUNKED_SIZE_LF;
	else
		return CHUNKED_E_BAD;
	return 0;
}

static int ext_byte(struct chunked *c, char byte)
{
	if (byte == '\r' && c->ext > 0) {
		c->state = CHUNKED_SIZE_LF;
		return 0;
	}
	if (!str_is_token(byte) && byte != ';' && byte != '=')
		return CHUNKED_E_BAD;
	if (++c->ext > CHUNKED_EXT_MAX ||
		++c->ext_total > CHUNKED_EXT_TOTAL_MAX)
		return CHUNKED_E_EXTENSION;
	return 0;
}

static int expect(
	struct chunked *c, char byte, char want, enum chunked_state next)
{
	if (byte != want)
		return CHUNKED_E_BAD;
	c->state = next;
	return 0;
}

/* A byte that is no data. */
static int framing_byte(struct chunked *c, char byte, size_t max)
{
	switch (c->state) {
	case CHUNKED_SIZE:
		return size_byte(c, byte, max);
	case CHUNKED_EXT:
		return ext_byte(c, byte);
	case CHUNKED_SIZE_LF:
		return expect(c, byte, '\n',
			c->left ? CHUNKED_DATA : CHUNKED_LAST_CR);
	case CHUNKED_DATA_CR:
		return expect(c, byte, '\r', CHUNKED_DATA_LF);
	case CHUNKED_DATA_LF:
		c->digits = 0;
		return expect(c, byte, '\n', CHUNKED_SIZE);
	case CHUNKED_LAST_CR:
		return expect(c, byte, '\r', CHUNKED_LAST_LF);
	case CHUNKED_LAST_LF:
		return expect(c, byte, '\n', CHUNKED_DONE);
	case CHUNKED_DATA:
	case CHUNKED_DONE:
		break;
	}
	CHECK(false);
	return CHUNKED_E_BAD;
}

int chunked_decode(struct chunked *c, char *body, size_t *len, size_t max,
	size_t *ret_next)
{
	size_t at = c->out;

	while (at < *len && c->state != CHUNKED_DONE) {
		if (c->state == CHUNKED_DATA) {
			size_t n = *len - at;

			if (n > c->left)
				n = (size_t)c->left;
			memmove(body + c->out, body + at, n);
			c->out += n;
			c->left -= n;
			at += n;
			if (c->left == 0)
				c->state = CHUNKED_DATA_CR;
		} else {
			int r = framing_byte(c, body[at++], max);

			if (r != 0)
				return r;
		}
	}
	if (c->state != CHUNKED_DONE) {
		*len = c->out;
		return CHUNKED_E_MORE;
	}
	*ret_next = at;
	return 0;
}
