/* The HTTP client against good, broken, slow and hostile daemons. */
#include "test_cli_server.h"

#include <netinet/in.h>
#include <time.h>

#include "cli/client.h"
#include "cli/client_reply.h"

TestSuite(client, .timeout = 60);

static struct client_response res;
static struct client_error err;

static int call_with(
	const struct client_request *req, const char *bytes, enum fake_how how)
{
	struct fake_reply reply = {bytes, how, 0};
	struct client_target target;
	int e;

	fake_start(&reply, 1);
	cr_assert(client_target_unix(fake.path, &target));
	e = client_call(&target, req, &err, &res);
	fake_stop();
	return e;
}

static int call(const char *bytes, enum fake_how how)
{
	struct client_request req = {
		.method = "GET", .path = "/x", .timeout_ms = 5000};

	return call_with(&req, bytes, how);
}

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

Test(client, sized_reply)
{
	char value[32];

	cr_assert(call("HTTP/1.1 201 Created\r\ncontent-length:  5 \r\n"
		       "Gvisor-Start: cold\r\n\r\nhello",
			  FAKE_NORMAL) == 0);
	cr_assert_eq(res.status, 201);
	cr_assert_str_eq(res.body, "hello");
	cr_assert_eq(res.body_len, 5);
	cr_assert(client_header(&res, "gvisor-start", value, sizeof(value)));
	cr_assert_str_eq(value, "cold");
	cr_assert(!client_header(&res, "gvisor", value, sizeof(value)));
	cr_assert_str_eq(value, "");
	client_response_fini(&res);
}

Test(client, request_is_as_asked)
{
	struct client_request req = {.method = "PUT",
		.path = "/v1/functions/a/b?x=1",
		.content_type = "text/x-lua",
		.body = "abc\0d",
		.body_len = 5,
		.token = "s3cret"};

	cr_assert(call_with(&req, "HTTP/1.1 204 No Content\r\n\r\n",
			  FAKE_NORMAL) == 0);
	cr_assert_eq(res.body_len, 0);
	client_response_fini(&res);
	cr_assert_eq(strncmp(fake.requests,
			     "PUT /v1/functions/a/b?x=1 HTTP/1.1\r\n", 36),
		0);
	cr_assert(strstr(fake.requests, "\r\nHost: localhost\r\n"));
	cr_assert(strstr(fake.requests, "\r\nConnection: close\r\n"));
	cr_assert(strstr(fake.requests, "\r\nContent-Type: text/x-lua\r\n"));
	cr_assert(strstr(fake.requests, "\r\nContent-Length: 5\r\n"));
	cr_assert(
		strstr(fake.requests, "\r\nAuthorization: Bearer s3cret\r\n"));
	cr_assert_eq(memcmp(fake.requests + fake.len - 5, "abc\0d", 5), 0);
}

Test(client, chunked_reply_in_single_bytes)
{
	cr_assert(call("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
			  FAKE_BYTEWISE) == 0);
	cr_assert_str_eq(res.body, "abc0123456789");
	client_response_fini(&res);
}

