/*
 * engine/native_in: constructors, replies, errors and ends of functions that
 * are parts of this program (inside_host.h), and the list of what they may
 * call.
 */
#include "inside_host.h"

#include <errno.h>
#include <stdarg.h>

#include "engine/native_end_in.h"
#include "engine/native_in.h"
#include "engine/native_libc_in.h"
#include "gvisor/function.h"

enum {
	HEAP = 4 << 20
};

static const struct engine native = {.inside_main = native_in_main};

static struct host *host_of(gv_handler *call)
{
	struct host *h = host_new(&native, "", 0, HEAP);

	h->in->handler = (uintptr_t)call;
	return h;
}

static const char *ask(struct host *h, const char *body)
{
	host_invoke(h, body, strlen(body));
	return host_result(h);
}

static const char *run(gv_handler *call, const char *body)
{
	return ask(host_of(call), body);
}

/* An isolate hands out nothing but its own: a copy of a literal. */
static void set_body(struct gv_response *res, const char *text)
{
	res->body_len = strlen(text);
	res->body = memcpy(gv_alloc(res->body_len + 1), text, res->body_len);
	res->flags = GV_FREE;
}

/* Requests -----------------------------------------------------------------*/

static int echo(const struct gv_request *req, struct gv_response *res)
{
	cr_assert_eq(req->body[req->body_len], '\0');
	res->body = req->body;
	res->body_len = req->body_len;
	return 0;
}

Test(native_in, echo)
{
	struct host *h = host_of(echo);

	cr_assert_str_eq(ask(h, "{\"a\": [1, 2]}"), "json:{\"a\": [1, 2]}");
	cr_assert_str_eq(ask(h, "17"), "json:17");
	cr_assert_str_eq(ask(h, "{"), "fail 5:the reply is not JSON, from byte "
				      "1 on; for other text there is GV_TEXT");
	cr_assert_gt(h->in->heap_peak + 1, h->in->heap_used);
}

Test(native_in, no_body)
{
	struct host *h = host_of(echo);

	/* A body of no bytes is no JSON; that is the function's business. */
	cr_assert_str_eq(ask(h, ""), "fail 5:the reply is not JSON, from byte "
				     "0 on; for other text there is GV_TEXT");
}

Test(native_in, a_body_larger_than_the_window)
{
	struct host *h = host_of(echo);
	size_t len = 3 * HOST_WINDOW;
	char *big = malloc(len + 1);

	memset(big, '7', len);
	big[len] = '\0';
	for (int i = 0; i < 200; i++) {
		host_invoke(h, big, len);
		cr_assert_eq(h->nr, INSIDE_REPLY);
		cr_assert_eq(h->args[1], len);
		cr_assert_str_eq(ask(h, "1"), "json:1");
	}
	/* Nothing is left of those. */
	cr_assert_lt(h->in->heap_used, 4096);
	h->in->want = HEAP;
	host_enter(h, INSIDE_ALLOC);
	cr_assert_eq(h->nr, INSIDE_BUFFER);
	cr_assert_eq(h->args[0], 0);
	free(big);
}

static int all_fields(const struct gv_request *req, struct gv_response *res)
{
	char text[200];

	cr_assert_eq(req->size, sizeof(*req));
	cr_assert_eq(req->timeout_ns, 2000000000);
	cr_assert_eq(req->memory_limit, HEAP);
	(void)snprintf(text, sizeof(text), "%s %s/%s %d", req->id, req->tenant,
		req->function, (int)req->version);
	set_body(res, text);
	res->kind = GV_TEXT;
	return 0;
}

Test(native_in, fields)
{
	cr_assert_str_eq(run(all_fields, "1"), "text:inv-1 acme/hello 7");
}

/* Replies ------------------------------------------------------------------*/

static struct gv_response answer;
static int answer_code;

static int answered(const struct gv_request *req, struct gv_response *res)
{
	static const struct gv_response zero = {.size = sizeof(zero)};

	(void)req;
	cr_assert_eq(memcmp(res, &zero, sizeof(zero)), 0);
	*res = answer;
	return answer_code;
}

static const char *reply_of(struct gv_response res, int code)
{
	answer = res;
	answer_code = code;
	return run(answered, "1");
}

#define REPLY(code, ...) reply_of((struct gv_response){__VA_ARGS__}, code)

static bool says(const char *all, const char *start, const char *part)
{
	return strncmp(all, start, strlen(start)) == 0 && strstr(all, part);
}

