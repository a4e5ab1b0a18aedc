/* Heads of replies, bodies of problems. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "net/http_reply.h"
#include "net/problem.h"

static char mem[PROBLEM_BODY_MAX];
static struct buf b;

static void setup(void)
{
	buf_init(&b, mem, sizeof(mem));
}

TestSuite(http_reply, .init = setup);
TestSuite(problem, .init = setup);

static void is(const char *want)
{
	cr_assert(buf_ok(&b));
	cr_assert_str_eq(buf_cstr(&b), want);
}

Test(http_reply, length)
{
	struct http_date d = {0};
	struct http_reply r = {.status = 200,
		.body_len = 12,
		.media_type = "application/json",
		.date = &d};

	http_date_update(&d, UINT64_C(784111777999999999));
	http_reply_begin(&b, &r);
	http_reply_header(&b, "Gvisor-Start", slice_of("warm"));
	http_reply_end(&b);
	is("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	   "Content-Type: application/json\r\nContent-Length: 12\r\n"
	   "Gvisor-Start: warm\r\n\r\n");
}

Test(http_reply, other_framings)
{
	struct http_reply r = {
		.status = 404, .framing = HTTP_FRAMING_CHUNKED, .close = true};

	http_reply_begin(&b, &r);
	is("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n"
	   "Connection: close\r\n");
	setup();
	r = (struct http_reply){
		.status = 204, .framing = HTTP_FRAMING_NONE, .http10 = true};
	http_reply_begin(&b, &r);
	is("HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n");
	setup();
	r = (struct http_reply){.status = 599};
	http_reply_begin(&b, &r);
	is("HTTP/1.1 599 Unknown\r\nContent-Length: 0\r\n");
}

Test(http_reply, values_cannot_split_the_reply)
{
	http_reply_header(&b, "X", slice_of("a\r\nSet-Cookie: b"));
	http_reply_header(&b, "X", slice_of("a\nb"));
	http_reply_header(&b, "X", (struct slice){"a\0b", 3});
	is("");
}

Test(http_reply, no_room)
{
	struct http_reply r = {.status = 200};

	buf_init(&b, mem, 20);
	http_reply_begin(&b, &r);
	cr_assert_not(buf_ok(&b));
}

Test(http_reply, date_changes_with_the_second)
{
	struct http_date d = {0};

	http_date_update(&d, UINT64_C(951782399) * 1000000000);
	cr_assert(memcmp(d.text, "Mon, 28 Feb 2000 23:59:59 GMT", 29) == 0);
	http_date_update(&d, UINT64_C(951782400) * 1000000000);
	cr_assert(memcmp(d.text, "Tue, 29 Feb 2000 00:00:00 GMT", 29) == 0);
}

static const char *retry(struct problem_info info)
{
	static char text[64];
	struct buf out;

	buf_init(&out, text, sizeof(text) - 1);
	problem_retry(&out, &info);
	text[out.len] = '\0';
	return text;
}

Test(problem, retry)
{
#define RETRY(...) retry((struct problem_info){.problem = __VA_ARGS__})
	cr_assert_str_eq(RETRY(PROBLEM_LIMIT_QUEUE_FULL), "Retry-After: 1\r\n");
	cr_assert_str_eq(
		RETRY(PROBLEM_LIMIT_CPU, .retry_s = 7), "Retry-After: 7\r\n");
	cr_assert_str_eq(RETRY(PROBLEM_DAEMON_DRAINING), "Retry-After: 1\r\n");
	cr_assert_str_eq(RETRY(PROBLEM_FUNCTION_ERROR, .retry_s = 7), "");
	cr_assert_str_eq(RETRY(PROBLEM_LIMIT_MEMORY, .retry_never = true), "");
#undef RETRY
}

Test(problem, table_is_complete)
{
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		enum problem p = (enum problem)i;

		cr_assert_not_null(problem_code(p), "%d", i);
		cr_assert_not_null(strchr(problem_code(p), '.'));
		cr_assert_not_null(problem_title(p));
		cr_assert(problem_status(p) >= 400 && problem_status(p) < 600);
		for (int k = 0; k < i; k++)
			cr_assert_str_neq(
				problem_code(p), problem_code((enum problem)k));
		cr_assert_str_neq(http_reason(problem_status(p)), "Unknown");
	}
	cr_assert_eq(problem_status(PROBLEM_FUNCTION_OUT_OF_MEMORY), 502);
	cr_assert_eq(problem_status(PROBLEM_SANDBOX_TIMEOUT), 504);
	cr_assert_eq(problem_of_status(413), PROBLEM_REQUEST_TOO_LARGE);
	cr_assert_eq(problem_of_status(431), PROBLEM_REQUEST_INVALID);
}

Test(problem, body)
{
	struct problem_info info = {
		.problem = PROBLEM_FUNCTION_OUT_OF_MEMORY,
		.detail = "line 1: \"x\"\n\xff",
		.detail_len = 13,
		.invocation = "01ABC",
		.function = "t/f",
		.limit = "memory_bytes",
		.limit_value = 65536,
		.hint = "raise memory_mb",
	};
	json_t *j;

	problem_body(&b, &info);
	j = json_loads(buf_cstr(&b), 0, NULL);
	cr_assert_not_null(j, "%s", mem);
	cr_assert_eq(json_object_size(j), 9);
	cr_assert_str_eq(json_string_value(json_object_get(j, "type")),
		"https://gvisord.dev/e/Function.OutOfMemory");
	cr_assert_eq(json_integer_value(json_object_get(j, "status")), 502);
	cr_assert_str_eq(json_string_value(json_object_get(j, "detail")),
		"line 1: \"x\"\n\xef\xbf\xbd");
	cr_assert_eq(json_integer_value(json_object_get(
			     json_object_get(j, "limit"), "memory_bytes")),
		65536);
	json_decref(j);
}

Test(problem, smallest_and_largest_body)
{
	static char big[20000];
	struct problem_info info = {
		.problem = PROBLEM_REQUEST_INVALID, .status = 431};
	json_t *j;

	problem_body(&b, &info);
	j = json_loads(buf_cstr(&b), 0, NULL);
	cr_assert_eq(json_object_size(j), 4);
	cr_assert_eq(json_integer_value(json_object_get(j, "status")), 431);
	json_decref(j);

	memset(big, 1, sizeof(big) - 1);
	info.detail = info.invocation = info.function = info.hint = big;
	info.detail_len = sizeof(big) - 1;
	setup();
	problem_body(&b, &info);
	cr_assert(buf_ok(&b));
	j = json_loads(buf_cstr(&b), 0, NULL);
	cr_assert_not_null(j);
	cr_assert_eq(json_object_size(j), 8);
	json_decref(j);
}
