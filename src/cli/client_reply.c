/*
 * The reply parser: status line, headers, then a body framed by Content-Length
 * or chunks. `in` holds what has arrived and not yet been used; it is emptied
 * whenever all of it was used, so a large body passes through a small buffer
 * into `out`.
 *
 * Client process; the bytes are not trusted: every length is checked against
 * its bound before anything is stored, and every doubt about framing ends the
 * reading, since a guess would turn a half reply into a whole one.
 */
#include "cli/client_reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "util/gbuf.h"
#include "util/strutil.h"

#define READ_SIZE (16u * 1024u)
#define INTERIM_MAX 8 /* 1xx replies before the real one */

struct reader {
	client_more_fn *more;
	void *arg;
	struct client_error *err;
	struct buf in;
	size_t at; /* of `in` used */
	struct buf head;
	struct buf out;
	int status;
};

int client_fail(struct client_error *err, enum client_e e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return (int)e;
}

static int broken(struct reader *r, const char *why)
{
	return client_fail(r->err, CLIENT_E_BROKEN, "%s", why);
}

static int fill(struct reader *r)
{
	size_t n = 0;
	char *room;
	int e;

	if (r->at == r->in.len)
		r->at = r->in.len = 0;
	room = buf_reserve(&r->in, READ_SIZE);
	if (!room)
		return -ENOMEM;
	e = r->more(r->arg, room, READ_SIZE, r->err, &n);
	if (e)
		return e;
	if (n == 0)
		return broken(r, "the connection was closed before the reply "
				 "was complete");
	r->in.len += n;
	return 0;
}

/* The next line without its CRLF; good until the next fill. */
static int line(
	struct reader *r, size_t max, const char **ret_line, size_t *ret_len)
{
	for (;;) {
		char *from = r->in.ptr ? r->in.ptr + r->at : NULL;
		size_t len = r->in.len - r->at;
		char *lf = len ? memchr(from, '\n', len) : NULL;
		int e;

		if (lf ? (size_t)(lf - from) > max : len > max)
			return client_fail(r->err, CLIENT_E_TOO_LARGE,
				"the reply's headers are too large");
		if (lf) {
			if (lf == from || lf[-1] != '\r')
				return broken(r, "not an HTTP reply");
			*ret_line = from;
			*ret_len = (size_t)(lf - from) - 1;
			r->at += (size_t)(lf - from) + 1;
			return 0;
		}
		e = fill(r);
		if (e)
			return e;
	}
}

static int status_line(struct reader *r)
{
	const char *s;
	size_t len;
	int e = line(r, CLIENT_HEAD_MAX, &s, &len);

	if (e)
		return e;
	if (len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || s[8] != ' ' ||
		s[9] < '1' || s[9] > '5' || s[10] < '0' || s[10] > '9' ||
		s[11] < '0' || s[11] > '9' || (len > 12 && s[12] != ' '))
		return broken(r, "not an HTTP reply");
	r->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + s[11] - '0';
	return 0;
}

static int header_lines(struct reader *r)
{
	const char *s;
	size_t len;
	int e;

	r->head.len = 0;
	for (;;) {
		e = line(r, CLIENT_HEAD_MAX, &s, &len);
		if (e)
			return e;
		if (len == 0)
			break;
		if (memchr(s, '\0', len) || !memchr(s, ':', len))
			return broken(r, "not an HTTP reply");
		if (r->head.len + len > CLIENT_HEAD_MAX)
			return client_fail(r->err, CLIENT_E_TOO_LARGE,
				"the reply's headers are too large");
		buf_add(&r->head, s, len);
		buf_add_lit(&r->head, "\r\n");
	}
	return buf_cstr(&r->head) ? 0 : -ENOMEM;
}

static int head(struct reader *r)
{
	for (int i = 0; i < INTERIM_MAX; i++) {
		int e = status_line(r);

		if (e == 0)
			e = header_lines(r);
		if (e || r->status >= 200)
			return e;
	}
	return broken(r, "too many interim replies");
}

