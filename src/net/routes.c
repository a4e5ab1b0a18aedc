/*
 * The table of routes (trusted side, any thread). The busiest stands first; the
 * search is linear, as twenty short comparisons cost less than a hash.
 */
#include "net/routes.h"

#include <string.h>

static const struct route table[] = {
	{"POST", "/v1/functions/{}/{}/invoke", .worker = rest_invoke},
	{"PUT", "/v1/functions/{}/{}", .control = rest_function_put,
		.flags = ROUTE_ADMIN | ROUTE_CODE},
	{"GET", "/v1/functions/{}/{}", .control = rest_function_get},
	{"DELETE", "/v1/functions/{}/{}", .control = rest_function_delete,
		.flags = ROUTE_ADMIN},
	{"POST", "/v1/functions/{}/{}/warm", .control = rest_function_warm,
		.flags = ROUTE_ADMIN},
	{"GET", "/v1/functions/{}", .control = rest_functions_list},
	{"GET", "/v1/functions", .control = rest_functions_list},
	{"GET", "/v1/isolates", .control = rest_isolates},
	{"GET", "/v1/domains", .control = rest_domains},
	{"GET", "/v1/info", .control = rest_info},
	{"GET", "/metrics", .control = rest_metrics},
	{"GET", "/livez", .worker = rest_livez},
	{"GET", "/healthz", .worker = rest_livez},
	{"GET", "/readyz", .worker = rest_readyz},
	{"GET", "/version", .worker = rest_version},
	/* One end-point for all three methods: rest_paper itself looks who may
	 * register. */
	{"POST", "/", .control = rest_paper, .flags = ROUTE_CODE},
	{"POST", "/register", .control = rest_paper_register,
		.flags = ROUTE_ADMIN | ROUTE_CODE},
	{"POST", "/deregister", .control = rest_paper_deregister,
		.flags = ROUTE_ADMIN},
};

enum {
	N_ROUTES = sizeof(table) / sizeof(table[0])
};

const struct route *routes_at(size_t i)
{
	return i < N_ROUTES ? &table[i] : NULL;
}

/* Length of the segment at p: up to the next '/' or the end. */
static size_t segment(const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));

	return (size_t)((slash ? slash : end) - p);
}

static bool pattern_matches(
	const char *pat, struct slice path, struct slice param[EXCHANGE_PARAMS])
{
	const char *p = path.ptr, *end = path.ptr + path.len;
	size_t n = 0;

	for (; *pat; pat++) {
		if (pat[0] == '{' && pat[1] == '}') {
			size_t len = segment(p, end);

			if (len == 0 || n == EXCHANGE_PARAMS)
				return false;
			param[n++] = (struct slice){p, len};
			p += len;
			pat++;
		} else if (p < end && *p == *pat) {
			p++;
		} else {
			return false;
		}
	}
	return p == end;
}

static bool method_matches(const struct route *r, struct slice method)
{
	return slice_is(method, r->method) ||
	       (slice_is(method, "HEAD") && strcmp(r->method, "GET") == 0);
}

static void allow_add(struct buf *allow, const char *method)
{
	if (allow->len)
		buf_add_lit(allow, ", ");
	buf_add_str(allow, method);
	if (strcmp(method, "GET") == 0)
		buf_add_lit(allow, ", HEAD");
}

int routes_find(struct slice method, struct slice path,
	const struct route **ret_route, struct slice ret_param[EXCHANGE_PARAMS],
	struct buf *ret_allow)
{
	bool known = false;

	for (size_t i = 0; i < N_ROUTES; i++) {
		const struct route *r = &table[i];

		if (!pattern_matches(r->pattern, path, ret_param))
			continue;
		if (method_matches(r, method)) {
			*ret_route = r;
			return 0;
		}
		known = true;
		allow_add(ret_allow, r->method);
	}
	return known ? ROUTES_E_METHOD : ROUTES_E_NOT_FOUND;
}
