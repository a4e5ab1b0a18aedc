/* Base64, four characters at a time. */
#include "util/base64.h"

#include <stdint.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0..63, or 64 for anything else. */
static uint32_t value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(const char *src, size_t len, void *dst, size_t *ret_len)
{
	unsigned char *out = dst;
	size_t pad = 0, at = 0;

	if (len % 4 != 0)
		return false;
	if (len > 0 && src[len - 1] == '=')
		pad = src[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i += 4) {
		size_t real = i + 4 == len ? 4 - pad : 4;
		uint32_t word = 0;

		for (size_t k = 0; k < 4; k++) {
			uint32_t v = k < real ? value_of(src[i + k]) : 0;

			if (v > 63)
				return false;
			word = word << 6 | v;
		}
		/* The bits that padding leaves over. */
		if (real < 4 && (word & ((UINT32_C(1) << (4 - real) * 8) - 1)))
			return false;
		for (size_t k = 0; k + 1 < real; k++)
			out[at++] = (unsigned char)(word >> (16 - 8 * k));
	}
	*ret_len = at;
	return true;
}

void base64_encode(const void *src, size_t len, char *dst)
{
	const unsigned char *in = src;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)in[i] << 16;

		if (n > 1)
			word |= (uint32_t)in[i + 1] << 8;
		if (n > 2)
			word |= in[i + 2];
		*dst++ = alphabet[word >> 18];
		*dst++ = alphabet[word >> 12 & 63];
		*dst++ = n > 1 ? alphabet[word >> 6 & 63] : '=';
		*dst++ = n > 2 ? alphabet[word & 63] : '=';
	}
}
