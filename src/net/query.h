#pragma once
/*
 * The query string of a request against the parameters a route has. Hostile
 * bytes; pure, no malloc, any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/strutil.h"

enum query_e {
	QUERY_E_INVALID = 1, /* err says what, for the user */
};

struct query_param {
	const char *name;
	const char *value; /* NUL-terminated, decoded; NULL: not given */
	bool or_minus_one; /* of a number: -1 is UINT64_MAX */
};

/* Decodes into mem, which must hold query.len + 1 bytes. Unknown parameters,
 * repeated ones, broken escapes and NULs are errors. */
int query_parse(struct slice query, struct query_param *params, size_t n,
	char *mem, struct buf *err);

/* p->value as a number; *ret_value stays as it was if it is not given. */
int query_u64(const struct query_param *p, uint64_t min, uint64_t max,
	struct buf *err, uint64_t *ret_value);
