#pragma once
/*
 * HTTP/1.1 requests, read strictly and in place. Worker side, trusted; every
 * byte it reads is hostile. No malloc, no system call.
 *
 * The caller collects bytes in one buffer and calls http_parse() each time some
 * more have come, always from the first byte of the request. What it returns
 * points into that buffer by offset, so the buffer may move between calls. What
 * it accepts has exactly one meaning: everything that another implementation
 * might read differently (folding, bare CR or LF, two lengths, spaces in odd
 * places) is refused.
 *
 * A body is one run of bytes at http_body(): chunks are joined in place, which
 * makes *len shrink.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/chunked.h"
#include "util/strutil.h"

enum {
	HTTP_LINE_MAX = 8192,	  /* request line: 414 */
	HTTP_HEADERS_MAX = 16384, /* header lines, line ends and all: 431 */
	HTTP_HEADER_COUNT = 64,	  /* 431 */
	/* A buffer of this size holds any head. */
	HTTP_HEAD_MAX = HTTP_LINE_MAX + 2 + HTTP_HEADERS_MAX,
};

enum http_e {
	HTTP_E_MORE_HEAD = 1, /* the head is not complete */
	HTTP_E_MORE_BODY,     /* the head is known, the body is not complete */
	HTTP_E_BAD,	      /* refused: status and reason say why; what
			       * follows can't be told from it: close */
};

enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_PATCH,
	HTTP_METHOD_OPTIONS,
};

/* Headers found without looking for them. */
enum http_known {
	HTTP_HOST,
	HTTP_CONTENT_TYPE,
	HTTP_CONTENT_LENGTH,
	HTTP_TRANSFER_ENCODING,
	HTTP_CONNECTION,
	HTTP_EXPECT,
	HTTP_AUTHORIZATION,
	HTTP_ACCEPT,
	HTTP_GVISOR_TIMEOUT,
	HTTP_TRACEPARENT,
	HTTP_IDEMPOTENCY_KEY,
	HTTP_KNOWN,
};

struct http_span {
	uint32_t off, len;
};

struct http_field {
	struct http_span name, value;
};

struct http_request {
	/* Set by http_init(). */
	size_t body_max;

	/* Good from HTTP_E_MORE_BODY on. */
	enum http_method method;
	bool http10;
	bool keep_alive;      /* the client wants to go on */
	bool expect_continue; /* it waits for a 100 before the body */
	bool chunked;
	uint64_t content_length; /* 0 if chunked */
	size_t head_len;
	unsigned n_fields;
	struct http_span method_text, path, query;
	struct http_span
		known[HTTP_KNOWN]; /* off 0: not there; the first one */

	/* Good when complete. */
	size_t body_len;
	size_t consumed; /* bytes of the buffer, the next request follows */

	/* After HTTP_E_BAD. */
	int status;
	const char *reason; /* short, for the client; static */

	/* The parser's own. */
	const char *base;
	size_t scanned, line; /* where it is, where this line begins */
	size_t fields_at;     /* first header line; 0: still in the first */
	struct chunked chunks;
	bool head_done;
	struct http_field field[HTTP_HEADER_COUNT];
};

/* For the next request; body_max: larger bodies are refused with 413. */
void http_init(struct http_request *h, size_t body_max);

/*
 * buf[0, *len): everything received since the request's first byte. 0 when the
 * request is complete, else enum http_e. After 0 and HTTP_E_BAD the next call
 * must be http_init().
 */
int http_parse(struct http_request *h, char *buf, size_t *len);

/* How long the buffer must become for the whole request; 0: not known (no head
 * yet, or chunked: at most head_len + body_max + what is read ahead). */
static inline size_t http_want(const struct http_request *h)
{
	return h->head_done && !h->chunked
		       ? h->head_len + (size_t)h->content_length
		       : 0;
}

static inline struct slice http_slice(
	const struct http_request *h, struct http_span s)
{
	return (struct slice){h->base + s.off, s.len};
}

static inline struct slice http_path(const struct http_request *h)
{
	return http_slice(h, h->path);
}

/* Without the '?'; still escaped. */
static inline struct slice http_query(const struct http_request *h)
{
	return http_slice(h, h->query);
}

static inline struct slice http_method_text(const struct http_request *h)
{
	return http_slice(h, h->method_text);
}

static inline struct slice http_body(const struct http_request *h)
{
	return (struct slice){h->base + h->head_len, h->body_len};
}

/* ptr NULL: not there. */
static inline struct slice http_get(
	const struct http_request *h, enum http_known k)
{
	return h->known[k].off ? http_slice(h, h->known[k])
			       : (struct slice){NULL, 0};
}

/* The first header of that name, in any case; ptr NULL: none. */
struct slice http_header(const struct http_request *h, const char *name);

/* Is `token` in the comma-separated list, in any case? */
bool http_list_has(struct slice list, const char *token);