/* Moves n bytes from the connection to the body. */
static int take(struct reader *r, size_t n)
{
	if (n > CLIENT_BODY_MAX - r->out.len)
		return client_fail(r->err, CLIENT_E_TOO_LARGE,
			"the reply is larger than %u MiB",
			CLIENT_BODY_MAX >> 20);
	while (n > 0) {
		size_t have = r->in.len - r->at;
		int e;

		if (have > n)
			have = n;
		if (have > 0)
			buf_add(&r->out, r->in.ptr + r->at, have);
		r->at += have;
		n -= have;
		if (n == 0)
			break;
		e = fill(r);
		if (e)
			return e;
	}
	return buf_ok(&r->out) ? 0 : -ENOMEM;
}

static bool chunk_size(const char *s, size_t len, size_t *ret_size)
{
	size_t v = 0, i = 0;

	for (; i < len && i < 8 && str_hex_digit(s[i]) >= 0; i++)
		v = v * 16 + (size_t)str_hex_digit(s[i]);
	*ret_size = v;
	return i > 0 && (i == len || s[i] == ';' || s[i] == ' ');
}

static int chunks(struct reader *r)
{
	const char *s;
	size_t len, size;
	int e;

	do {
		e = line(r, 1024, &s, &len);
		if (e)
			return e;
		if (!chunk_size(s, len, &size))
			return broken(r, "not an HTTP reply: bad chunk");
		e = take(r, size);
		if (e)
			return e;
		/* Behind the last chunk: trailers up to an empty line. */
		do {
			e = line(r, 1024, &s, &len);
			if (e)
				return e;
		} while (size == 0 && len > 0);
		if (len > 0)
			return broken(r, "not an HTTP reply: bad chunk");
	} while (size > 0);
	return 0;
}

/* How often a header stands in the head. */
static int count(const struct reader *r, const char *name)
{
	size_t n = strlen(name);
	int found = 0;

	for (const char *s = r->head.ptr; *s; s = strstr(s, "\r\n") + 2)
		found += strncasecmp(s, name, n) == 0 && s[n] == ':';
	return found;
}

static int body_sized(struct reader *r, const char *text)
{
	uint64_t n;

	if (!str_parse_u64(slice_of(text), 0, UINT32_MAX, &n))
		return broken(r, "not an HTTP reply: bad Content-Length");
	return take(r, n);
}

static int body(struct reader *r)
{
	struct client_response view = {.head = r->head.ptr};
	char value[64];
	int sized = count(r, "Content-Length");
	int coded = count(r, "Transfer-Encoding");

	if (r->status == 204 || r->status == 304)
		return 0;
	if (sized + coded != 1)
		return broken(r, "a reply without one clear length");
	if (sized) {
		(void)client_header(
			&view, "Content-Length", value, sizeof(value));
		return body_sized(r, value);
	}
	(void)client_header(&view, "Transfer-Encoding", value, sizeof(value));
	if (strcasecmp(value, "chunked") != 0)
		return broken(r, "a reply in an unknown transfer encoding");
	return chunks(r);
}

int client_reply_read(client_more_fn *more, void *arg, struct client_error *err,
	struct client_response *ret_res)
{
	struct reader r = {.more = more, .arg = arg, .err = err};
	size_t head_len;
	int e;

	gbuf_init(&r.in);
	gbuf_init(&r.head);
	gbuf_init(&r.out);
	e = head(&r);
	if (e == 0)
		e = body(&r);
	if (e == 0) {
		struct client_response res = {.status = r.status};

		res.head = gbuf_steal(&r.head, &head_len);
		res.body = gbuf_steal(&r.out, &res.body_len);
		if (res.head && res.body)
			*ret_res = res;
		else
			e = -ENOMEM;
		if (e)
			client_response_fini(&res);
	}
	gbuf_fini(&r.in);
	gbuf_fini(&r.head);
	gbuf_fini(&r.out);
	return e;
}

void client_response_fini(struct client_response *res)
{
	free(res->head);
	free(res->body);
	*res = (struct client_response){0};
}

bool client_header(const struct client_response *res, const char *name,
	char *ret_value, size_t size)
{
	size_t n = strlen(name);

	*ret_value = '\0';
	for (const char *s = res->head; *s;) {
		const char *end = strstr(s, "\r\n");

		if (strncasecmp(s, name, n) == 0 && s[n] == ':') {
			s += n + 1;
			while (*s == ' ' || *s == '\t')
				s++;
			while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			(void)snprintf(
				ret_value, size, "%.*s", (int)(end - s), s);
			return true;
		}
		s = end + 2;
	}
	return false;
}
