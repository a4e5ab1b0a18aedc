/*
 * sin(1) + sin(2) + ... + sin(n), nothing but calls of the mathematics library:
 * {"n": 1000} -> {"sum": 0.81396...}
 *
 *     gvisord build sinloop.c
 *     gvisord deploy sinloop.so
 *     gvisord invoke sinloop '{"n": 1000}'
 */
#include <math.h>
#include <stdio.h>

#include "json_args.h"

int handler(const struct gv_request *req, struct gv_response *res)
{
	static char text[50];
	double sum = 0;
	int64_t n;

	if (!json_int(req->body, "n", 1, 1000000000, &n))
		return json_refuse(
			res, "n: must be an integer from 1 to 1000000000");
	for (int64_t i = 1; i <= n; i++)
		sum += sin((double)i);
	res->body = text;
	res->body_len =
		(size_t)snprintf(text, sizeof(text), "{\"sum\":%.17g}", sum);
	return 0;
}
