/* The strict HTTP parser: meaning, refusals, limits, every cut. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"

enum {
	BODY_MAX = 1000,
	MEM = 65536
};

#define H "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" H

static struct http_request h;
static char mem[MEM];

/* All at once. */
static int parse(const char *text, size_t len)
{
	cr_assert_leq(len, (size_t)MEM);
	memcpy(mem, text, len);
	http_init(&h, BODY_MAX);
	return http_parse(&h, mem, &len);
}

static void refuse_n(const char *text, size_t len, int status)
{
	int r = parse(text, len);

	cr_assert_eq(r, HTTP_E_BAD, "%d for %s", r, text);
	cr_assert_eq(
		h.status, status, "%d (%s) for %s", h.status, h.reason, text);
}

static void refuse(const char *text, int status)
{
	refuse_n(text, strlen(text), status);
}

/* Whichever status. */
static void refuse_any(const char *text)
{
	int r = parse(text, strlen(text));

	cr_assert_eq(r, HTTP_E_BAD, "%d for %s", r, text);
}

static void accept(const char *text)
{
	int r = parse(text, strlen(text));

	cr_assert_eq(
		r, 0, "%d %s for %s", r, r == HTTP_E_BAD ? h.reason : "", text);
	cr_assert_eq(h.consumed, strlen(text));
}

static void is(struct slice s, const char *want)
{
	cr_assert(slice_is(s, want), "'%.*s' is not '%s'", (int)s.len, s.ptr,
		want);
}

Test(http, post)
{
	accept("POST /v1/x?a=1&b=2 HTTP/1.1\r\nHost: example:80\r\n"
	       "Content-Type:  application/json \t\r\nX-Empty:\r\n"
	       "CONTENT-length: 5\r\nGvisor-Timeout: 100\r\n\r\nhello");
	cr_assert_eq(h.method, HTTP_METHOD_POST);
	is(http_method_text(&h), "POST");
	is(http_path(&h), "/v1/x");
	is(http_query(&h), "a=1&b=2");
	is(http_get(&h, HTTP_HOST), "example:80");
	is(http_get(&h, HTTP_CONTENT_TYPE), "application/json");
	is(http_get(&h, HTTP_GVISOR_TIMEOUT), "100");
	is(http_header(&h, "gvisor-timeout"), "100");
	is(http_header(&h, "content-type"), "application/json");
	is(http_body(&h), "hello");
	is(http_header(&h, "x-empty"), "");
	cr_assert_not_null(http_header(&h, "x-empty").ptr);
	cr_assert_null(http_header(&h, "x-none").ptr);
	cr_assert_null(http_get(&h, HTTP_EXPECT).ptr);
	cr_assert(h.keep_alive);
	cr_assert_eq(h.n_fields, 5);
}

Test(http, methods)
{
	static const struct {
		const char *text;
		enum http_method m;
	} t[] = {
		{"GET", HTTP_METHOD_GET},
		{"HEAD", HTTP_METHOD_HEAD},
		{"POST", HTTP_METHOD_POST},
		{"PUT", HTTP_METHOD_PUT},
		{"DELETE", HTTP_METHOD_DELETE},
		{"PATCH", HTTP_METHOD_PATCH},
		{"OPTIONS", HTTP_METHOD_OPTIONS},
	};
	static const char *const others[] = {"CONNECT", "TRACE", "PROPFIND",
		"get", "FOO", "GETS", "M-SEARCH"};
	char text[128];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(text, sizeof(text),
			"%s /p HTTP/1.1\r\n" H "\r\n", t[i].text);
		accept(text);
		cr_assert_eq(h.method, t[i].m);
		is(http_method_text(&h), t[i].text);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)snprintf(text, sizeof(text),
			"%s /p HTTP/1.1\r\n" H "\r\n", others[i]);
		refuse(text, 501);
	}
}

