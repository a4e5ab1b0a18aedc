/*
 * The strict wrapper around llhttp.
 *
 * Three steps. scan_head() looks at every byte of the head once, as it comes,
 * and refuses what may not stand there at all: bare CR or LF, control
 * characters, a line that begins with white space (folding), too much of
 * anything. When the empty line has come, llhttp parses the head in one go;
 * what it reports is compared with the lines the scan saw, so that whatever it
 * is lenient about (spaces around the target, joined lines) is caught by not
 * adding up. Then check_head() decides what the headers mean together. Which
 * error is reported depends on the bytes alone, not on how they were cut into
 * pieces.
 *
 * llhttp never sees the body: lengths are counted here, chunks are decoded by
 * chunked.c, which is smaller than llhttp's list of leniencies about them.
 */
#include "net/http.h"

#include <llhttp.h>
#include <string.h>

#include "base/check.h"

static int bad(struct http_request *h, int status, const char *reason)
{
	h->status = status;
	h->reason = reason;
	return HTTP_E_BAD;
}

void http_init(struct http_request *h, size_t body_max)
{
	/* All but the fields, which are known by n_fields. */
	memset(h, 0, offsetof(struct http_request, field));
	h->body_max = body_max;
}

/* Bytes a value may hold: all but controls; HTAB is allowed. */
static bool is_value_byte(unsigned char c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t';
}

/* First byte in [p, end) that is no part of a line's content. */
static const char *line_end(const char *p, const char *end, bool first)
{
	if (first)
		while (p < end && *p >= 0x20 && *p < 0x7f)
			p++;
	else
		while (p < end && is_value_byte((unsigned char)*p))
			p++;
	return p;
}

static int check_line(struct http_request *h, const char *buf, size_t end)
{
	char c = buf[h->line];

	if (end == h->line)
		return h->fields_at ? 0 : bad(h, 400, "empty request line");
	if (c == ' ' || c == '\t')
		return bad(h, 400, "line begins with white space");
	if (!h->fields_at)
		return 0;
	if (h->n_fields == HTTP_HEADER_COUNT)
		return bad(h, 431, "too many headers");
	/* llhttp's idea of this field is compared with these later. */
	h->field[h->n_fields].name.off = (uint32_t)h->line;
	h->field[h->n_fields].value.off = (uint32_t)end;
	h->n_fields++;
	return 0;
}

static int bad_byte(struct http_request *h, char c)
{
	if (c == '\n')
		return bad(h, 400, "bare line feed");
	if (c == '\r')
		return bad(h, 400, "bare carriage return");
	if ((unsigned char)c >= 0x80)
		return bad(h, 400, "request line is not ASCII");
	return bad(h, 400, "control character");
}

/* One line; 0: it is complete, and h->line is at the next one. */
static int scan_line(struct http_request *h, const char *buf, size_t len)
{
	bool first = !h->fields_at;
	size_t limit = first ? HTTP_LINE_MAX : h->fields_at + HTTP_HEADERS_MAX;
	/* A header line needs room for its line end within the limit. */
	size_t stop = first ? limit + 1 : limit - 1;
	size_t end = len < stop ? len : stop;
	int r;

	if (h->scanned >= stop)
		return bad(h, 431, "headers too long");
	end = (size_t)(line_end(buf + h->scanned, buf + end, first) - buf);
	h->scanned = end;
	if (end == stop)
		return bad(h, first ? 414 : 431,
			first ? "request line too long" : "headers too long");
	if (end == len)
		return HTTP_E_MORE_HEAD;
	if (buf[end] != '\r')
		return bad_byte(h, buf[end]);
	if (end + 1 == len)
		return HTTP_E_MORE_HEAD;
	if (buf[end + 1] != '\n')
		return bad_byte(h, '\r');
	r = check_line(h, buf, end);
	h->scanned = end + 2;
	if (r == 0 && end == h->line)
		h->head_done = true;
	h->line = h->scanned;
	if (first)
		h->fields_at = h->scanned;
	return r;
}

static int scan_head(struct http_request *h, const char *buf, size_t len)
{
	while (!h->head_done) {
		int r = scan_line(h, buf, len);

		if (r != 0)
			return r;
	}
	h->head_len = h->scanned;
	return 0;
}

