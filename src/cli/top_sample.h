#pragma once
/*
 * What `gvisord top` knows of a daemon at one moment, and what two moments say
 * of the time between. Client process; the daemon's text is not trusted.
 */
#include <stddef.h>

#include <jansson.h>

#include "cli/cli.h"

struct top_sample {
	double at; /* seconds, any start */
	double calls, errors;
	double in_flight, queued;
	double created, ended; /* isolates */
	double starting, idle, busy;
	double resident; /* bytes of the process */
	double keys_held, keys_free;
	double hits, free, evict, waits;
	json_t *functions; /* id -> as in the daemon's list */
};

/* A function and what it did in between. */
struct top_row {
	const char *id;	      /* good while the later sample is */
	double calls, errors; /* per second */
	double mean_ms;
	json_int_t idle, busy;
};

struct top_rates {
	double seconds;
	double calls, errors, created, ended; /* per second */
	double evict, waits;
	double hit_rate;      /* 0 to 1; below 0: nobody asked for a key */
	struct top_row *rows; /* the busiest first */
	size_t n_rows;
};

/* Asks the daemon. 0 or CLI_E_STOP; top_sample_fini() it in any case. */
int top_sample_take(struct cli *cli, struct top_sample *s);
void top_sample_fini(struct top_sample *s);

/* The sum of a metric's samples in Prometheus text; with `label`, as
 * `code="OK"`, of those that have it. */
double top_metric(const char *text, const char *name, const char *label);
/* The numbers of a sample, out of such text. */
void top_sample_read(struct top_sample *s, const char *text);
/* Its functions, out of the daemon's list. */
void top_sample_functions(struct top_sample *s, const json_t *list);

/* False: no memory. top_rates_fini() it. A counter that went back counts from
 * zero: it is a new daemon's, or a new version's. */
bool top_rates_init(struct top_rates *r, const struct top_sample *before,
	const struct top_sample *now);
void top_rates_fini(struct top_rates *r);