Test(native_in, replies_without_a_body)
{
	cr_assert_str_eq(REPLY(0, 0), "json:null");
	cr_assert_str_eq(REPLY(0, .kind = GV_TEXT), "text:");
	cr_assert_str_eq(REPLY(3, 0), "fail 3:the handler returned 3");
	cr_assert_str_eq(REPLY(-1, 0), "fail 3:the handler returned -1");
}

Test(native_in, replies_that_make_no_sense)
{
	cr_assert(says(REPLY(0, .kind = 3), "fail 5:", "kind"));
	cr_assert(says(REPLY(0, .kind = UINT32_MAX), "fail 5:", "kind"));
	cr_assert(says(REPLY(0, .flags = 2), "fail 5:", "flags"));
	cr_assert(says(REPLY(0, .body_len = 1), "fail 5:", "no body"));
	cr_assert(says(REPLY(1, .body_len = 1), "fail 5:", "no body"));
}

static int pointing(const struct gv_request *req, struct gv_response *res)
{
	struct inside *in = native_now->in;
	char *text = gv_alloc(16);
	char *end = (char *)(uintptr_t)(in->heap + in->heap_len);

	res->kind = req->body[0] == 't' ? GV_TEXT : GV_JSON;
	res->body_len = 1;
	switch (req->body[1]) {
	case 'l': /* a literal of the program's */
		res->body = "1";
		break;
	case '0':
		res->body = (char *)(uintptr_t)0x1000;
		break;
	case 'a': /* ends too late, ends in time */
		res->body = end - 1;
		res->body_len = 2;
		break;
	case 'b':
		res->body = memset(end - 1, '1', 1);
		break;
	case 'c':
		res->body = text;
		res->body_len = SIZE_MAX;
		break;
	case 's':
		res->body = memset((char *)(uintptr_t)in->stack, '2', 1);
		break;
	case 'u':
		res->body = (char *)(uintptr_t)in->stack - 1;
		break;
	default:
		res->body = req->body + 2;
		res->body_len = req->body_len - 2;
	}
	return req->body[0] == 'e';
}

Test(native_in, replies_from_elsewhere)
{
	static const char *const kinds[] = {"j", "t", "e"};
	struct host *h = host_of(pointing);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (const char *c = "l0acu"; *c; c++) {
			const char body[] = {kinds[i][0], *c, '\0'};

			cr_assert(says(ask(h, body), "fail 5:",
					  "not in the function's memory"),
				"%s", body);
		}
	cr_assert_str_eq(ask(h, "jb"), "json:1");
	cr_assert_str_eq(ask(h, "js"), "json:2");
	cr_assert_str_eq(ask(h, "ts"), "text:2");
	cr_assert_str_eq(ask(h, "jr[3]"), "json:[3]");
	cr_assert_str_eq(ask(h, "trgr\xc3\xbcn"), "text:gr\xc3\xbcn");
	cr_assert_str_eq(ask(h, "trgr\xfcn"),
		"fail 5:the reply is not text in UTF-8, from byte 2 on");
	cr_assert_str_eq(ask(h, "erno"), "fail 3:no");
}

Test(native_in, replies_that_nest)
{
	enum {
		DEPTH = 1024
	};
	char text[2 * DEPTH + 3];
	struct host *h = host_of(echo);

	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	host_invoke(h, text, 2 * DEPTH);
	cr_assert_eq(h->nr, INSIDE_REPLY);
	memset(text, '[', DEPTH + 1);
	memset(text + DEPTH + 1, ']', DEPTH + 1);
	host_invoke(h, text, 2 * DEPTH + 2);
	cr_assert_str_eq(host_result(h),
		"fail 5:the reply is JSON nested deeper than 1024, from byte "
		"1024 on");
}

static int refusing(const struct gv_request *req, struct gv_response *res)
{
	(void)req;
	set_body(res, "no such user");
	return 17;
}

Test(native_in, errors)
{
	struct host *h = host_of(refusing);

	cr_assert_str_eq(ask(h, "1"), "fail 3:no such user");
	cr_assert_str_eq(ask(h, "1"), "fail 3:no such user");
}

static int giving_away(const struct gv_request *req, struct gv_response *res)
{
	(void)req;
	res->body = memset(gv_alloc(100000), '1', 100000);
	res->body_len = 100000;
	res->flags = GV_FREE;
	return 0;
}

