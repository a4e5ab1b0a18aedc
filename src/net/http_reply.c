/* Heads of replies. */
#include "net/http_reply.h"

#include "base/check.h"
#include "util/clock.h"

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void http_date_update(struct http_date *d, uint64_t real_ns)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint64_t second = real_ns / CLOCK_S;
	struct clock_civil c;
	struct buf b;

	if (d->second == second)
		return;
	c = clock_civil(second);
	buf_init(&b, d->text, sizeof(d->text));
	buf_add(&b, days + 3 * c.weekday, 3);
	buf_add_lit(&b, ", ");
	buf_add_pad(&b, c.day, 2);
	buf_add_char(&b, ' ');
	buf_add(&b, months + 3 * (c.month - 1), 3);
	buf_add_char(&b, ' ');
	buf_add_pad(&b, c.year, 4);
	buf_add_char(&b, ' ');
	buf_add_pad(&b, c.hour, 2);
	buf_add_char(&b, ':');
	buf_add_pad(&b, c.minute, 2);
	buf_add_char(&b, ':');
	buf_add_pad(&b, c.second, 2);
	buf_add_lit(&b, " GMT");
	CHECK(buf_ok(&b) && b.len == sizeof(d->text));
	d->second = second;
}

static void put_status(struct buf *b, int status)
{
	CHECK(status >= 100 && status <= 599);
	if (status == 200) {
		buf_add_lit(b, "HTTP/1.1 200 OK\r\n");
		return;
	}
	buf_add_lit(b, "HTTP/1.1 ");
	buf_add_pad(b, (uint64_t)status, 3);
	buf_add_char(b, ' ');
	buf_add_str(b, http_reason(status));
	buf_add_lit(b, "\r\n");
}

void http_reply_begin(struct buf *b, const struct http_reply *r)
{
	put_status(b, r->status);
	if (r->date) {
		buf_add_lit(b, "Date: ");
		buf_add(b, r->date->text, sizeof(r->date->text));
		buf_add_lit(b, "\r\n");
	}
	if (r->media_type) {
		buf_add_lit(b, "Content-Type: ");
		buf_add_str(b, r->media_type);
		buf_add_lit(b, "\r\n");
	}
	if (r->framing == HTTP_FRAMING_LENGTH) {
		buf_add_lit(b, "Content-Length: ");
		buf_add_u64(b, r->body_len);
		buf_add_lit(b, "\r\n");
	} else if (r->framing == HTTP_FRAMING_CHUNKED) {
		/* HTTP/1.0 knows no chunks. */
		CHECK(!r->http10);
		buf_add_lit(b, "Transfer-Encoding: chunked\r\n");
	}
	if (r->close)
		buf_add_lit(b, "Connection: close\r\n");
	else if (r->http10)
		buf_add_lit(b, "Connection: keep-alive\r\n");
}

void http_reply_header(struct buf *b, const char *name, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return;
	}
	buf_add_str(b, name);
	buf_add_lit(b, ": ");
	buf_add(b, value.ptr, value.len);
	buf_add_lit(b, "\r\n");
}

void http_reply_end(struct buf *b)
{
	buf_add_lit(b, "\r\n");
}
