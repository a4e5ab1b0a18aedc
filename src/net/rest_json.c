/* JSON bodies of the control thread's handlers: see rest_json.h. */
#include "net/rest_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/admission.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/gbuf.h"

static const char media_json[] = "application/json";

enum {
	REAL_DIGITS = 12 /* 2.836, not 2.8359999999999999 */
};

void rest_reply_json(struct control_req *req, int status, json_t *json)
{
	char *text =
		json ? json_dumps(json,
			       JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS))
		     : NULL;

	json_decref(json);
	if (!text) {
		control_reply(req, 500, media_json, NULL, 0);
		return;
	}
	control_reply(req, status, media_json, text, strlen(text));
}

void rest_reply_problem(
	struct control_req *req, enum problem p, const char *detail)
{
	const struct problem_info info = {.problem = p,
		.detail = detail,
		.detail_len = detail ? strlen(detail) : 0};

	rest_reply_info(req, &info, NULL);
}

/* "refusals" and "counts" go into the problem's body, which ends with "}\n". */
static void add_refusals(struct buf *b, const struct refusals *refusals)
{
	json_t *list = admission_refusals(refusals);
	json_t *counts = admission_counts(refusals);
	char *text = json_dumps(list, JSON_COMPACT);
	char *sums = json_dumps(counts, JSON_COMPACT);

	json_decref(list);
	json_decref(counts);
	if (text && sums) {
		b->len -= 2;
		buf_add_lit(b, ",\"refusals\":");
		buf_add_str(b, text);
		buf_add_lit(b, ",\"counts\":");
		buf_add_str(b, sums);
		buf_add_lit(b, "}\n");
	}
	free(text);
	free(sums);
}

void rest_reply_info(struct control_req *req, const struct problem_info *info,
	const struct refusals *refusals)
{
	struct exchange *x = rest_exchange(req);
	struct buf b;
	size_t len;
	char *text;

	gbuf_init(&b);
	problem_body(&b, info);
	if (refusals && buf_ok(&b))
		add_refusals(&b, refusals);
	text = gbuf_steal(&b, &len);
	problem_retry(&x->extra, info);
	control_reply(req, problem_status(info->problem), PROBLEM_MEDIA_TYPE,
		text, text ? len : 0);
}

void rest_reply_error(struct control_req *req, enum problem p, struct buf *err)
{
	char text[PROBLEM_DETAIL_MAX];
	size_t n = err->len < sizeof(text) ? err->len : sizeof(text) - 1;

	memcpy(text, err->ptr, n);
	text[n] = '\0';
	rest_reply_problem(req, p, n ? text : NULL);
}

void rest_reply_not_found(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	char text[FUNCTION_ID_MAX + 128];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	exchange_say_not_found(x, &b);
	rest_reply_error(req, PROBLEM_FUNCTION_NOT_FOUND, &b);
}

bool rest_no_query(struct control_req *req)
{
	if (rest_exchange(req)->query.len == 0)
		return true;
	rest_reply_problem(req, PROBLEM_REQUEST_INVALID, EXCHANGE_NO_QUERY);
	return false;
}

bool rest_media_is(struct exchange *x, const char *type)
{
	struct slice s = http_get(x->req, HTTP_CONTENT_TYPE);
	const char *semi = s.len ? memchr(s.ptr, ';', s.len) : NULL;

	if (semi)
		s.len = (size_t)(semi - s.ptr);
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s.len && slice_is_nocase(s, type);
}

json_t *rest_read_object(struct exchange *x, struct buf *err)
{
	json_error_t e;
	json_t *json;

	if (x->body_len == 0) {
		buf_add_lit(err, "the body is empty; a JSON object is wanted");
		return NULL;
	}
	json = json_loadb(x->body, x->body_len, JSON_REJECT_DUPLICATES, &e);
	if (!json) {
		buf_addf(err, "line %d, column %d: %s", e.line, e.column,
			e.text);
		return NULL;
	}
	if (!json_is_object(json)) {
		buf_add_lit(err, "the body is not a JSON object");
		json_decref(json);
		return NULL;
	}
	return json;
}

static void say_field(struct buf *err, const char *name, const char *what)
{
	buf_add_char(err, '"');
	escape_json(err, name, escape_prefix(name, strlen(name), 64));
	buf_add_lit(err, "\" ");
	buf_add_str(err, what);
}

static bool take_number(struct rest_field *f, json_t *value, struct buf *err)
{
	json_int_t v = json_integer_value(value);

	if (json_is_integer(value) && v >= 0 && (uint64_t)v >= f->min &&
		(uint64_t)v <= f->max) {
		*f->number = (uint64_t)v;
		return true;
	}
	if (f->or_minus_one && json_is_integer(value) && v == -1) {
		*f->number = UINT64_MAX;
		return true;
	}
	say_field(err, f->name, "must be a number from ");
	buf_add_u64(err, f->min);
	buf_add_lit(err, " to ");
	buf_add_u64(err, f->max);
	if (f->or_minus_one)
		buf_add_lit(err, ", or -1");
	return false;
}

static bool take_text(struct rest_field *f, json_t *value, struct buf *err)
{
	if (!json_is_string(value)) {
		say_field(err, f->name, "must be a string");
		return false;
	}
	*f->text = json_string_value(value);
	if (f->text_len) {
		*f->text_len = json_string_length(value);
	} else if (strlen(*f->text) != json_string_length(value)) {
		say_field(err, f->name, "holds a NUL");
		return false;
	}
	return true;
}

static bool take(struct rest_field *f, json_t *value, struct buf *err)
{
	f->given = true;
	if (f->number)
		return take_number(f, value, err);
	if (f->text)
		return take_text(f, value, err);
	*f->any = value;
	return true;
}

static bool unknown(const char *key, const struct rest_field *fields, size_t n,
	struct buf *err)
{
	const char *names[16];
	const char *near;

	CHECK(n <= sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < n; i++)
		names[i] = fields[i].name;
	say_field(err, key, "is no member of this request");
	near = str_nearest(slice_of(key), names, n);
	if (near) {
		buf_add_lit(err, "; did you mean \"");
		buf_add_str(err, near);
		buf_add_char(err, '"');
	}
	return false;
}

bool rest_read_fields(
	json_t *object, struct rest_field *fields, size_t n, struct buf *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < n && strcmp(fields[i].name, key) != 0)
			i++;
		if (i == n)
			return unknown(key, fields, n, err);
		if (!take(&fields[i], value, err))
			return false;
	}
	return true;
}

void rest_time(uint64_t real_ns, char ret_text[32])
{
	struct clock_civil t = clock_civil(real_ns / CLOCK_S);

	(void)snprintf(ret_text, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		t.year % 10000, t.month % 100, t.day % 100, t.hour % 100,
		t.minute % 100, t.second % 100,
		(unsigned)(real_ns / CLOCK_MS % 1000));
}