Test(native_in, bodies_are_freed)
{
	struct host *h = host_of(giving_away);

	for (int i = 0; i < 500; i++) {
		host_invoke(h, "1", 1);
		cr_assert_eq(h->nr, INSIDE_REPLY);
	}
	cr_assert_lt(h->in->heap_used, 110000);
}

static int giving_nonsense(
	const struct gv_request *req, struct gv_response *res)
{
	(void)req;
	res->body = (char *)gv_alloc(100) + 16;
	res->body_len = 1;
	res->flags = GV_FREE;
	return 0;
}

/* By the call that gave it, not by the next. */
Test(native_in, what_is_no_block_is_not_freed)
{
	struct host *h = host_of(giving_nonsense);

	cr_assert_str_eq(ask(h, "1"), "fail 8:GV_FREE: the body is not a block "
				      "of the heap, or freed before");
	cr_assert_eq(h->args[3], (uintptr_t)giving_nonsense + 1);
}

/* Constructors -------------------------------------------------------------*/

static char order[16];

static void note(char c)
{
	order[strlen(order)] = c;
}

static void init_a(void)
{
	note('a');
}

static void init_b(void)
{
	free(NULL);
	cr_assert_not_null(gv_alloc(10));
	note('b');
}

static void init_fails(void)
{
	gv_fail("no table");
}

static int count(const struct gv_request *req, struct gv_response *res)
{
	(void)req;
	(void)res;
	note('h');
	return 0;
}

Test(native_in, constructors)
{
	const uint64_t inits[] = {
		0, (uintptr_t)init_b, UINT64_MAX, (uintptr_t)init_a};
	struct host *h = host_of(count);

	h->in->init = (uintptr_t)init_a;
	h->in->inits = (uintptr_t)inits;
	h->in->n_inits = 4;
	host_enter(h, INSIDE_LOAD);
	cr_assert_eq(h->nr, INSIDE_READY);
	cr_assert_str_eq(order, "aba");
	host_enter(h, INSIDE_LOAD);
	cr_assert_str_eq(ask(h, "1"), "json:null");
	cr_assert_str_eq(ask(h, "1"), "json:null");
	cr_assert_str_eq(order, "abahh");
}

Test(native_in, constructors_before_the_first_call)
{
	struct host *h = host_of(count);

	h->in->init = (uintptr_t)init_a;
	cr_assert_str_eq(ask(h, "1"), "json:null");
	cr_assert_str_eq(order, "ah");
}

Test(native_in, a_constructor_that_gives_up)
{
	struct host *h = host_of(count);

	h->in->init = (uintptr_t)init_fails;
	cr_assert_str_eq(ask(h, "1"), "fail 1:no table");
}

/* Ends ---------------------------------------------------------------------*/

static inline __attribute__((always_inline)) void twice(void (*release)(void *))
{
	void *p = gv_alloc(100);

	release(p);
	release(p);
}