Test(client, interim_replies_are_skipped)
{
	cr_assert(call("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
		       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
			  FAKE_NORMAL) == 0);
	cr_assert_eq(res.status, 200);
	client_response_fini(&res);
	cr_assert_eq(call("HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			     FAKE_NORMAL),
		CLIENT_E_BROKEN);
}

Test(client, broken_replies_are_refused)
{
	static const char *const bad[] = {"SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: "
		"1\r\n\r\na",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\nab\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"123456789\r\nab"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(call(bad[i], FAKE_NORMAL), CLIENT_E_BROKEN,
			"taken: %s", bad[i]);
		cr_assert(strstr(err.text, "no usable answer"), "%s", err.text);
	}
}

/* Cut anywhere, a reply is never taken for a whole one. */
Test(client, death_at_every_byte)
{
	static const char *const whole[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\nab\r\n0\r\n\r\n"};

	for (size_t w = 0; w < 2; w++) {
		for (size_t n = 1; n < strlen(whole[w]); n++) {
			char cut[128];

			(void)snprintf(
				cut, sizeof(cut), "%.*s", (int)n, whole[w]);
			cr_assert_eq(call(cut, FAKE_NORMAL), CLIENT_E_BROKEN,
				"%zu bytes of %zu", n, w);
		}
		cr_assert_eq(call(whole[w], FAKE_NORMAL), 0);
		client_response_fini(&res);
	}
	cr_assert_eq(call("", FAKE_NORMAL), CLIENT_E_BROKEN);
	cr_assert_eq(call("", FAKE_NO_READING), CLIENT_E_BROKEN);
}

Test(client, silence_ends_at_the_deadline)
{
	struct client_request req = {
		.method = "GET", .path = "/x", .timeout_ms = 200};
	double start = now();

	cr_assert_eq(call_with(&req, "", FAKE_HANG), CLIENT_E_TIMEOUT);
	cr_assert(strstr(err.text, "in time"));
	cr_assert_eq(call_with(&req,
			     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
			     FAKE_HANG),
		CLIENT_E_TIMEOUT);
	cr_assert(now() - start > 0.39 && now() - start < 5);
}

/* Drops that keep trickling in don't move the deadline. */
Test(client, trickle_ends_at_the_deadline)
{
	static char slow[20000];
	struct client_request req = {
		.method = "GET", .path = "/x", .timeout_ms = 200};
	int n = snprintf(slow, sizeof(slow),
		"HTTP/1.1 200 OK\r\nContent-Length: 19000\r\n\r\n");

	memset(slow + n, 'x', sizeof(slow) - (size_t)n - 1);
	cr_assert_eq(call_with(&req, slow, FAKE_BYTEWISE), CLIENT_E_TIMEOUT);
}

Test(client, endless_headers_are_too_large)
{
	static char many[2 * CLIENT_HEAD_MAX];
	static char one[2 * CLIENT_HEAD_MAX];
	size_t n = (size_t)snprintf(many, 32, "HTTP/1.1 200 OK\r\n");

	while (n + 8 < sizeof(many))
		n += (size_t)snprintf(many + n, 8, "A: bc\r\n");
	cr_assert_eq(call(many, FAKE_NORMAL), CLIENT_E_TOO_LARGE);
	memset(one, 'a', sizeof(one) - 1);
	cr_assert_eq(call(one, FAKE_NORMAL), CLIENT_E_TOO_LARGE);
}

Test(client, large_bodies)
{
	static char reply[200000];
	struct client_request req = {.method = "POST",
		.path = "/",
		.body = reply,
		.body_len = sizeof(reply) - 1,
		.content_type = "text/plain"};
	int n = snprintf(reply, sizeof(reply),
		"HTTP/1.1 200 OK\r\nContent-Length: 199000\r\n\r\n");

	memset(reply + n, 'y', sizeof(reply) - (size_t)n - 1);
	cr_assert_eq(call_with(&req, reply, FAKE_NORMAL), 0);
	cr_assert_eq(res.body_len, 199000);
	cr_assert_eq(res.body[198999], 'y');
	client_response_fini(&res);
	cr_assert_eq(call("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n",
			     FAKE_NORMAL),
		CLIENT_E_TOO_LARGE);
	cr_assert_eq(
		call("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "ffffffff\r\n",
			FAKE_NORMAL),
		CLIENT_E_TOO_LARGE);
}

/* The daemon refuses a body it has not read: the refusal is what counts. */
Test(client, early_refusal_of_a_large_body)
{
	static char body[8 << 20];
	struct client_request req = {.method = "PUT",
		.path = "/",
		.body = body,
		.body_len = sizeof(body),
		.content_type = "text/plain",
		.timeout_ms = 10000};

	cr_assert_eq(call_with(&req,
			     "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n"
			     "\r\nbig",
			     FAKE_EARLY),
		0);
	cr_assert_eq(res.status, 413);
	cr_assert_str_eq(res.body, "big");
	client_response_fini(&res);
}

Test(client, nobody_there)
{
	struct client_request req = {.method = "GET", .path = "/"};
	struct client_target target;

	cr_assert(client_target_unix("/tmp/gv-nobody.sock", &target));
	cr_assert_eq(
		client_call(&target, &req, &err, &res), CLIENT_E_UNREACHABLE);
	cr_assert_str_eq(err.text,
		"cannot reach gvisord at /tmp/gv-nobody.sock: No such file or "
		"directory; is it running? start it with: gvisord serve");
	cr_assert(client_target_url("http://127.0.0.1:1", &target));
	cr_assert_eq(
		client_call(&target, &req, &err, &res), CLIENT_E_UNREACHABLE);
	cr_assert(strstr(err.text, "http://127.0.0.1:1: Connection refused"));
}

Test(client, over_tcp)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct fake_reply reply = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", FAKE_NORMAL,
		0};
	struct client_request req = {.method = "GET", .path = "/"};
	socklen_t len = sizeof(in);
	struct client_target target;
	char url[64], host[64];

	fake.replies = &reply;
	fake.n = 1;
	fake.listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(fake.listener, (void *)&in, sizeof(in)) == 0);
	cr_assert(listen(fake.listener, 1) == 0);
	cr_assert(getsockname(fake.listener, (void *)&in, &len) == 0);
	cr_assert(pthread_create(&fake.thread, NULL, fake_serve, NULL) == 0);
	(void)snprintf(
		url, sizeof(url), "http://localhost:%u/", ntohs(in.sin_port));
	cr_assert(client_target_url(url, &target));
	cr_assert_eq(client_call(&target, &req, &err, &res), 0);
	client_response_fini(&res);
	(void)pthread_join(fake.thread, NULL);
	(void)snprintf(host, sizeof(host), "\r\nHost: localhost:%u\r\n",
		ntohs(in.sin_port));
	cr_assert(strstr(fake.requests, host));
}

Test(client, targets)
{
	static const char *const bad[] = {"", "127.0.0.1:80",
		"https://127.0.0.1:1", "http://127.0.0.1",
		"http://127.0.0.1:1/x", "http://host:1",
		"http://user@127.0.0.1:1", "http://:1"};
	char path[200];
	struct client_target target;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(!client_target_url(bad[i], &target), "%s", bad[i]);
	cr_assert(client_target_url("http://[::1]:80", &target));
	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	cr_assert(!client_target_unix(path, &target));
	path[107] = '\0';
	cr_assert(client_target_unix(path, &target));
	cr_assert(!client_target_unix("", &target));
}

Test(client, request_head_that_is_too_long)
{
	static char path[5000];
	struct client_request req = {.method = "GET", .path = path};
	struct client_target target;

	memset(path, 'a', sizeof(path) - 1);
	fake_start(NULL, 0);
	cr_assert(client_target_unix(fake.path, &target));
	cr_assert(client_call(&target, &req, &err, &res) < 0);
	fake_stop();
}
