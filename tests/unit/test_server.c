/* The HTTP server over real sockets, with a double of the core. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_core.h"
#include "net/listen.h"
#include "util/clock.h"

static struct fake_core core;

/* A client. -----------------------------------------------------------------*/

static char in[5 << 20];
static size_t in_len;

static int dial_unix(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)strcpy(sa.sun_path, core.socket);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	in_len = 0;
	return fd;
}

static int dial_tcp(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server_port(&core.server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	in_len = 0;
	return fd;
}

static void put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		cr_assert_gt(r, 0, "send: %s", strerror(errno));
		p += r;
		n -= (size_t)r;
	}
}

static void say(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

/* One more piece into `in`; 0 at the end of the stream. */
static size_t more(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t r;

	cr_assert_eq(poll(&p, 1, 5000), 1, "the server says nothing");
	r = recv(fd, in + in_len, sizeof(in) - 1 - in_len, 0);
	if (r < 0 && errno == ECONNRESET)
		return 0;
	cr_assert_geq(r, 0);
	in_len += (size_t)r;
	in[in_len] = '\0';
	return (size_t)r;
}

static void wait_eof(int fd)
{
	while (more(fd) > 0)
		;
}

struct answer {
	int status;
	char head[2048];
	char *body; /* good for the next few answers */
	size_t len;
};

enum {
	KEPT = 16
};
static char *kept[KEPT];
static unsigned kept_next;

static struct answer get_answer(int fd, bool head_only)
{
	struct answer a = {0};
	char *end, *length;
	size_t head;

	in[in_len] = '\0';
	while (!(end = strstr(in, "\r\n\r\n")))
		cr_assert_gt(more(fd), 0, "closed early: %s", in);
	head = (size_t)(end - in) + 4;
	cr_assert_lt(head, sizeof(a.head));
	memcpy(a.head, in, head);
	cr_assert_eq(sscanf(a.head, "HTTP/1.1 %d", &a.status), 1);
	length = strstr(a.head, "Content-Length: ");
	a.len = length && !head_only ? strtoul(length + 16, NULL, 10) : 0;
	while (in_len < head + a.len)
		cr_assert_gt(more(fd), 0);
	free(kept[kept_next]);
	a.body = kept[kept_next] = calloc(1, a.len + 1);
	kept_next = (kept_next + 1) % KEPT;
	memcpy(a.body, in + head, a.len);
	in_len -= head + a.len;
	memmove(in, in + head + a.len, in_len);
	return a;
}

static struct answer ask(int fd, const char *text)
{
	say(fd, text);
	return get_answer(fd, false);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define ECHO                                                                   \
	"POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"             \
	"Content-Length: 7\r\n\r\n{\"a\":1}"
static struct answer request(int fd, const char *method, const char *path,
	const char *headers, const char *body)
{
	char head[1024];

	(void)snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
		method, path, headers, strlen(body));
	say(fd, head);
	return ask(fd, body);
}

static void start(void)
{
	fake_core_start(&core, NULL);
}

/* Checks that no buffer is left behind. */
static void stop(void)
{
	fake_core_stop(&core);
}

TestSuite(server, .init = start, .fini = stop, .timeout = 60);
/* These start it themselves. */
TestSuite(limits, .fini = stop, .timeout = 60);

/* Plain requests. -----------------------------------------------------------*/

Test(server, keep_alive)
{
	int fd = dial_unix();

	for (int i = 0; i < 100; i++) {
		struct answer a = ask(fd, ECHO);

		cr_assert_eq(a.status, 200);
		cr_assert_str_eq(a.body, "{\"a\":1}");
		cr_assert(strstr(a.head, "Gvisor-Invocation-Id: 01HZ"));
		cr_assert(strstr(a.head,
			i ? "Gvisor-Start: warm" : "Gvisor-Start: cold"));
	}
	close(fd);
}

Test(server, over_tcp)
{
	int fd = dial_tcp();
	struct answer a = ask(fd, GET("/livez"));

	cr_assert_eq(a.status, 200);
	cr_assert_str_eq(a.body, "{\"status\":\"ok\"}");
	a = ask(fd, ECHO);
	cr_assert_eq(a.status, 200);
	close(fd);
}

Test(server, head_has_no_body)
{
	int fd = dial_unix();
	struct answer a;

	say(fd, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
	a = get_answer(fd, true);
	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.head, "Content-Length: 15"));
	a = ask(fd, GET("/livez"));
	cr_assert_eq(a.status, 200);
	cr_assert_eq(a.len, 15);
	close(fd);
}

