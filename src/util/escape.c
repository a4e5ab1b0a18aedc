/* Escaping: runs of plain ASCII are copied whole, the rest goes one by one. */
#include "util/escape.h"

#include <stdint.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t escape_utf8(const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;
	size_t len = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

	if (len == 1)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return len;
}

size_t escape_prefix(const char *p, size_t n, size_t max)
{
	size_t cut = max;

	if (n <= max)
		return n;
	while (cut > 0 && max - cut < 4 && (p[cut] & 0xc0) == 0x80)
		cut--;
	return cut > 0 && (p[cut] & 0xc0) != 0x80 ? cut : max;
}

static void escape_one(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	switch (c) {
	case '"':
	case '\\':
		buf_add_char(b, '\\');
		buf_add_char(b, (char)c);
		break;
	case '\n':
		buf_add_lit(b, "\\n");
		break;
	case '\r':
		buf_add_lit(b, "\\r");
		break;
	case '\t':
		buf_add_lit(b, "\\t");
		break;
	default:
		buf_add(b, u, sizeof(u));
	}
}

void escape_json(struct buf *b, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && buf_ok(b)) {
		size_t start = i, len;

		while (i < n && is_plain((unsigned char)p[i]))
			i++;
		buf_add(b, p + start, i - start);
		if (i == n)
			break;
		len = escape_utf8(p + i, n - i);
		if (len == 0)
			buf_add_lit(b, "\\ufffd");
		else if (len == 1)
			escape_one(b, (unsigned char)p[i]);
		else if (len == 2 && (unsigned char)p[i] == 0xc2 &&
			 (unsigned char)p[i + 1] < 0xa0)
			escape_one(b, (unsigned char)p[i + 1]);
		else
			buf_add(b, p + i, len);
		i += len ? len : 1;
	}
}

/* C0 but newline and tab, DEL, C1, and the marks that reorder text. */
static bool is_unsafe(const unsigned char *c, size_t len)
{
	if (len == 1)
		return c[0] == 0x7f ||
		       (c[0] < 0x20 && c[0] != '\n' && c[0] != '\t');
	if (c[0] == 0xc2)
		return c[1] < 0xa0;
	if (c[0] == 0xe2 && c[1] == 0x80)
		return (c[2] >= 0x8e && c[2] <= 0x8f) ||
		       (c[2] >= 0xaa && c[2] <= 0xae);
	return c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

void escape_terminal(FILE *to, const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;

	for (size_t i = 0; i < n;) {
		size_t len = escape_utf8(p + i, n - i);

		if (len > 0 && !is_unsafe(c + i, len)) {
			(void)fwrite(p + i, 1, len, to);
			i += len;
			continue;
		}
		for (size_t end = i + (len ? len : 1); i < end; i++)
			(void)fprintf(to, "\\x%02x", c[i]);
	}
}

static bool is_harmless(const unsigned char *p, size_t n)
{
	/* C0, DEL and C1 steer terminals. */
	return n > 0 && p[0] >= 0x20 && p[0] != 0x7f &&
	       !(p[0] == 0xc2 && p[1] < 0xa0);
}

const char *escape_plain(const char *text, char *room, size_t size)
{
	static const char instead[] = "\xef\xbf\xbd";
	const size_t longest = 4; /* of a character in UTF-8 */
	size_t left = strlen(text), len = 0;

	while (left > 0 && len + longest < size) {
		size_t n = escape_utf8(text, left);
		bool plain = is_harmless((const unsigned char *)text, n);
		size_t out = plain ? n : sizeof(instead) - 1;

		memcpy(room + len, plain ? text : instead, out);
		len += out;
		n = n ? n : 1;
		text += n;
		left -= n;
	}
	room[len] = '\0';
	return room;
}
