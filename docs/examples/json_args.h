#pragma once
/*
 * Arguments out of a flat JSON object such as {"n": 100, "text": "abc"}, and
 * the answer to wrong ones. Small on purpose: keys are compared as they are
 * written, values that are objects or arrays are passed over, numbers are read
 * only as integers. Of keys that stand twice the last one counts.
 *
 * A request ends with a NUL, which no JSON text has inside: nothing here reads
 * beyond it.
 */
#include <stdbool.h>
#include <string.h>

#include <gvisor/function.h>

/* `return json_refuse(res, "...")`: the caller gets this message. */
static inline int json_refuse(struct gv_response *res, const char *message)
{
	res->kind = GV_TEXT;
	res->body = message;
	res->body_len = strlen(message);
	return 1;
}

static inline const char *json_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* From an opening quote to behind the closing one. NULL: there is none, or a
 * control character comes before it. */
static inline const char *json_past_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		p += *p == '\\';
		if ((unsigned char)*p < 0x20)
			return NULL;
	}
	return p + 1;
}

/* From the first character of a value to behind its last one, or NULL. */
static inline const char *json_past_value(const char *p)
{
	unsigned depth = 0;

	do {
		p = json_space(p);
		if (*p == '"') {
			p = json_past_string(p);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			p = depth-- ? p + 1 : NULL;
		} else if (*p == ',' && depth) {
			p++;
		} else {
			size_t n = strcspn(p, "\"{}[], \t\r\n");

			p = n ? p + n : NULL;
		}
	} while (p && depth);
	return p;
}

/* The value of a key. NULL: it is not there, or this is no object. */
static inline const char *json_find(const char *json, const char *key)
{
	const char *found = NULL;
	const char *p = json_space(json);
	size_t len = strlen(key);

	if (*p != '{')
		return NULL;
	do {
		const char *name = json_space(p + 1);
		const char *end = *name == '"' ? json_past_string(name) : NULL;

		p = end ? json_space(end) : "";
		if (*p != ':')
			return NULL;
		p = json_space(p + 1);
		if ((size_t)(end - name) == len + 2 &&
			memcmp(name + 1, key, len) == 0)
			found = p;
		p = json_past_value(p);
		p = p ? json_space(p) : "";
	} while (*p == ',');
	return *p == '}' ? found : NULL;
}

/* An integer from low to high; false: there is none. */
static inline bool json_int(const char *json, const char *key, int64_t low,
	int64_t high, int64_t *ret_n)
{
	const char *p = json_find(json, key);
	bool minus = p && *p == '-';
	int64_t n = 0;
	size_t digits;

	if (!p)
		return false;
	p += minus;
	digits = strspn(p, "0123456789");
	if (digits < 1 || digits > 18 || !strchr(",} \t\r\n", p[digits]))
		return false;
	while (digits--)
		n = n * 10 + (*p++ - '0');
	*ret_n = minus ? -n : n;
	return *ret_n >= low && *ret_n <= high;
}