Test(server, pipelined)
{
	int fd = dial_unix();

	say(fd, ECHO GET("/version") GET("/nope") ECHO GET("/v1/info") ECHO);
	cr_assert_str_eq(get_answer(fd, false).body, "{\"a\":1}");
	cr_assert(strstr(get_answer(fd, false).body, "gvisord"));
	cr_assert_eq(get_answer(fd, false).status, 404);
	cr_assert_str_eq(get_answer(fd, false).body, "{\"a\":1}");
	cr_assert(strstr(get_answer(fd, false).body, "isolation"));
	cr_assert_str_eq(get_answer(fd, false).body, "{\"a\":1}");
	close(fd);
}

/* More than the buffer holds, cut anywhere. */
Test(server, pipelined_flood)
{
	enum {
		N = 500
	};
	static char text[N * sizeof(ECHO)];
	int fd = dial_unix();

	for (int i = 0; i < N; i++)
		strcat(text, ECHO);
	for (size_t at = 0, n = 1; at < strlen(text);
		at += n, n = n % 977 + 3) {
		size_t left = strlen(text) - at;

		put(fd, text + at, n < left ? n : left);
	}
	for (int i = 0; i < N; i++) {
		struct answer a = get_answer(fd, false);

		cr_assert_str_eq(a.body, "{\"a\":1}");
	}
	close(fd);
}

Test(server, byte_by_byte)
{
	int fd = dial_unix();

	for (const char *p = ECHO; *p; p++) {
		put(fd, p, 1);
		usleep(300);
	}
	cr_assert_str_eq(get_answer(fd, false).body, "{\"a\":1}");
	close(fd);
}

Test(server, chunked)
{
	int fd = dial_unix();
	struct answer a = ask(fd,
		"POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n"
		"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n" GET("/livez"));

	cr_assert_eq(a.status, 200);
	cr_assert_str_eq(a.body, "[1,2]");
	cr_assert_eq(get_answer(fd, false).status, 200);
	close(fd);
}

