#pragma once
/*
 * The head of a reply, written into a buffer of the caller's. Trusted; no
 * malloc, no system call, any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/strutil.h"

/* The Date header's text, made once a second. One per thread. */
struct http_date {
	uint64_t second;
	char text[29]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};
/* real_ns: clock_real(). */
void http_date_update(struct http_date *d, uint64_t real_ns);

enum http_framing {
	HTTP_FRAMING_LENGTH,
	HTTP_FRAMING_CHUNKED,
	HTTP_FRAMING_NONE, /* 204, 304: neither body nor length */
};

struct http_reply {
	int status;
	enum http_framing framing;
	uint64_t body_len;	      /* of HTTP_FRAMING_LENGTH */
	const char *media_type;	      /* NULL: none */
	const struct http_date *date; /* NULL: none */
	bool close;		      /* the last reply of its connection */
	bool http10;		      /* the request was HTTP/1.0 */
};

/* Status line and the headers that follow from r; more may be added. */
void http_reply_begin(struct buf *b, const struct http_reply *r);
/* A header of one's own. A value with control characters is not written at all:
 * it would end the header, or the reply. */
void http_reply_header(struct buf *b, const char *name, struct slice value);
/* The empty line. */
void http_reply_end(struct buf *b);

#define HTTP_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* "Not Found"; "Unknown" for a status without a phrase. */
const char *http_reason(int status);
