/* Refusals as JSON; see the header. */
#include "net/admission.h"

#include <stdio.h>

#include "util/escape.h"

enum {
	TEXT_MAX = 16384
};

json_t *admission_text(const char *text)
{
	char room[TEXT_MAX];

	return json_string(escape_plain(text, room, sizeof(room)));
}

static void add_number(json_t *to, const char *key, uint64_t value)
{
	if (value != REFUSAL_NOWHERE)
		(void)json_object_set_new(
			to, key, json_integer((json_int_t)value));
}

static json_t *bytes_json(const struct refusal *r)
{
	char text[2 * REFUSAL_BYTES_MAX + 1] = "";
	size_t len = 0;

	for (unsigned i = 0; i < r->n_bytes; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%02x", r->bytes[i]);
	return json_string(text);
}

static json_t *one_json(const struct refusal *r)
{
	json_t *one = json_pack("{s:s, s:s, s:o}", "code",
		refusal_name(r->code), "message", refusal_text(r->code),
		"detail", admission_text(r->detail));

	add_number(one, "offset", r->offset);
	add_number(one, "address", r->address);
	if (r->symbol[0]) {
		(void)json_object_set_new(
			one, "symbol", admission_text(r->symbol));
		add_number(one, "symbol_offset", r->symbol_offset);
	}
	if (r->n_bytes)
		(void)json_object_set_new(one, "bytes", bytes_json(r));
	return one;
}

json_t *admission_refusals(const struct refusals *list)
{
	json_t *all = json_array();

	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(all, one_json(&list->kept[i]));
	return all;
}

json_t *admission_counts(const struct refusals *list)
{
	json_t *counts = json_object();

	for (int c = 0; c < N_REFUSALS; c++)
		if (list->counts[c])
			add_number(counts, refusal_name(c), list->counts[c]);
	return counts;
}