Test(server, chunked_large)
{
	enum {
		N = 300,
		CHUNK = 10000
	};
	static char chunk[CHUNK + 16];
	int fd = dial_unix();
	struct answer a;

	say(fd, "POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
	memset(chunk, 'c', sizeof(chunk));
	memcpy(chunk, "2710\r\n", 6);
	memcpy(chunk + 6 + CHUNK, "\r\n", 2);
	for (int i = 0; i < N; i++)
		put(fd, chunk, CHUNK + 8);
	a = ask(fd, "0\r\n\r\n");
	cr_assert_eq(a.status, 200);
	cr_assert_eq(a.len, N * CHUNK);
	cr_assert_eq(a.body[a.len - 1], 'c');
	close(fd);
}

Test(server, large_body)
{
	enum {
		N = 4 << 20
	};
	char *body = malloc(N);
	int fd = dial_tcp();
	struct answer a;

	memset(body, 'y', N);
	for (int i = 0; i < 3; i++) {
		say(fd, "POST /v1/functions/t/echo/invoke HTTP/1.1\r\n"
			"Host: x\r\nContent-Length: 4194304\r\n\r\n");
		put(fd, body, N);
		a = get_answer(fd, false);
		cr_assert_eq(a.len, N);
		cr_assert_eq(memcmp(a.body, body, N), 0);
	}
	/* The big buffer is not kept. */
	a = ask(fd, GET("/livez"));
	cr_assert_leq(core.worker.pool.used_bytes, 8192);
	close(fd);
	free(body);
}

Test(server, expect_continue)
{
	int fd = dial_unix();
	struct answer a;

	say(fd, "POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
	a = get_answer(fd, true);
	cr_assert_eq(a.status, 100);
	a = ask(fd, "true");
	cr_assert_eq(a.status, 200);
	cr_assert_str_eq(a.body, "true");
	/* Refused without asking for the body. */
	a = ask(fd, "PUT /nope HTTP/1.1\r\nHost: x\r\n"
		    "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
	cr_assert_eq(a.status, 404);
	wait_eof(fd);
	close(fd);
}

Test(server, close_on_request)
{
	int fd = dial_unix();
	struct answer a = ask(fd,
		"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.head, "Connection: close"));
	wait_eof(fd);
	close(fd);
}

Test(server, http10)
{
	int fd = dial_unix();
	struct answer a = ask(fd, "GET /livez HTTP/1.0\r\n\r\n");

	cr_assert_eq(a.status, 200);
	wait_eof(fd);
	close(fd);
}

Test(server, half_close)
{
	int fd = dial_unix();

	say(fd, "POST /v1/functions/t/slow/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 1\r\n\r\n1");
	shutdown(fd, SHUT_WR);
	cr_assert_str_eq(get_answer(fd, false).body, "1");
	wait_eof(fd);
	close(fd);
}

/* Wrong requests. -----------------------------------------------------------*/

Test(server, bad_request)
{
	static const char *const bad[] = {"\x16\x03\x01 hello\r\n\r\n",
		"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /livez HTTP/1.1\r\n\r\n",
		("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = dial_unix();
		struct answer a = ask(fd, bad[i]);

		cr_assert_eq(a.status, 400, "%zu: %s", i, a.head);
		cr_assert(strstr(a.body, "Request.Invalid"));
		wait_eof(fd);
		close(fd);
	}
}

Test(server, unknown_path_and_method)
{
	int fd = dial_unix();
	struct answer a = ask(fd, GET("/nope"));

	cr_assert_eq(a.status, 404);
	cr_assert(strstr(a.head, "application/problem+json"));
	a = request(fd, "PATCH", "/v1/functions/a/b", "", "");
	cr_assert_eq(a.status, 405);
	cr_assert(strstr(a.head, "Allow: PUT, GET, HEAD, DELETE\r\n"));
	a = ask(fd, GET("/livez"));
	cr_assert_eq(a.status, 200);
	close(fd);
}

Test(server, failures_of_functions)
{
	int fd = dial_unix();
	struct answer a =
		request(fd, "POST", "/v1/functions/t/fail/invoke", "", "1");

	cr_assert_eq(a.status, 502);
	cr_assert(strstr(a.body, "Function.Error"));
	cr_assert(strstr(a.body, "it raised"));
	cr_assert(strstr(a.body, "t/fail"));
	a = request(fd, "POST", "/v1/functions/t/crash/invoke", "", "1");
	cr_assert_eq(a.status, 502);
	cr_assert(strstr(a.body, "Function.Crashed"));
	a = request(fd, "POST", "/v1/functions/t/none/invoke", "", "1");
	cr_assert_eq(a.status, 404);
	cr_assert(strstr(a.body, "Function.NotFound"));
	a = request(fd, "POST", "/v1/functions/T/none/invoke", "", "1");
	cr_assert_eq(a.status, 404);
	a = request(fd, "POST", "/v1/functions/t/echo/invoke",
		"Gvisor-Timeout: soon\r\n", "1");
	cr_assert_eq(a.status, 400);
	a = request(fd, "POST", "/v1/functions/t/echo/invoke",
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-"
		"b7ad6b7169203331-01\r\nGvisor-Timeout: 5\r\n",
		"1");
	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.head, "traceparent: 00-0af7651916cd43dd8448eb"));
	cr_assert(strstr(a.head, "Server-Timing: queue;dur="));
	close(fd);
}

Test(server, too_large)
{
	static char junk[1 << 20];
	int fd = dial_unix();
	struct answer a = ask(fd,
		"POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 7000000\r\n\r\nxxx");

	cr_assert_eq(a.status, 413);
	cr_assert(strstr(a.head, "Connection: close"));
	/* The client goes on for a while without being reset. */
	put(fd, junk, 300000);
	shutdown(fd, SHUT_WR);
	wait_eof(fd);
	close(fd);
	fd = dial_unix();
	say(fd, "POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Transfer-Encoding: chunked\r\n\r\n7a1200\r\n");
	a = get_answer(fd, false);
	cr_assert_eq(a.status, 413);
	close(fd);
}

/* Registering. --------------------------------------------------------------*/

#define LUA "Content-Type: text/x-lua\r\n"
#define JSON "Content-Type: application/json; charset=utf-8\r\n"

Test(server, register_life)
{
	int fd = dial_unix();
	struct answer a = request(fd, "PUT",
		"/v1/functions/a/f?memory_mb=8&entry=go&timeout_ms=5", LUA,
		"code");

	cr_assert_eq(a.status, 201, "%s", a.body);
	cr_assert(strstr(a.head, "Location: /v1/functions/a/f\r\n"));
	cr_assert(strstr(a.body, "\"memory_mb\":8"));
	cr_assert(strstr(a.body, "\"entry\":\"go\""));
	cr_assert(strstr(a.body, "\"replaced\":false"));
	a = request(fd, "PUT", "/v1/functions/a/f", LUA, "code");
	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.body, "\"replaced\":false"));
	a = request(fd, "PUT", "/v1/functions/a/f", JSON,
		"{\"code\":\"Y29kZTI=\",\"timeout_ms\":77}");
	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_assert(strstr(a.body, "\"replaced\":true"));
	cr_assert(strstr(a.body, "\"timeout_ms\":77"));
	a = ask(fd, GET("/v1/functions/a/f"));
	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.body, "\"version\":2"));
	a = request(fd, "DELETE", "/v1/functions/a/f", "", "");
	cr_assert_eq(a.status, 204);
	a = request(fd, "DELETE", "/v1/functions/a/f", "", "");
	cr_assert_eq(a.status, 404);
	a = ask(fd, GET("/v1/functions/a/f"));
	cr_assert_eq(a.status, 404);
	close(fd);
}

