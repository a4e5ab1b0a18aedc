/*
 * Greets: {"name": "Ada"} -> {"greeting": "Hello, Ada"}.
 *
 *     gvisord build hello.c
 *     gvisord deploy hello.so
 *     gvisord invoke hello '{"name": "Ada"}'
 */
#include <stdio.h>

#include "json_args.h"

int handler(const struct gv_request *req, struct gv_response *res)
{
	const char *name = json_find(req->body, "name");
	const char *end;
	size_t size;
	char *text;

	if (!name || *name != '"')
		return json_refuse(res, "name: must be a string");
	end = json_past_string(name);

	size = (size_t)(end - name) + sizeof("{\"greeting\":\"Hello, }");
	text = (char *)gv_alloc(size);
	if (!text)
		return json_refuse(res, "name: too long");
	/* The name stays in JSON's spelling, its closing quote included. */
	res->body_len =
		(size_t)snprintf(text, size, "{\"greeting\":\"Hello, %.*s}",
			(int)(end - name - 1), name + 1);
	res->body = text;
	res->flags = GV_FREE;
	return 0;
}