Test(http, keep_alive)
{
	accept(GET "\r\n");
	cr_assert(h.keep_alive);
	accept(GET "Connection: Close\r\n\r\n");
	cr_assert_not(h.keep_alive);
	accept(GET "Connection: keep-alive\r\nConnection: x , close\r\n\r\n");
	cr_assert_not(h.keep_alive);
	accept(GET "Connection: closed\r\n\r\n");
	cr_assert(h.keep_alive);
	accept("GET / HTTP/1.0\r\n\r\n");
	cr_assert(h.http10);
	cr_assert_not(h.keep_alive);
	accept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
	cr_assert(h.keep_alive);
	accept("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
	cr_assert_not(h.keep_alive);
	/* Nobody is upgraded. */
	accept(GET "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n");
	cr_assert(h.keep_alive);
}

Test(http, targets)
{
	accept("GET http://example.org/a?b HTTP/1.1\r\n" H "\r\n");
	is(http_path(&h), "/a");
	is(http_query(&h), "b");
	accept("OPTIONS * HTTP/1.1\r\n" H "\r\n");
	is(http_path(&h), "*");
	accept("GET /a? HTTP/1.1\r\n" H "\r\n");
	is(http_query(&h), "");
	refuse("GET * HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET https://example.org/a HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET ftp://example.org/a HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET http://example.org HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET a HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET /a#b HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET /\x01 HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET /\x7f HTTP/1.1\r\n" H "\r\n", 400);
	refuse_n("GET /\0 HTTP/1.1\r\n" H "\r\n",
		sizeof("GET /\0 HTTP/1.1\r\n" H "\r\n") - 1, 400);
}

Test(http, request_line)
{
	refuse("GET  / HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET /  HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET / HTTP/1.1 \r\n" H "\r\n", 505);
	refuse_any("DESCRIBE / HTTP/1.1\r\n" H "\r\n");
	refuse_any("SOURCE / HTTP/1.1\r\n" H "\r\n");
	refuse(" GET / HTTP/1.1\r\n" H "\r\n", 400);
	refuse("\r\nGET / HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET\t/ HTTP/1.1\r\n" H "\r\n", 400);
	refuse("GET / HTTP/2.0\r\n" H "\r\n", 505);
	refuse("GET / HTTP/1.2\r\n" H "\r\n", 505);
	refuse("GET / HTTP/0.9\r\n" H "\r\n", 505);
	refuse("GET /\r\n" H "\r\n", 505);
	refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
	refuse_any("GET / http/1.1\r\n" H "\r\n");
	refuse_any("GET / HTTP/11\r\n" H "\r\n");
	refuse_any("GET / ICE/1.1\r\n" H "\r\n");
	refuse_any("GET / RTSP/1.0\r\n" H "\r\n");
	refuse_any("\x16\x03\x01\x02"); /* TLS */
}

Test(http, line_ends)
{
	refuse("GET / HTTP/1.1\n" H "\r\n", 400);
	refuse("GET / HTTP/1.1\r\nHost: h\n\r\n", 400);
	refuse(GET "\n", 400);
	refuse(GET "X: a\rb\r\n\r\n", 400);
	refuse(GET "X: a\r\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r" H "\r\n", 400);
	refuse(GET "\r\r", 400);
	/* Told at once, without the rest of the head. */
	refuse("GET / HTTP/1.1\n", 400);
	refuse(GET "X: a\rb", 400);
}

Test(http, header_lines)
{
	refuse(GET "X: a\r\n b\r\n\r\n", 400); /* folding */
	refuse(GET "X: a\r\n\tb\r\n\r\n", 400);
	refuse(GET " X: a\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400);
	refuse(GET " Content-Length: 3\r\n\r\nabc", 400);
	refuse(GET "X : a\r\n\r\n", 400);
	refuse(GET "X\r\n\r\n", 400);
	refuse(GET ": a\r\n\r\n", 400);
	refuse(GET "X Y: a\r\n\r\n", 400);
	refuse(GET "X(: a\r\n\r\n", 400);
	refuse(GET "\xc3\xa9: a\r\n\r\n", 400);
	refuse(GET "X: a\x01\r\n\r\n", 400);
	refuse(GET "X: a\x7f\r\n\r\n", 400);
	refuse_n(GET "X: a\0b\r\n\r\n", sizeof(GET "X: a\0b\r\n\r\n") - 1, 400);
	accept(GET "X: \xc3\xa9\ta\r\nY:\t\r\n\r\n");
	is(http_header(&h, "X"), "\xc3\xa9\ta");
	is(http_header(&h, "y"), "");
}

Test(http, host)
{
	refuse("GET / HTTP/1.1\r\n\r\n", 400);
	refuse(GET H "\r\n", 400);
	refuse(GET "HOST: other\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400);
	refuse("GET / HTTP/1.1\r\nHost: h/p\r\n\r\n", 400);
	accept("GET / HTTP/1.1\r\nHost:\r\n\r\n");
	accept("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
	refuse("GET / HTTP/1.0\r\n" H H "\r\n", 400);
}

#define POST "POST / HTTP/1.1\r\n" H

Test(http, length)
{
	static const char *const bad[] = {"+5", "-5", "5,5", "5, 5", "0x5",
		"5 5", "", "5.0", "99999999999999999999999", "5;", "\t+5",
		"18446744073709551616"};
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
			POST "Content-Length: %s\r\n\r\nhello", bad[i]);
		refuse(text, 400);
	}
	refuse(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400);
	refuse(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400);
	refuse(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", 400);
	accept(POST "Content-Length: 5 \r\n\r\nhello");
	accept(POST "Content-Length: 0\r\n\r\n");
	accept(POST "Content-Length: 005\r\n\r\nhello");
	accept(POST "\r\n");
	cr_assert_eq(h.body_len, 0);
}

Test(http, transfer_encoding)
{
	accept(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	accept(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n");
	refuse(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
		    "0\r\n\r\n",
		400);
	refuse(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "0\r\n\r\n",
		400);
	refuse("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	       "0\r\n\r\n",
		400);
	refuse(POST "Transfer-Encoding: gzip\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: chunked, identity\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: xchunked\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: chunked\t\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: chunked \r\n\r\n", 501);
	refuse(POST "Transfer-Encoding:\r\n\r\n", 501);
	refuse(POST "Transfer-Encoding: \x0b"
		    "chunked\r\n\r\n",
		400);
	refuse_any(POST "Transfer-Encoding: chunked\r\n"
			"Transfer-Encoding: chunked\r\n\r\n");
	refuse_any(POST "Transfer-Encoding : chunked\r\n\r\n");
}

Test(http, expect)
{
	accept(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx");
	cr_assert(h.expect_continue);
	accept(POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
	cr_assert_not(h.expect_continue);
	refuse(POST "Expect: miracles\r\n\r\n", 417);
	accept("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
	       "Content-Length: 1\r\n\r\nx");
	cr_assert_not(h.expect_continue);
}

Test(http, repeated_headers)
{
	refuse(GET "Authorization: a\r\nAuthorization: b\r\n\r\n", 400);
	accept(GET "Accept: a\r\nAccept: b\r\nX: 1\r\nX: 2\r\n\r\n");
	is(http_get(&h, HTTP_ACCEPT), "a");
	is(http_header(&h, "x"), "1");
}

Test(http, head_first_then_body)
{
	static const char text[] = POST
		"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n0123456789";
	size_t head = sizeof(text) - 1 - 10, len = head;
	char *moved = malloc(sizeof(text));

	memcpy(mem, text, head);
	http_init(&h, BODY_MAX);
	cr_assert_eq(http_want(&h), 0);
	cr_assert_eq(http_parse(&h, mem, &len), HTTP_E_MORE_BODY);
	cr_assert(h.expect_continue);
	cr_assert_eq(http_want(&h), head + 10);
	is(http_path(&h), "/");
	/* The buffer moves. */
	memcpy(moved, text, sizeof(text));
	memset(mem, 'x', sizeof(mem));
	len = head + 9;
	cr_assert_eq(http_parse(&h, moved, &len), HTTP_E_MORE_BODY);
	len = head + 10;
	cr_assert_eq(http_parse(&h, moved, &len), 0);
	is(http_body(&h), "0123456789");
	is(http_get(&h, HTTP_HOST), "h");
	free(moved);
}

/* A request line of n bytes. */
static int line_of(size_t n)
{
	static char text[MEM];
	int len = snprintf(text, sizeof(text), "GET /%*s HTTP/1.1\r\n" H "\r\n",
		(int)(n - 14), "");

	memset(text + 5, 'a', n - 14);
	return parse(text, (size_t)len);
}

Test(http, limit_of_the_request_line)
{
	cr_assert_eq(line_of(HTTP_LINE_MAX), 0);
	cr_assert_eq(line_of(HTTP_LINE_MAX + 1), HTTP_E_BAD);
	cr_assert_eq(h.status, 414);
}

static int head_of(size_t n)
{
	static char text[MEM];
	int len = snprintf(text, sizeof(text),
		"GET / HTTP/1.1\r\n" H "X: %*s\r\n\r\n",
		(int)(n - strlen(H) - 7), "");

	memset(text + strlen(GET) + 3, 'a', n - strlen(H) - 7);
	return parse(text, (size_t)len);
}

Test(http, limit_of_the_headers)
{
	cr_assert_eq(head_of(HTTP_HEADERS_MAX), 0);
	cr_assert_eq(h.head_len, 16 + HTTP_HEADERS_MAX);
	for (size_t over = 1; over < 8; over++) {
		cr_assert_eq(head_of(HTTP_HEADERS_MAX + over), HTTP_E_BAD);
		cr_assert_eq(h.status, 431);
	}
	/* The line is full, only the empty one is missing. */
	size_t len = HTTP_HEADERS_MAX;
	char *p = mem + 16;

	memcpy(mem, "GET / HTTP/1.1\r\nX:", 18);
	memset(p + 2, 'a', len);
	for (size_t cut = len - 4; cut <= len + 2; cut++) {
		size_t n = 16 + len + 4;

		memset(p + 2, 'a', len + 8);
		memcpy(p + cut - 2, "\r\nY", 3);
		http_init(&h, BODY_MAX);
		cr_assert_eq(http_parse(&h, mem, &n), HTTP_E_BAD);
		cr_assert_eq(h.status, 431);
	}
}

static int count_of(unsigned n)
{
	static char text[MEM];
	size_t len = (size_t)snprintf(text, sizeof(text), GET);

	for (unsigned i = 1; i < n; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "X%u: %u\r\n", i, i);
	memcpy(text + len, "\r\n", 2);
	return parse(text, len + 2);
}

Test(http, limit_of_the_header_count)
{
	cr_assert_eq(count_of(HTTP_HEADER_COUNT), 0);
	is(http_header(&h, "x63"), "63");
	cr_assert_eq(count_of(HTTP_HEADER_COUNT + 1), HTTP_E_BAD);
	cr_assert_eq(h.status, 431);
}

Test(http, limit_of_the_body)
{
	char text[256];

	(void)snprintf(text, sizeof(text), POST "Content-Length: %d\r\n\r\n",
		BODY_MAX);
	cr_assert_eq(parse(text, strlen(text)), HTTP_E_MORE_BODY);
	(void)snprintf(text, sizeof(text), POST "Content-Length: %d\r\n\r\n",
		BODY_MAX + 1);
	refuse(text, 413);
	refuse(POST "Content-Length: 18446744073709551615\r\n\r\n", 413);
}

#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

Test(http, chunks)
{
	accept(CHUNKED "5\r\nhello\r\n6;a=b\r\n world\r\n00\r\n\r\n");
	is(http_body(&h), "hello world");
	accept(CHUNKED "A\r\n0123456789\r\n0;x\r\n\r\n");
	is(http_body(&h), "0123456789");
	accept(CHUNKED "0000000a\r\n0123456789\r\n0\r\n\r\n");
	refuse(CHUNKED "00000000a\r\n0123456789\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "\r\n", 400);
	refuse(CHUNKED "x\r\n", 400);
	refuse(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "-1\r\n", 400);
	refuse(CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5\r\nhello\n0\r\n\r\n", 400);
	refuse(CHUNKED "5\r\nhello!\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5\r\nhell\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", 400);
	refuse(CHUNKED "0\r\n\n", 400);
	refuse(CHUNKED "3e9\r\n", 413);
	cr_assert_eq(parse(CHUNKED "3e8\r\n", strlen(CHUNKED) + 5),
		HTTP_E_MORE_BODY);
	refuse(CHUNKED "1\r\nx\r\n3e8\r\n", 413);
	refuse(CHUNKED "ffffffff\r\n", 413);
	refuse(CHUNKED "5;\x01\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5;a=\"b\"\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5;\r\nhello\r\n0\r\n\r\n", 400);
	refuse(CHUNKED "5; a\r\nhello\r\n0\r\n\r\n", 400);
}

static int ext_of(size_t n, unsigned chunks)
{
	static char text[MEM];
	size_t len = strlen(CHUNKED);

	memcpy(text, CHUNKED, len);
	for (unsigned i = 0; i < chunks; i++) {
		memcpy(text + len, "1;", 2);
		for (size_t j = 0; j < n; j++)
			text[len + 2 + j] = 'e';
		memcpy(text + len + 2 + n, "\r\nx\r\n", 5);
		len += n + 7;
	}
	memcpy(text + len, "0\r\n\r\n", 5);
	return parse(text, len + 5);
}

Test(http, limit_of_chunk_extensions)
{
	cr_assert_eq(ext_of(CHUNKED_EXT_MAX, 1), 0);
	cr_assert_eq(ext_of(CHUNKED_EXT_MAX + 1, 1), HTTP_E_BAD);
	cr_assert_eq(h.status, 413);
	cr_assert_eq(ext_of(CHUNKED_EXT_MAX,
			     CHUNKED_EXT_TOTAL_MAX / CHUNKED_EXT_MAX),
		0);
	cr_assert_eq(ext_of(CHUNKED_EXT_MAX,
			     CHUNKED_EXT_TOTAL_MAX / CHUNKED_EXT_MAX + 1),
		HTTP_E_BAD);
	cr_assert_eq(h.status, 413);
}

Test(http, pipelining)
{
	static const char text[] =
		"POST /1 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
		"GET /2 HTTP/1.1\r\n" H "\r\n"
		"POST /3 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
		"1\r\nd\r\n1\r\ne\r\n0\r\n\r\n"
		"GET /4 HTTP/1.1\r\n" H "\r\n";
	static const char *const path[] = {"/1", "/2", "/3", "/4"};
	static const char *const body[] = {"abc", "", "de", ""};
	size_t at = 0, end = sizeof(text) - 1;

	memcpy(mem, text, end);
	for (int i = 0; i < 4; i++) {
		size_t len = end - at;

		http_init(&h, BODY_MAX);
		cr_assert_eq(http_parse(&h, mem + at, &len), 0);
		cr_assert_eq(len, end - at);
		is(http_path(&h), path[i]);
		is(http_body(&h), body[i]);
		at += h.consumed;
	}
	cr_assert_eq(at, end);
}

struct outcome {
	int r;
	int status;
	const char *reason;
	size_t body_len, consumed_of;
	char body[BODY_MAX];
	unsigned n_fields;
};

/* Feeds text in pieces that end at cut, cut2 and the end. */
static void feed(
	const char *text, const size_t *ends, unsigned n, struct outcome *out)
{
	size_t from = 0, len = 0;

	memset(out, 0, sizeof(*out));
	http_init(&h, BODY_MAX);
	for (unsigned i = 0; i < n; i++) {
		memcpy(mem + len, text + from, ends[i] - from);
		len += ends[i] - from;
		from = ends[i];
		out->r = http_parse(&h, mem, &len);
		if (out->r == 0 || out->r == HTTP_E_BAD)
			break;
	}
	if (out->r == 0) {
		/* What is left belongs to the next request. */
		out->consumed_of = from - (len - h.consumed);
		out->body_len = h.body_len;
		memcpy(out->body, http_body(&h).ptr, h.body_len);
		out->n_fields = h.n_fields;
	} else if (out->r == HTTP_E_BAD) {
		out->status = h.status;
		out->reason = h.reason;
	}
}

static const char *const cut_texts[] = {
	GET "\r\n",
	GET "X: y\r\nConnection: close\r\n\r\nGET /2",
	POST "Content-Length: 5\r\n\r\nhelloGET",
	CHUNKED "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\nGET / HTTP",
	CHUNKED "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n000\r\n\r\n",
	CHUNKED "5\r\nhelloo\r\n0\r\n\r\n",
	CHUNKED "0\r\nTrailer: x\r\n\r\n",
	CHUNKED "5;\x01\r\n",
	CHUNKED "fffff\r\n",
	GET "X: a\r\n b\r\n\r\n",
	GET "X: a\rb\r\n\r\n",
	GET "X: a\nb\r\n\r\n",
	GET "X : a\r\n\r\n",
	GET H "\r\n",
	"\r\nGET / HTTP/1.1\r\n\r\n",
	"GET  / HTTP/1.1\r\n" H "\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"FOO / HTTP/1.1\r\n" H "\r\n",
	POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	POST "Content-Length: 2000\r\n\r\n",
	POST "Transfer-Encoding: gzip\r\n\r\n",
	GET "X: a\x01\r\n\r\n",
};

static void same(const struct outcome *a, const struct outcome *b,
	const char *text, size_t cut, size_t cut2)
{
	cr_assert_eq(a->r, b->r, "%d %d: %s at %zu %zu", a->r, b->r, text, cut,
		cut2);
	cr_assert(memcmp(a, b, sizeof(*a)) == 0, "%s at %zu %zu", text, cut,
		cut2);
}

/* One piece, two, three, and byte by byte: the same result. */
Test(http, every_cut, .timeout = 60)
{
	static struct outcome whole, cut;

	for (size_t t = 0; t < sizeof(cut_texts) / sizeof(cut_texts[0]); t++) {
		const char *text = cut_texts[t];
		size_t n = strlen(text), ends[512];

		feed(text, &n, 1, &whole);
		for (size_t i = 0; i <= n; i++) {
			for (size_t k = i; k <= n; k++) {
				size_t e[3] = {i, k, n};

				feed(text, e, 3, &cut);
				same(&whole, &cut, text, i, k);
			}
		}
		for (size_t i = 0; i < n; i++)
			ends[i] = i + 1;
		feed(text, ends, (unsigned)n, &cut);
		same(&whole, &cut, text, 1, 1);
	}
}

/* Every prefix of a good request asks for more. */
Test(http, prefixes_are_incomplete)
{
	static const char text[] = CHUNKED "5\r\nhello\r\n0\r\n\r\n";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		int r = parse(text, n);

		cr_assert_eq(r, n < strlen(CHUNKED) ? HTTP_E_MORE_HEAD
						    : HTTP_E_MORE_BODY);
	}
}

/* One-byte chunks: framing is six times the data and takes no room. */
Test(http, chunks_shrink_the_buffer)
{
	size_t len = strlen(CHUNKED);

	memcpy(mem, CHUNKED, len);
	http_init(&h, BODY_MAX);
	for (int i = 0; i < BODY_MAX; i++) {
		memcpy(mem + len, "1\r\nx\r\n", 6);
		len += 6;
		cr_assert_eq(http_parse(&h, mem, &len), HTTP_E_MORE_BODY);
		cr_assert_eq(len, strlen(CHUNKED) + (size_t)i + 1);
	}
	memcpy(mem + len, "0\r\n\r\nG", 6);
	len += 6;
	cr_assert_eq(http_parse(&h, mem, &len), 0);
	cr_assert_eq(h.body_len, BODY_MAX);
	cr_assert_eq(mem[h.consumed], 'G');
	cr_assert_eq(len - h.consumed, 1);
}

Test(http, lists)
{
	cr_assert(http_list_has(slice_of("a, b ,\tc"), "B"));
	cr_assert(http_list_has(slice_of("a, b ,\tc"), "c"));
	cr_assert_not(http_list_has(slice_of("a, b ,\tc"), "d"));
	cr_assert_not(http_list_has(slice_of("ab"), "a"));
	cr_assert_not(http_list_has((struct slice){NULL, 0}, "a"));
	cr_assert_not(http_list_has(slice_of(",,"), "a"));
}