/* What llhttp tells; compared with the scan's lines in the same order. */
struct told {
	struct http_request *h;
	unsigned n;
	struct http_span url, value;
};

static struct http_span span_of(struct told *t, const char *at, size_t len)
{
	return (struct http_span){(uint32_t)(at - t->h->base), (uint32_t)len};
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct told *t = p->data;

	t->url = span_of(t, at, len);
	return 0;
}

/* llhttp, as it is often built, lets blanks pass. */
static bool is_token(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!str_is_token(p[i]))
			return false;
	return len > 0;
}

static int on_name(llhttp_t *p, const char *at, size_t len)
{
	struct told *t = p->data;
	struct http_field *f = &t->h->field[t->n];
	struct http_span s = span_of(t, at, len);

	if (t->n >= t->h->n_fields || s.off != f->name.off ||
		!is_token(at, len))
		return HPE_USER;
	f->name = s;
	t->value = (struct http_span){0};
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
	struct told *t = p->data;

	if (t->value.len)
		return HPE_USER; /* in pieces: joined lines */
	t->value = span_of(t, at, len);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int on_value_complete(llhttp_t *p)
{
	struct told *t = p->data;
	struct http_field *f = &t->h->field[t->n];
	const char *base = t->h->base;
	size_t colon = f->name.off + f->name.len, end = f->value.off;
	size_t at = colon + 1;

	if (t->n >= t->h->n_fields || base[colon] != ':')
		return HPE_USER;
	while (at < end && is_blank(base[at]))
		at++;
	while (end > at && is_blank(base[end - 1]))
		end--;
	/* llhttp keeps blanks at the end; otherwise it must see the same. */
	if (t->value.len && t->value.off != at)
		return HPE_USER;
	if (t->value.len < end - at)
		return HPE_USER;
	f->value = (struct http_span){(uint32_t)at, (uint32_t)(end - at)};
	t->n++;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers_complete,
};

static int bad_syntax(struct http_request *h, llhttp_errno_t e)
{
	static const struct {
		llhttp_errno_t e;
		int status;
		const char *reason;
	} known[] = {
		{HPE_INVALID_METHOD, 501, "unknown method"},
		{HPE_PAUSED_H2_UPGRADE, 505, "HTTP/2 is not spoken here"},
		{HPE_INVALID_VERSION, 505, "unknown HTTP version"},
		{HPE_INVALID_URL, 400, "malformed target"},
		{HPE_INVALID_CONSTANT, 400, "malformed request line"},
		{HPE_INVALID_HEADER_TOKEN, 400, "malformed header"},
		{HPE_UNEXPECTED_CONTENT_LENGTH, 400,
			"more than one length of the body"},
		{HPE_INVALID_CONTENT_LENGTH, 400, "malformed Content-Length"},
		{HPE_INVALID_TRANSFER_ENCODING, 501,
			"only chunked is known as transfer coding"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].e == e)
			return bad(h, known[i].status, known[i].reason);
	return bad(h, 400, "malformed request");
}

static bool take_method(struct http_request *h, unsigned method)
{
	static const struct {
		unsigned theirs;
		enum http_method ours;
		uint32_t len;
	} methods[] = {
		{HTTP_GET, HTTP_METHOD_GET, 3},
		{HTTP_POST, HTTP_METHOD_POST, 4},
		{HTTP_PUT, HTTP_METHOD_PUT, 3},
		{HTTP_DELETE, HTTP_METHOD_DELETE, 6},
		{HTTP_HEAD, HTTP_METHOD_HEAD, 4},
		{HTTP_PATCH, HTTP_METHOD_PATCH, 5},
		{HTTP_OPTIONS, HTTP_METHOD_OPTIONS, 7},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].theirs != method)
			continue;
		h->method = methods[i].ours;
		h->method_text = (struct http_span){0, methods[i].len};
		return true;
	}
	return false;
}

