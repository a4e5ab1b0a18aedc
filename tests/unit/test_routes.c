/* Which path goes where, and query strings. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/query.h"
#include "net/routes.h"

static struct slice param[EXCHANGE_PARAMS];
static char allow_mem[64];
static struct buf allow;
static const struct route *route;

static int find(const char *method, const char *path)
{
	buf_init(&allow, allow_mem, sizeof(allow_mem));
	route = NULL;
	return routes_find(
		slice_of(method), slice_of(path), &route, param, &allow);
}

Test(routes, params)
{
	cr_assert_eq(find("POST", "/v1/functions/acme/hello/invoke"), 0);
	cr_assert_eq(route->worker, rest_invoke);
	cr_assert(slice_is(param[0], "acme"));
	cr_assert(slice_is(param[1], "hello"));
	cr_assert_eq(find("PUT", "/v1/functions/a/b"), 0);
	cr_assert_eq(route->control, rest_function_put);
	cr_assert(route->flags & ROUTE_ADMIN);
}

Test(routes, every_route_finds_itself)
{
	for (size_t i = 0; routes_at(i); i++) {
		const struct route *want = routes_at(i);
		char path[128] = "";

		for (const char *p = want->pattern; *p; p++) {
			char c[2] = {*p == '{' ? 'x' : *p, '\0'};

			if (*p != '}')
				strcat(path, c);
		}
		cr_assert_eq(find(want->method, path), 0, "%s", path);
		cr_assert_eq(route, want, "%s", path);
		cr_assert(!want->worker != !want->control);
	}
}

Test(routes, head_is_get)
{
	cr_assert_eq(find("HEAD", "/livez"), 0);
	cr_assert_eq(route->worker, rest_livez);
	cr_assert_eq(find("HEAD", "/v1/functions/a/b/invoke"), ROUTES_E_METHOD);
}

Test(routes, method_not_allowed)
{
	cr_assert_eq(find("PATCH", "/v1/functions/a/b"), ROUTES_E_METHOD);
	cr_assert_str_eq(buf_cstr(&allow), "PUT, GET, HEAD, DELETE");
	cr_assert_eq(find("GET", "/"), ROUTES_E_METHOD);
	cr_assert_str_eq(buf_cstr(&allow), "POST");
}

Test(routes, not_found)
{
	static const char *const paths[] = {"", "//", "/v1", "/v1/",
		"/v1/functions/", "/v1/functions//b", "/v1/functions/a/",
		"/v1/functions/a/b/", "/v1/functions/a/b/invoke/",
		"/v1/functions/a/b/c/invoke", "/livez/", "/Livez", "/livezz",
		"/v1/functions/a/b/invok"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cr_assert_eq(find("GET", paths[i]), ROUTES_E_NOT_FOUND, "%s",
			paths[i]);
}

static char err_mem[256], mem[256];
static struct buf err;
static struct query_param params[3];

static int parse(const char *query)
{
	buf_init(&err, err_mem, sizeof(err_mem));
	params[0] = (struct query_param){"language"};
	params[1] = (struct query_param){"entry"};
	params[2] = (struct query_param){"memory_mb"};
	return query_parse(slice_of(query), params, 3, mem, &err);
}

Test(query, decodes)
{
	cr_assert_eq(parse("language=l%75a&entry=a+b&&memory_mb=64"), 0);
	cr_assert_str_eq(params[0].value, "lua");
	cr_assert_str_eq(params[1].value, "a b");
	cr_assert_str_eq(params[2].value, "64");
	cr_assert_eq(parse(""), 0);
	cr_assert_null(params[0].value);
	cr_assert_eq(parse("entry"), 0);
	cr_assert_str_eq(params[1].value, "");
}

Test(query, refuses)
{
	cr_assert_eq(parse("langage=lua"), QUERY_E_INVALID);
	cr_assert_str_eq(buf_cstr(&err), "unknown query parameter \"langage\""
					 "; did you mean \"language\"");
	cr_assert_eq(parse("entry=a&entry=b"), QUERY_E_INVALID);
	cr_assert_eq(parse("entry=%"), QUERY_E_INVALID);
	cr_assert_eq(parse("entry=%4"), QUERY_E_INVALID);
	cr_assert_eq(parse("entry=%zz"), QUERY_E_INVALID);
	cr_assert_eq(parse("entry=%00"), QUERY_E_INVALID);
	cr_assert_eq(parse("=x"), QUERY_E_INVALID);
}

Test(query, numbers)
{
	uint64_t v = 7;

	cr_assert_eq(parse("memory_mb=64"), 0);
	cr_assert_eq(query_u64(&params[2], 1, 64, &err, &v), 0);
	cr_assert_eq(v, 64);
	cr_assert_eq(query_u64(&params[2], 1, 63, &err, &v), QUERY_E_INVALID);
	cr_assert(strstr(buf_cstr(&err), "memory_mb"));
	cr_assert_eq(parse("memory_mb=-1"), 0);
	cr_assert_eq(query_u64(&params[2], 0, 63, &err, &v), QUERY_E_INVALID);
	cr_assert_eq(parse("memory_mb="), 0);
	cr_assert_eq(query_u64(&params[2], 0, 63, &err, &v), QUERY_E_INVALID);
	cr_assert_eq(v, 64);
}