#define ENDS(name, statement, ...)                                             \
	static int name(const struct gv_request *req, struct gv_response *res) \
	{                                                                      \
		(void)req;                                                     \
		(void)res;                                                     \
		statement;                                                     \
		return 0;                                                      \
	}                                                                      \
	Test(native_in, ends_by_##name)                                        \
	{                                                                      \
		struct host *h = host_of(name);                                \
		cr_assert_str_eq(ask(h, "1"), __VA_ARGS__);                    \
		cr_assert_gt(h->args[3], (uintptr_t)name);                     \
		cr_assert_lt(h->args[3], (uintptr_t)name + 100);               \
	}

ENDS(aborting, native_abort(), "fail 8:the function called abort()")
ENDS(exiting, native_exit(-3), "fail 8:the function called exit(-3)")
ENDS(asserting, native_assert_fail("a > b", "f.c", 7, "main"),
	"fail 8:assertion failed: a > b (f.c:7, main)")
ENDS(fail, gv_fail("out of ideas"), "fail 7:out of ideas")
ENDS(fail_silently, gv_fail(NULL), "fail 7:the function gave up")
ENDS(pure, native_cxx_pure_virtual(),
	"fail 8:the function called a virtual function that has no body")
ENDS(thrown, native_cxx_throw("vector::reserve"),
	"fail 8:C++ exception: vector::reserve")
ENDS(new, (void)native_cxx_new(HEAP), "fail 4:memory budget spent")
ENDS(free_wild, native_free((void *)(uintptr_t)0x12340),
	"fail 8:free(): not a block of the heap, or freed before")
ENDS(free_inner, native_free((char *)native_malloc(64) + 16),
	"fail 8:free(): not a block of the heap, or freed before")
ENDS(free_twice, twice(native_free),
	"fail 8:free(): not a block of the heap, or freed before")
ENDS(gv_free_twice, twice(gv_free),
	"fail 8:gv_free(): not a block of the heap, or freed before")
ENDS(realloc_wild, (void)native_realloc((void *)req, 100),
	"fail 8:realloc(): not a block of the heap, or freed before")
ENDS(reallocarray_wild, (void)native_reallocarray((void *)req, 10, 10),
	"fail 8:reallocarray(): not a block of the heap, or freed before")
ENDS(gv_realloc_wild, (void)gv_realloc((void *)req, 100),
	"fail 8:gv_realloc(): not a block of the heap, or freed before")

static int failing_at_length(
	const struct gv_request *req, struct gv_response *res)
{
	char *text = gv_alloc(100001);

	(void)req;
	(void)res;
	memset(text, 'x', 100000);
	text[100000] = '\0';
	gv_fail(text);
}

Test(native_in, a_long_message)
{
	struct host *h = host_of(failing_at_length);

	host_invoke(h, "1", 1);
	cr_assert_eq(h->nr, INSIDE_FAIL);
	cr_assert_eq(h->args[0], INSIDE_FAIL_GIVEN_UP);
	cr_assert_eq(h->args[2], NATIVE_IN_MESSAGE_MAX);
}

/* function.h ---------------------------------------------------------------*/

static int logging(const struct gv_request *req, struct gv_response *res)
{
	char text[] = "plain";
	char format[] = "%2000d";
	/* Compilers would have a word on it. */
	void (*volatile print)(enum gv_log_level, const char *, ...) = gv_logf;

	(void)req;
	(void)res;
	gv_log(GV_ERROR, text, 5);
	gv_logf(GV_DEBUG, "%s=%d", "n", 5);
	gv_logf(GV_INFO, "%s", "");
	print(GV_WARN, format, 5);
	return 0;
}

Test(native_in, logs)
{
	struct host *h = host_of(logging);

	cr_assert_str_eq(ask(h, "1"), "json:null");
	cr_assert_str_eq(h->log, "3:plain\n0:n=5\n1:\n2:%2000d\n");
}

static int timing(const struct gv_request *req, struct gv_response *res)
{
	struct timespec ts;
	unsigned char a[40], b[40];

	(void)req;
	(void)res;
	cr_assert_eq(gv_time(GV_CLOCK_REAL), 1700000000123456789);
	cr_assert_eq(native_time(NULL), 1700000000);
	cr_assert_eq(native_clock_gettime(CLOCK_REALTIME, &ts), 0);
	cr_assert_eq(ts.tv_sec, 1700000000);
	cr_assert_eq(ts.tv_nsec, 123456789);
	cr_assert_eq(native_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), -1);
	gv_random(a, sizeof(a));
	gv_random(b, sizeof(b));
	cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
	native_srand(7);
	a[0] = (unsigned char)native_rand();
	native_srand(7);
	cr_assert_eq(a[0], (unsigned char)native_rand());
	return 0;
}

Test(native_in, time_and_chance)
{
	cr_assert_str_eq(run(timing, "1"), "json:null");
}

static int allocating(const struct gv_request *req, struct gv_response *res)
{
	void *p;

	(void)req;
	(void)res;
	cr_assert_null(gv_alloc(0));
	cr_assert_null(gv_alloc(HEAP));
	cr_assert_null(gv_alloc(SIZE_MAX));
	cr_assert_null(native_calloc(SIZE_MAX / 2, 3));
	cr_assert_null(native_reallocarray(NULL, SIZE_MAX / 2, 3));
	p = native_malloc(0);
	cr_assert_not_null(p);
	cr_assert_null(native_realloc(p, 0));
	for (size_t align = 1; align <= 4096; align *= 2) {
		p = native_aligned_alloc(align, 24);
		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % align, 0);
		memset(p, 1, 24);
		p = native_realloc(p, 5000);
		cr_assert_not_null(p);
		native_free(p);
	}
	cr_assert_null(native_aligned_alloc(3, 24));
	cr_assert_null(native_aligned_alloc(8192, 24));
	cr_assert_eq(native_posix_memalign(&p, 4, 8), EINVAL);
	cr_assert_eq(native_posix_memalign(&p, 64, 8), 0);
	native_free(p);
	return 0;
}

Test(native_in, memory)
{
	cr_assert_str_eq(run(allocating, "1"), "json:null");
}
