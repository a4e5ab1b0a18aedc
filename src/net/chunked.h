#pragma once
/*
 * Chunked bodies, decoded in place: the data of all chunks ends up in one run.
 * Strict: no trailers, no bare line ends, extensions bounded and unquoted.
 * Hostile bytes; pure, no malloc.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	CHUNKED_EXT_MAX = 256,	      /* extension bytes of one chunk */
	CHUNKED_EXT_TOTAL_MAX = 4096, /* and of all together */
	CHUNKED_DIGITS_MAX = 8,	      /* of a size */
};

enum chunked_e {
	CHUNKED_E_MORE = 1,
	CHUNKED_E_BAD,
	CHUNKED_E_TOO_LARGE, /* the body, more than max */
	CHUNKED_E_EXTENSION, /* too much of it */
};

enum chunked_state {
	CHUNKED_SIZE, /* in or before the digits */
	CHUNKED_EXT,
	CHUNKED_SIZE_LF,
	CHUNKED_DATA,
	CHUNKED_DATA_CR,
	CHUNKED_DATA_LF,
	CHUNKED_LAST_CR,
	CHUNKED_LAST_LF,
	CHUNKED_DONE,
};

struct chunked {
	enum chunked_state state;
	unsigned digits;
	uint64_t left; /* of this chunk */
	unsigned ext, ext_total;
	size_t out; /* bytes decoded so far */
};

/*
 * body[0, c->out) is decoded, body[c->out, *len) has just come. Decodes it:
 * afterwards *len is c->out if more is needed; when the body is complete (0)
 * *len is unchanged and *ret_next is where the rest begins.
 */
int chunked_decode(struct chunked *c, char *body, size_t *len, size_t max,
	size_t *ret_next);
