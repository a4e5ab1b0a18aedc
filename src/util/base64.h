#pragma once
/* Base64 (RFC 4648, the standard alphabet); pure, no malloc, any thread. */
#include <stdbool.h>
#include <stddef.h>

/* Room for what n characters decode to. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)
#define BASE64_ENCODED_LEN(n) (((n) + 2) / 3 * 4)

/* Strict: padding must be there, unused bits must be zero, no white space. dst
 * may be src. False: not Base64; dst then holds rubbish. */
bool base64_decode(const char *src, size_t len, void *dst, size_t *ret_len);

/* Writes BASE64_ENCODED_LEN(len) characters, no NUL. */
void base64_encode(const void *src, size_t len, char *dst);
