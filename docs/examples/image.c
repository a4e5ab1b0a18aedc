/*
 * A thumbnail: an RGB picture, made of gradients and noise, is scaled down by
 * 4 (each pixel the mean of 4 x 4) and then sharpened. All in integers.
 * {"width": 640, "height": 480, "seed": 1}
 * -> {"width": 160, "height": 120, "checksum": FNV-1a of the bytes}
 *
 *     gvisord build image.c
 *     gvisord deploy image.so
 *     gvisord invoke image '{"width": 640, "height": 480, "seed": 1}'
 */
#include <stdio.h>

#include "json_args.h"

#define SCALE 4
#define CHANNELS 3

/* The thumbnail, row by row. */
struct picture {
	int width, height;
	unsigned char *bytes;
};

/* One byte of the large picture; they are asked for in their order. */
static unsigned source_byte(int x, int y, int channel, uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return ((unsigned)(x * 3 + y * 2 + channel * 64) + (*seed >> 27)) & 255;
}

/* Row y of the thumbnail, from SCALE rows of the large picture. */
static void shrink_row(struct picture *p, int y, unsigned *sums, uint32_t *seed)
{
	int bytes = p->width * CHANNELS;

	memset(sums, 0, (size_t)bytes * sizeof(*sums));
	for (int row = y * SCALE; row < (y + 1) * SCALE; row++)
		for (int x = 0; x < p->width * SCALE; x++)
			for (int c = 0; c < CHANNELS; c++)
				sums[x / SCALE * CHANNELS + c] +=
					source_byte(x, row, c, seed);
	for (int i = 0; i < bytes; i++)
		p->bytes[y * bytes + i] =
			(unsigned char)(sums[i] / (SCALE * SCALE));
}

static int clamped(int n, int low, int high)
{
	return n < low ? low : n > high ? high : n;
}

/* A byte; beyond the border the pixel at the border is meant. */
static int byte_at(const struct picture *p, int x, int y, int channel)
{
	x = clamped(x, 0, p->width - 1);
	y = clamped(y, 0, p->height - 1);
	return p->bytes[(y * p->width + x) * CHANNELS + channel];
}

/* Five times the byte less its four neighbours. */
static int sharpened(const struct picture *p, int x, int y, int channel)
{
	int n = 5 * byte_at(p, x, y, channel) - byte_at(p, x - 1, y, channel) -
		byte_at(p, x + 1, y, channel) - byte_at(p, x, y - 1, channel) -
		byte_at(p, x, y + 1, channel);

	return clamped(n, 0, 255);
}

static uint32_t checksum(const struct picture *p)
{
	uint32_t sum = 2166136261;

	for (int y = 0; y < p->height; y++)
		for (int x = 0; x < p->width; x++)
			for (int c = 0; c < CHANNELS; c++)
				sum = (sum ^ (uint32_t)sharpened(p, x, y, c)) *
				      16777619;
	return sum;
}

int handler(const struct gv_request *req, struct gv_response *res)
{
	static char text[100];
	int64_t width, height, first;
	struct picture p;
	unsigned *sums;
	uint32_t seed;

	if (!json_int(req->body, "width", SCALE, 8192, &width))
		return json_refuse(
			res, "width: must be an integer from 4 to 8192");
	if (!json_int(req->body, "height", SCALE, 8192, &height))
		return json_refuse(
			res, "height: must be an integer from 4 to 8192");
	if (!json_int(req->body, "seed", 0, UINT32_MAX, &first))
		return json_refuse(
			res, "seed: must be an integer from 0 to 4294967295");

	p.width = (int)width / SCALE;
	p.height = (int)height / SCALE;
	seed = (uint32_t)first;
	p.bytes = (unsigned char *)gv_alloc(
		(size_t)p.width * (size_t)p.height * CHANNELS);
	sums = (unsigned *)gv_alloc((size_t)p.width * CHANNELS * sizeof(*sums));
	if (!p.bytes || !sums)
		gv_fail("out of memory");
	for (int y = 0; y < p.height; y++)
		shrink_row(&p, y, sums, &seed);

	res->body = text;
	res->body_len = (size_t)snprintf(text, sizeof(text),
		"{\"width\":%d,\"height\":%d,\"checksum\":%u}", p.width,
		p.height, (unsigned)checksum(&p));
	gv_free(sums);
	gv_free(p.bytes);
	return 0;
}
