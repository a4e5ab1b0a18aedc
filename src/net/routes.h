#pragma once
/*
 * Which request goes to which handler: one table. Looks at method and path
 * only; both are hostile bytes. No state, any thread.
 *
 * A pattern is literal segments and "{}", which matches one non-empty segment.
 * Paths are taken as they are: no percent-decoding (names need none), no dot
 * segments, no empty segments.
 */
#include <stdbool.h>
#include <stddef.h>

#include "net/exchange.h"

enum {
	ROUTE_ADMIN = 1, /* refused on TCP without the admin token */
	ROUTE_CODE = 2,	 /* the body may be as large as code */
};

/* Exactly one of the two is set. */
struct route {
	const char *method; /* "GET" also serves HEAD */
	const char *pattern;
	void (*worker)(struct exchange *x);
	control_fn *control;
	unsigned flags;
};

enum routes_e {
	ROUTES_E_NOT_FOUND = 1,
	ROUTES_E_METHOD, /* the path is known, but not with this method */
};

/* *ret_param: what the {} matched, in order. ROUTES_E_METHOD: *ret_allow is
 * filled with the methods the path has ("GET, HEAD, PUT"). */
int routes_find(struct slice method, struct slice path,
	const struct route **ret_route, struct slice ret_param[EXCHANGE_PARAMS],
	struct buf *ret_allow);

/* The table, for documentation and tests; NULL past the end. */
const struct route *routes_at(size_t i);

/* rest_invoke.c */
void rest_invoke(struct exchange *x);
/* Calls the function x->id, see EXCHANGE_INVOKE; x->inv.timeout_ns is set. */
void rest_invoke_id(struct exchange *x, const void *body, size_t len);
/* rest_functions.c */
control_fn rest_function_put;
control_fn rest_function_get;
control_fn rest_function_delete;
control_fn rest_functions_list;
/* rest_warm.c */
control_fn rest_function_warm;
/* rest_domains.c */
control_fn rest_isolates;
control_fn rest_domains;
/* rest_info.c */
void rest_livez(struct exchange *x);
void rest_readyz(struct exchange *x);
void rest_version(struct exchange *x);
control_fn rest_info;
control_fn rest_metrics;
/* rest_paper.c */
control_fn rest_paper;
control_fn rest_paper_register;
control_fn rest_paper_deregister;
