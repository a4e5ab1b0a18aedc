#pragma once
/* A moment of `gvisord top` as text. Client process; names in it are the
 * daemon's and reach no terminal raw. */
#include <stdio.h>

#include "cli/top_sample.h"

/* A page with at most max_rows functions. */
void top_show_page(FILE *to, const struct top_sample *now,
	const struct top_rates *r, size_t max_rows);
/* One line of key=value. */
void top_show_line(
	FILE *to, const struct top_sample *now, const struct top_rates *r);
/* One line of JSON. */
void top_show_json(
	FILE *to, const struct top_sample *now, const struct top_rates *r);
/* The functions that were called, one a line. */
void top_show_names(FILE *to, const struct top_rates *r);