static void refused(int fd, const char *path, const char *headers,
	const char *body, int status, const char *says)
{
	struct answer a = request(fd, "PUT", path, headers, body);

	cr_assert_eq(a.status, status, "%s: %s", path, a.body);
	cr_assert(strstr(a.body, says), "%s: %s", path, a.body);
}

Test(server, register_refused)
{
	const char *f = "/v1/functions/a/f";
	int fd = dial_unix();

	refused(fd, "/v1/functions/A/f", LUA, "c", 400, "tenant");
	refused(fd, "/v1/functions/a/_f", LUA, "c", 400, "name");
	refused(fd, f, "", "c", 415, "text/x-lua");
	refused(fd, f, "Content-Type: image/png\r\n", "c", 415, "Unsupported");
	refused(fd, f, LUA, "", 400, "empty");
	refused(fd, "/v1/functions/a/f?language=ruby", "", "c", 400, "lua");
	refused(fd, "/v1/functions/a/f?memory=1", LUA, "c", 400, "memory_mb");
	refused(fd, "/v1/functions/a/f?memory_mb=0", LUA, "c", 400,
		"memory_mb");
	refused(fd, "/v1/functions/a/f?memory_mb=1025", LUA, "c", 400, "1024");
	refused(fd, "/v1/functions/a/f?timeout_ms=900001", LUA, "c", 400,
		"900000");
	refused(fd, "/v1/functions/a/f?entry=a-b", LUA, "c", 400, "entry");
	refused(fd, f, LUA, "bad code", 422, "Code.Rejected");
	refused(fd, f, "Content-Type: application/x-sharedlib\r\n", "ELF", 503,
		"Isolation.Unavailable");
	refused(fd, f, JSON, "", 400, "empty");
	refused(fd, f, JSON, "[]", 400, "object");
	refused(fd, f, JSON, "{\"code\":", 400, "line 1");
	refused(fd, f, JSON, "{\"code\":\"x\",\"code\":\"x\"}", 400, "line 1");
	refused(fd, f, JSON, "{\"code\":\"!\"}", 400, "Base64");
	refused(fd, f, JSON, "{\"code\":1}", 400, "string");
	refused(fd, f, JSON, "{}", 400, "missing");
	refused(fd, f, JSON, "{\"cod\":1}", 400, "did you mean");
	refused(fd, f, JSON, "{\"code\":\"\",\"memory_mb\":2000}", 400, "1024");
	core.last_load = OUTCOME_ENTRY_MISSING;
	refused(fd, f, LUA, "code", 422, "Code.EntryMissing");
	core.last_load = OUTCOME_LOAD_FAILED;
	refused(fd, f, LUA, "code", 422, "line 1: it is not code");
	core.last_load = OUTCOME_OUT_OF_MEMORY;
	refused(fd, f, LUA, "code", 502, "\"limit\":{\"memory_mb\":64,");
	cr_assert_eq(registry_count(core.rt.registry), 5);
	close(fd);
}

