/*
 * The product of two n x n matrices, made of small integers in doubles, so that
 * the checksum is exact: {"n": 200} -> {"n": 200, "checksum": 647987400}
 *
 *     gvisord build matmul.c
 *     gvisord deploy matmul.so
 *     gvisord invoke matmul '{"n": 200}'
 */
#include <stdio.h>

#include "json_args.h"

/* a = b * c; row by row through c, as it lies in memory. */
static void multiply(double *a, const double *b, const double *c, size_t n)
{
	memset(a, 0, n * n * sizeof(*a));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < n; j++)
				a[i * n + j] += b[i * n + k] * c[k * n + j];
}

/* Each place counts differently, so that no two may be swapped. */
static double checksum(const double *a, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			sum += a[i * n + j] * (double)((i * 2 + j) % 7 + 1);
	return sum;
}

int handler(const struct gv_request *req, struct gv_response *res)
{
	static char text[100];
	double *a, *b, *c;
	int64_t size;
	size_t n;

	if (!json_int(req->body, "n", 1, 1000, &size))
		return json_refuse(res, "n: must be an integer from 1 to 1000");
	n = (size_t)size;
	a = (double *)gv_alloc(3 * n * n * sizeof(*a));
	if (!a)
		gv_fail("out of memory");
	b = a + n * n;
	c = b + n * n;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			b[i * n + j] = (double)((i * 7 + j * 3) % 10);
			c[i * n + j] = (double)((i * 5 + j * 11) % 10);
		}
	}
	multiply(a, b, c, n);

	res->body = text;
	res->body_len = (size_t)snprintf(text, sizeof(text),
		"{\"n\":%d,\"checksum\":%.0f}", (int)n, checksum(a, n));
	gv_free(a);
	return 0;
}