/* "/path?query" out of the target, in whichever of the four forms it comes. */
static int take_target(struct http_request *h, struct http_span url)
{
	static const char scheme[] = "http://";
	const char *p = h->base + url.off, *end = p + url.len, *q;

	if (url.len == 1 && *p == '*' && h->method == HTTP_METHOD_OPTIONS) {
		h->path = url;
		return 0;
	}
	if (memchr(p, '#', url.len))
		return bad(h, 400, "fragment in the target");
	if (*p != '/') {
		if (url.len < sizeof(scheme) ||
			!slice_is_nocase(
				(struct slice){p, sizeof(scheme) - 1}, scheme))
			return bad(h, 400, "target is neither path nor http");
		p += sizeof(scheme) - 1;
		p = memchr(p, '/', (size_t)(end - p));
		if (!p)
			return bad(h, 400, "target has no path");
	}
	q = memchr(p, '?', (size_t)(end - p));
	h->path.off = (uint32_t)(p - h->base);
	h->path.len = (uint32_t)((q ? q : end) - p);
	if (q) {
		h->query.off = (uint32_t)(q + 1 - h->base);
		h->query.len = (uint32_t)(end - q - 1);
	}
	return 0;
}

static const struct {
	const char *name;
	uint8_t len;
	bool list; /* may come more than once */
} known_fields[HTTP_KNOWN] = {
#define KNOWN(k, n, l) [k] = {n, sizeof(n) - 1, l}
	KNOWN(HTTP_HOST, "host", false),
	KNOWN(HTTP_CONTENT_TYPE, "content-type", false),
	KNOWN(HTTP_CONTENT_LENGTH, "content-length", false),
	KNOWN(HTTP_TRANSFER_ENCODING, "transfer-encoding", false),
	KNOWN(HTTP_CONNECTION, "connection", true),
	KNOWN(HTTP_EXPECT, "expect", false),
	KNOWN(HTTP_AUTHORIZATION, "authorization", false),
	KNOWN(HTTP_ACCEPT, "accept", true),
	KNOWN(HTTP_GVISOR_TIMEOUT, "gvisor-timeout", false),
	KNOWN(HTTP_TRACEPARENT, "traceparent", false),
	KNOWN(HTTP_IDEMPOTENCY_KEY, "idempotency-key", false),
#undef KNOWN
};

static int note_known(struct http_request *h, const struct http_field *f)
{
	struct slice name = http_slice(h, f->name);

	for (unsigned k = 0; k < HTTP_KNOWN; k++) {
		if (known_fields[k].len != name.len ||
			!slice_is_nocase(name, known_fields[k].name))
			continue;
		if (k == HTTP_CONNECTION &&
			http_list_has(http_slice(h, f->value), "close"))
			h->keep_alive = false;
		if (h->known[k].off == 0)
			h->known[k] = f->value;
		else if (!known_fields[k].list)
			return bad(h, 400, "repeated header");
		return 0;
	}
	return 0;
}

static int check_host(struct http_request *h)
{
	struct slice host = http_get(h, HTTP_HOST);

	if (!host.ptr)
		return h->http10 ? 0 : bad(h, 400, "no Host");
	for (size_t i = 0; i < host.len; i++)
		if (strchr("/?#@\\\"<>^`{|}, \t", host.ptr[i]) ||
			(unsigned char)host.ptr[i] >= 0x80)
			return bad(h, 400, "malformed Host");
	return 0;
}

static int check_length(struct http_request *h)
{
	struct slice length = http_get(h, HTTP_CONTENT_LENGTH);
	struct slice coding = http_get(h, HTTP_TRANSFER_ENCODING);

	if (coding.ptr) {
		if (length.ptr)
			return bad(h, 400, "more than one length of the body");
		if (h->http10)
			return bad(h, 400, "Transfer-Encoding in HTTP/1.0");
		/* Blanks behind it are legal, and some do not see past them. */
		if (coding.ptr[coding.len] != '\r' ||
			!slice_is_nocase(coding, "chunked"))
			return bad(h, 501,
				"only chunked is known as transfer coding");
		h->chunked = true;
	} else if (length.ptr) {
		if (!str_parse_u64(length, 0, UINT64_MAX, &h->content_length))
			return bad(h, 400, "malformed Content-Length");
		if (h->content_length > h->body_max)
			return bad(h, 413, "the body is too large");
	}
	return 0;
}