Test(server, lists)
{
	int fd = dial_unix();
	struct answer a = ask(fd, GET("/v1/functions?limit=2"));

	cr_assert(strstr(a.body, "\"name\":\"big\""));
	cr_assert(strstr(a.body, "\"name\":\"crash\""));
	cr_assert(!strstr(a.body, "\"name\":\"echo\""));
	cr_assert(strstr(a.body, "\"next\":\"t/crash\""));
	a = ask(fd, GET("/v1/functions/t?limit=3&after=t%2Fcrash"));
	cr_assert(strstr(a.body, "\"name\":\"echo\""));
	cr_assert(strstr(a.body, "\"name\":\"slow\""));
	cr_assert(!strstr(a.body, "next"));
	a = ask(fd, GET("/v1/functions/other"));
	cr_assert_str_eq(a.body, "{\"functions\":[],\"total\":5}");
	a = ask(fd, GET("/v1/functions?limit=0"));
	cr_assert_eq(a.status, 400);
	a = ask(fd, GET("/v1/isolates"));
	cr_assert(strstr(a.body, "\"key\":null"));
	cr_assert(strstr(a.body, "\"next\"") == NULL);
	a = ask(fd, GET("/v1/isolates?limit=1"));
	cr_assert(strstr(a.body, "\"id\":7,"));
	cr_assert(strstr(a.body, "\"id\":8,") == NULL);
	cr_assert(strstr(a.body, "\"total\":2"));
	cr_assert(strstr(a.body, "\"next\":\"5\""));
	a = ask(fd, GET("/v1/isolates?limit=1&after=5"));
	cr_assert(strstr(a.body, "\"id\":8,"));
	cr_assert(strstr(a.body, "\"next\"") == NULL);
	a = ask(fd, GET("/v1/isolates?after=9"));
	cr_assert(strstr(a.body, "\"isolates\":[]"));
	a = ask(fd, GET("/v1/info"));
	cr_assert(strstr(a.body, "\"isolation\":\"software\""));
	cr_assert(strstr(a.body, "\"keys\":{\"total\":13,\"held\":2}"));
	close(fd);
}

static const char *const no_pages[] = {GET("/v1/isolates?limit=0"),
	GET("/v1/isolates?limit=1001"), GET("/v1/isolates?after=x"),
	GET("/v1/isolates?after=-1"), GET("/v1/isolates?after="),
	GET("/v1/isolates?after=18446744073709551615"),
	GET("/v1/isolates?before=1"), GET("/v1/functions?limit=x"),
	GET("/v1/functions/A?limit=1"), GET("/v1/domains?key=1")};

Test(server, pages_that_are_none)
{
	int fd = dial_unix();

	for (size_t i = 0; i < sizeof(no_pages) / sizeof(no_pages[0]); i++)
		cr_assert_eq(
			ask(fd, no_pages[i]).status, 400, "%s", no_pages[i]);
	close(fd);
}

Test(server, domains)
{
	int fd = dial_unix();
	struct answer a = ask(fd, GET("/v1/domains"));

	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.body,
		"{\"key\":3,\"owner\":{\"isolate\":8,\"function\":\"t/echo\","
		"\"version\":0,\"state\":\"busy\",\"worker\":0},\"pins\":1,"
		"\"hits\":6,\"binds\":5,\"steals\":4,\"resident_bytes\":8192},"
		"{\"key\":4,\"owner\":null,"));
	cr_assert(strstr(a.body,
		"\"totals\":{\"hits\":10,\"misses\":5,\"free\":2,"
		"\"evict\":3,\"waits\":1,\"wait_s\":0.0015,"
		"\"retagged_pages\":64}"));
	close(fd);
}

#define WARM(name, len, body)                                                  \
	"POST /v1/functions/t/" name "/warm HTTP/1.1\r\nHost: x\r\n"           \
	"Content-Length: " #len "\r\n\r\n" body

Test(server, warm)
{
	int fd = dial_unix();
	struct answer a = ask(fd, WARM("echo", 14, "{\"isolates\":4}"));

	cr_assert_eq(a.status, 200);
	cr_assert_str_eq(a.body, "{\"isolates\":4,\"made\":3}");
	a = ask(fd, WARM("echo", 0, ""));
	cr_assert_str_eq(a.body, "{\"isolates\":1,\"made\":0}");
	cr_assert_eq(ask(fd, WARM("none", 0, "")).status, 404);
	cr_assert_eq(ask(fd, WARM("echo", 1, "7")).status, 400);
	cr_assert_eq(ask(fd, WARM("echo", 14, "{\"isolates\":0}")).status, 400);
	cr_assert_eq(ask(fd, WARM("echo", 7, "{\"n\":1}")).status, 400);
	core.last_load = OUTCOME_NO_ISOLATE;
	a = ask(fd, WARM("echo", 0, ""));
	cr_assert_eq(a.status, 429);
	cr_assert(strstr(a.body, "\"Limit.Memory\""));
	cr_assert(strstr(a.body, "there is no room"));
	core.last_met = BUDGET_QUEUE;
	core.last_retry_ns = 2 * CLOCK_S + 1;
	a = ask(fd, WARM("echo", 0, ""));
	cr_assert(strstr(a.body, "\"set_by\":\"limits.queue\""));
	cr_assert(strstr(a.head, "Retry-After: 3\r\n"));
	core.last_load = OUTCOME_LOAD_FAILED;
	cr_assert_eq(ask(fd, WARM("echo", 0, "")).status, 422);
	close(fd);
	fd = dial_tcp();
	cr_assert_eq(ask(fd, WARM("echo", 0, "")).status, 403);
	close(fd);
}

