/*
 * k-means: random points of a square, put into clusters by the nearest centre,
 * each centre moved into the middle of its cluster, and so on.
 * {"points": 10000, "clusters": 8, "iterations": 20, "seed": 1}
 * -> {"inertia": squared distances summed up, "sizes": [...],
 *     "centres": [[x, y], ...]}
 *
 *     gvisord build kmeans.c
 *     gvisord deploy kmeans.so
 *     gvisord invoke kmeans \
 *         '{"points": 10000, "clusters": 8, "iterations": 20, "seed": 1}'
 *
 * kmeans.lua does the same arithmetic in the same order: to the last bit the
 * same results, so long as the compiler fuses no multiplication with an
 * addition (-ffp-contract=off; without -march there is nothing to fuse with).
 */
#include <stdio.h>

#include "json_args.h"

#define CLUSTERS_MAX 64

struct point {
	double x, y;
};

struct cluster {
	struct point centre;
	struct point sum; /* of its points */
	int64_t size;
};

static struct cluster clusters[CLUSTERS_MAX];

/* From 0 to 1, 1 itself not: 24 bits, which a double holds exactly. */
static double next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (double)(*seed >> 8) / 16777216.0;
}

/* Puts a point into its cluster; returns its squared distance. */
static double assign(const struct point *p, int64_t n_clusters)
{
	struct cluster *nearest = clusters;
	double least = 1e300;

	for (int64_t k = 0; k < n_clusters; k++) {
		double dx = p->x - clusters[k].centre.x;
		double dy = p->y - clusters[k].centre.y;
		double distance = dx * dx + dy * dy;

		if (distance < least) {
			least = distance;
			nearest = &clusters[k];
		}
	}
	nearest->sum.x += p->x;
	nearest->sum.y += p->y;
	nearest->size++;
	return least;
}

/* Returns the inertia, before the centres move. */
static double iterate(
	const struct point *points, int64_t n_points, int64_t n_clusters)
{
	double inertia = 0;

	for (int64_t k = 0; k < n_clusters; k++) {
		clusters[k].sum = (struct point){0, 0};
		clusters[k].size = 0;
	}
	for (int64_t i = 0; i < n_points; i++)
		inertia += assign(&points[i], n_clusters);
	for (int64_t k = 0; k < n_clusters; k++) {
		struct cluster *c = &clusters[k];

		if (c->size) {
			c->centre.x = c->sum.x / (double)c->size;
			c->centre.y = c->sum.y / (double)c->size;
		}
	}
	return inertia;
}

/* The answer; 17 digits are enough for each double to be told apart. */
static void write_answer(
	struct gv_response *res, double inertia, int64_t n_clusters)
{
	static char text[100 + CLUSTERS_MAX * 80];
	char *to = text;

	to += sprintf(to, "{\"inertia\":%.17g,\"sizes\":", inertia);
	for (int64_t k = 0; k < n_clusters; k++)
		to += sprintf(to, "%c%lld", k ? ',' : '[',
			(long long)clusters[k].size);
	to += sprintf(to, "],\"centres\":");
	for (int64_t k = 0; k < n_clusters; k++)
		to += sprintf(to, "%c[%.17g,%.17g]", k ? ',' : '[',
			clusters[k].centre.x, clusters[k].centre.y);
	to += sprintf(to, "]}");
	res->body = text;
	res->body_len = (size_t)(to - text);
}

int handler(const struct gv_request *req, struct gv_response *res)
{
	int64_t n_points, n_clusters, iterations, first;
	struct point *points;
	double inertia = 0;
	uint32_t seed;

	if (!json_int(req->body, "points", 1, 1000000, &n_points))
		return json_refuse(
			res, "points: must be an integer from 1 to 1000000");
	if (!json_int(req->body, "clusters", 1, CLUSTERS_MAX, &n_clusters))
		return json_refuse(
			res, "clusters: must be an integer from 1 to 64");
	if (!json_int(req->body, "iterations", 1, 10000, &iterations))
		return json_refuse(
			res, "iterations: must be an integer from 1 to 10000");
	if (!json_int(req->body, "seed", 0, UINT32_MAX, &first))
		return json_refuse(
			res, "seed: must be an integer from 0 to 4294967295");
	if (n_clusters > n_points)
		return json_refuse(res, "clusters: more than points");

	points = (struct point *)gv_alloc((size_t)n_points * sizeof(*points));
	if (!points)
		gv_fail("out of memory");
	seed = (uint32_t)first;
	for (int64_t i = 0; i < n_points; i++) {
		points[i].x = next_random(&seed);
		points[i].y = next_random(&seed);
	}
	for (int64_t k = 0; k < n_clusters; k++)
		clusters[k].centre = points[k];
	while (iterations--)
		inertia = iterate(points, n_points, n_clusters);
	gv_free(points);
	write_answer(res, inertia, n_clusters);
	return 0;
}