static int check_expect(struct http_request *h)
{
	struct slice expect = http_get(h, HTTP_EXPECT);

	if (!expect.ptr || h->http10)
		return 0;
	if (!slice_is_nocase(expect, "100-continue"))
		return bad(h, 417, "only 100-continue can be expected");
	h->expect_continue = h->chunked || h->content_length > 0;
	return 0;
}

static int check_fields(struct http_request *h)
{
	int r;

	h->keep_alive = true;
	for (unsigned i = 0; i < h->n_fields; i++) {
		r = note_known(h, &h->field[i]);
		if (r != 0)
			return r;
	}
	if (h->http10 &&
		!http_list_has(http_get(h, HTTP_CONNECTION), "keep-alive"))
		h->keep_alive = false;
	r = check_host(h);
	if (r == 0)
		r = check_length(h);
	return r == 0 ? check_expect(h) : r;
}

static int parse_head(struct http_request *h)
{
	struct told told = {.h = h};
	llhttp_errno_t e;
	llhttp_t parser;
	size_t end;
	int r;

	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = &told;
	e = llhttp_execute(&parser, h->base, h->head_len);
	/* HTTP/2's preface goes on behind its empty line. */
	if (e == HPE_OK && parser.method == HTTP_PRI)
		e = HPE_PAUSED_H2_UPGRADE;
	if (e != HPE_PAUSED)
		return bad_syntax(h, e);
	if (parser.http_major != 1 || parser.http_minor > 1)
		return bad(h, 505, "unknown HTTP version");
	h->http10 = parser.http_minor == 0;
	if (!take_method(h, parser.method))
		return bad(h, 501, "unknown method");
	/* METHOD SP target SP HTTP/1.x CRLF, and not a byte more. */
	end = told.url.off + told.url.len;
	if (told.url.len == 0 || told.url.off != h->method_text.len + 1 ||
		end + sizeof(" HTTP/1.x\r\n") - 1 != h->fields_at ||
		memcmp(h->base + end, " HTTP/1.", 8) != 0)
		return bad(h, 400, "malformed request line");
	if (told.n != h->n_fields)
		return bad(h, 400, "malformed header");
	r = take_target(h, told.url);
	return r == 0 ? check_fields(h) : r;
}

static int parse_chunks(struct http_request *h, char *buf, size_t *len)
{
	size_t body = *len - h->head_len, next = 0;
	int r = chunked_decode(
		&h->chunks, buf + h->head_len, &body, h->body_max, &next);

	h->body_len = h->chunks.out;
	*len = h->head_len + body;
	switch (r) {
	case 0:
		h->consumed = h->head_len + next;
		return 0;
	case CHUNKED_E_MORE:
		return HTTP_E_MORE_BODY;
	case CHUNKED_E_TOO_LARGE:
		return bad(h, 413, "the body is too large");
	case CHUNKED_E_EXTENSION:
		return bad(h, 413, "too much chunk extension");
	default:
		return bad(h, 400, "malformed chunk");
	}
}

int http_parse(struct http_request *h, char *buf, size_t *len)
{
	int r;

	CHECK(h->status == 0 && h->consumed == 0);
	h->base = buf;
	if (!h->head_done) {
		r = scan_head(h, buf, *len);
		if (r == 0)
			r = parse_head(h);
		if (r != 0)
			return r;
	}
	if (h->chunked)
		return parse_chunks(h, buf, len);
	h->body_len = (size_t)h->content_length;
	if (*len < h->head_len + h->body_len)
		return HTTP_E_MORE_BODY;
	h->consumed = h->head_len + h->body_len;
	return 0;
}

struct slice http_header(const struct http_request *h, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < h->n_fields; i++)
		if (h->field[i].name.len == len &&
			slice_is_nocase(http_slice(h, h->field[i].name), name))
			return http_slice(h, h->field[i].value);
	return (struct slice){NULL, 0};
}

bool http_list_has(struct slice list, const char *token)
{
	const char *p = list.ptr, *end = p ? p + list.len : p;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		struct slice item = {p, (size_t)((comma ? comma : end) - p)};

		while (item.len && is_blank(item.ptr[0])) {
			item.ptr++;
			item.len--;
		}
		while (item.len && is_blank(item.ptr[item.len - 1]))
			item.len--;
		if (slice_is_nocase(item, token))
			return true;
		p = comma ? comma + 1 : end;
	}
	return false;
}