Test(server, metrics)
{
	int fd = dial_unix();
	struct answer a;

	(void)ask(fd, ECHO);
	(void)ask(fd, ECHO);
	(void)request(fd, "POST", "/v1/functions/t/fail/invoke", "", "1");
	a = ask(fd, GET("/metrics"));
	cr_assert(strstr(a.body,
		"gvisord_invocations_total{code=\"OK\",start=\"warm\"} 1\n"));
	cr_assert(strstr(a.body,
		"gvisord_invocations_total{code=\"OK\",start=\"cold\"} 1\n"));
	cr_assert(strstr(a.body,
		"gvisord_invocations_total{code=\"Function.Error\","
		"start=\"cold\"} 1\n"));
	cr_assert(strstr(a.body, "gvisord_function_calls_total{tenant=\"t\","
				 "function=\"echo\"} 2\n"));
	close(fd);
}

/* Over TCP. -----------------------------------------------------------------*/

Test(server, tcp_may_not_administer)
{
	int fd = dial_tcp();

	refused(fd, "/v1/functions/a/f", LUA, "code", 403, "Auth.Denied");
	close(fd);
	fd = dial_tcp();
	cr_assert_eq(
		request(fd, "DELETE", "/v1/functions/t/echo", "", "").status,
		403);
	cr_assert_eq(request(fd, "POST", "/", "",
			     "{\"method\":\"deregister\",\"fid\":\"t/echo\"}")
			     .status,
		403);
	cr_assert_eq(
		request(fd, "POST", "/deregister", "", "{\"name\":\"t/echo\"}")
			.status,
		403);
	close(fd);
}

Test(limits, admin_token)
{
	struct server_options o = {.admin_token = "s3cret"};
	int fd;

	fake_core_start(&core, &o);
	fd = dial_tcp();
	refused(fd, "/v1/functions/a/f", LUA, "c", 401, "Auth.Required");
	close(fd);
	static const char *const wrong[] = {"Bearer s3cre", "Bearer s3crett",
		"Bearer ", "s3cret", "Basic s3cret"};
	for (size_t i = 0; i < 5; i++) {
		char h[128];

		(void)snprintf(
			h, sizeof(h), LUA "Authorization: %s\r\n", wrong[i]);
		fd = dial_tcp();
		refused(fd, "/v1/functions/a/f", h, "c", 403, "Auth.Denied");
		close(fd);
	}
	fd = dial_tcp();
	cr_assert_eq(request(fd, "PUT", "/v1/functions/a/f",
			     LUA "Authorization: Bearer s3cret\r\n", "code")
			     .status,
		201);
	close(fd);
}

/* The paper's form. ---------------------------------------------------------*/

static void paper(int fd, const char *body, int status, const char *want)
{
	struct answer a = request(fd, "POST", "/", "", body);

	cr_assert_eq(a.status, status, "%s: %s", body, a.body);
	if (status == 200)
		cr_assert_str_eq(a.body, want, "%s: %s", body, a.body);
	else
		cr_assert(strstr(a.body, want), "%s: %s", body, a.body);
}

Test(server, paper_form)
{
	int fd = dial_unix();

	paper(fd,
		"{\"method\":\"register\",\"fid\":\"f\",\"fep\":\"main\","
		"\"mem\":67108864,\"code\":\"Y29kZQ==\"}",
		200, "true");
	paper(fd, "{\"method\":\"invoke\",\"fid\":\"f\",\"args\":\"[1]\"}", 200,
		"[1]");
	paper(fd, "{\"method\":\"invoke\",\"fid\":\"f\",\"args\":{\"k\":2}}",
		200, "{\"k\":2}");
	paper(fd, "{\"method\":\"invoke\",\"fid\":\"f\"}", 200, "null");
	paper(fd, "{\"method\":\"deregister\",\"fid\":\"f\"}", 200, "true");
	paper(fd, "{\"method\":\"deregister\",\"fid\":\"f\"}", 200, "false");
	paper(fd, "{\"method\":\"invoke\",\"fid\":\"f\"}", 404,
		"Function.NotFound");
	paper(fd, "{\"method\":\"register\",\"fid\":\"f\",\"code\":\"?\"}", 200,
		"false");
	paper(fd, "{\"method\":\"register\",\"fid\":\"f\"}", 200, "false");
	paper(fd, "{\"method\":\"sing\",\"fid\":\"f\"}", 400, "deregister");
	paper(fd, "{\"method\":\"invoke\"}", 400, "fid");
	paper(fd, "nonsense", 400, "Request.BadJson");
	close(fd);
}

Test(server, paper_scripts)
{
	int fd = dial_unix();
	struct answer a = request(fd, "POST",
		"/register?name=g&language=lua&entryPoint=main&memory=1048576",
		"", "code");

	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_assert_str_eq(a.body, "Function g registered!");
	a = request(fd, "POST", "/register?language=lua", "", "code");
	cr_assert_eq(a.status, 400);
	a = request(fd, "POST", "/deregister", "", "{\"name\":\"g\"}");
	cr_assert_eq(a.status, 200);
	a = request(fd, "POST", "/deregister", "", "{\"name\":\"g\"}");
	cr_assert_eq(a.status, 404);
	close(fd);
}

/* Slow, silent and vanishing clients. ---------------------------------------*/

static void start_impatient(void)
{
	struct server_options o = {
		.header_ns = 200 * CLOCK_MS,
		.body_ns = 200 * CLOCK_MS,
		.idle_ns = 200 * CLOCK_MS,
		.send_ns = 200 * CLOCK_MS,
	};

	fake_core_start(&core, &o);
}

Test(limits, timeouts, .init = start_impatient)
{
	uint64_t begin = clock_now();
	int fd = dial_unix();

	/* Says nothing. */
	wait_eof(fd);
	cr_assert_eq(in_len, 0);
	cr_assert_geq(clock_now() - begin, 190 * CLOCK_MS);
	cr_assert_lt(clock_now() - begin, 1000 * CLOCK_MS);
	close(fd);
	/* Half a head. */
	fd = dial_unix();
	say(fd, "GET /livez HTTP/1.1\r\nHos");
	cr_assert_eq(get_answer(fd, false).status, 408);
	wait_eof(fd);
	close(fd);
	/* Half a body. */
	fd = dial_unix();
	say(fd, "POST /v1/functions/t/echo/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 7\r\n\r\n{");
	cr_assert_eq(get_answer(fd, false).status, 408);
	wait_eof(fd);
	close(fd);
	/* Idle after a request. */
	fd = dial_unix();
	cr_assert_eq(ask(fd, ECHO).status, 200);
	wait_eof(fd);
	close(fd);
}

Test(limits, client_that_does_not_read, .init = start_impatient)
{
	int fd = dial_unix(), other;

	say(fd, "POST /v1/functions/t/big/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 1\r\n\r\n1");
	other = dial_unix();
	cr_assert_eq(ask(other, ECHO).status, 200);
	usleep(400000);
	/* What the kernel held, and then the end. */
	in_len = 0;
	wait_eof(fd);
	cr_assert_gt(in_len, 0);
	cr_assert_lt(in_len, 4 << 20);
	close(fd);
	close(other);
}

Test(server, slow_reader_gets_all)
{
	int fd = dial_unix(), other = dial_unix();
	struct answer a;

	/* The second request waits behind the first reply. */
	say(fd, "POST /v1/functions/t/big/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 1\r\n\r\n1" ECHO);
	usleep(50000);
	a = ask(other, ECHO);
	cr_assert_eq(a.status, 200);
	in_len = 0;
	a = get_answer(fd, false);
	cr_assert_eq(a.len, 4 << 20);
	for (size_t i = 0; i < a.len; i++)
		cr_assert_eq(a.body[i], 'x');
	cr_assert_str_eq(get_answer(fd, false).body, "{\"a\":1}");
	close(fd);
	close(other);
}

Test(server, vanishing_clients)
{
	static const char slow[] =
		"POST /v1/functions/t/slow/invoke HTTP/1.1\r\nHost: x\r\n"
		"Content-Length: 1\r\n\r\n1";
	int fd;

	for (int i = 0; i < 50; i++) {
		fd = i % 2 ? dial_unix() : dial_tcp();
		if (i % 3 == 0)
			say(fd, slow);
		else if (i % 3 == 1)
			put(fd, slow, 30);
		if (i % 5 == 0)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER,
				&(struct linger){1, 0}, sizeof(struct linger));
		close(fd);
	}
	fd = dial_unix();
	for (int i = 0; i < 400 && server_connections(&core.server) != 1; i++)
		usleep(10000);
	cr_assert_eq(server_connections(&core.server), 1);
	cr_assert_eq(ask(fd, ECHO).status, 200);
	close(fd);
}

Test(limits, connections)
{
	struct server_options o = {.max_connections = 3};
	int fd[3], last;

	fake_core_start(&core, &o);
	for (int i = 0; i < 3; i++) {
		fd[i] = dial_unix();
		cr_assert_eq(ask(fd[i], ECHO).status, 200);
	}
	last = dial_unix();
	cr_assert_eq(get_answer(last, false).status, 503);
	wait_eof(last);
	close(last);
	close(fd[0]);
	for (int i = 0; i < 100 && server_connections(&core.server) > 2; i++)
		usleep(10000);
	last = dial_unix();
	cr_assert_eq(ask(last, ECHO).status, 200);
	for (int i = 1; i < 3; i++)
		close(fd[i]);
	close(last);
}

/* Draining. -----------------------------------------------------------------*/

Test(limits, drain)
{
	int idle, busy;
	struct answer a;

	fake_core_start(&core, NULL);
	idle = dial_unix();
	cr_assert_eq(ask(idle, ECHO).status, 200);
	busy = dial_unix();
	say(busy, "POST /v1/functions/t/slow/invoke HTTP/1.1\r\nHost: x\r\n"
		  "Content-Length: 1\r\n\r\n1");
	usleep(10000);
	fake_core_stop(&core);
	in_len = 0;
	wait_eof(idle);
	cr_assert_eq(in_len, 0);
	a = get_answer(busy, false);
	cr_assert_eq(a.status, 200);
	cr_assert(strstr(a.head, "Connection: close"));
	wait_eof(busy);
	cr_assert_eq(access(core.socket, F_OK), -1);
	start();
}

/* Listening. ----------------------------------------------------------------*/

Test(listen, socket_file)
{
	char path[] = "/tmp/gv-listen-XXXXXX", err[256] = "";
	struct stat st;
	int fd, again;

	/* Any file but a socket stays as it is. */
	close(mkstemp(path));
	cr_assert_lt(listen_unix(path, err, sizeof(err), &fd), 0);
	cr_assert(strstr(err, "no socket"));
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(listen_unix(path, err, sizeof(err), &fd), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660);
	/* Alive. */
	cr_assert_lt(listen_unix(path, err, sizeof(err), &again), 0);
	cr_assert(strstr(err, "already running"));
	/* Dead: left behind by a crash. */
	close(fd);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(listen_unix(path, err, sizeof(err), &fd), 0);
	listen_unlink(path, fd);
	cr_assert_eq(access(path, F_OK), -1);
	close(fd);
	/* Taken over by another in the meantime: not ours to remove. */
	cr_assert_eq(listen_unix(path, err, sizeof(err), &fd), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(listen_unix(path, err, sizeof(err), &again), 0);
	listen_unlink(path, fd);
	cr_assert_eq(access(path, F_OK), 0);
	listen_unlink(path, again);
}

Test(listen, addresses)
{
	static const char *const bad[] = {"", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:70000", "x:1", "127.0.0.1:1x",
		"[::1:80", "127.0.0.1:-1", "::1:80"};
	char err[256];
	int fd[2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_lt(listen_tcp(bad[i], 1, err, sizeof(err), fd), 0,
			"%s", bad[i]);
	cr_assert_eq(listen_tcp("127.0.0.1:0", 2, err, sizeof(err), fd), 0);
	cr_assert_eq(listen_port(fd[0]), listen_port(fd[1]));
	/* Another daemon must not join in. */
	char addr[32];
	int other;

	(void)snprintf(addr, sizeof(addr), "127.0.0.1:%u", listen_port(fd[0]));
	cr_assert_lt(listen_tcp(addr, 1, err, sizeof(err), &other), 0);
}
