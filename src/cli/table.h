#pragma once
/*
 * Aligned columns for people. Cells are added row by row; they may be hostile
 * text: control characters never reach the terminal.
 */
#include <stdio.h>

#include "util/buf.h"

#define TABLE_COLUMNS_MAX 12

struct table {
	size_t n_columns;
	/* Column titles; one that begins with '>' is set to the right. NULL: no
	 * title line. */
	const char *const *heads;
	struct buf cells; /* NUL-terminated, one behind the other */
	size_t n_cells;
};

void table_init(struct table *t, const char *const *heads, size_t n_columns);
void table_fini(struct table *t);
__attribute__((format(printf, 2, 3))) void table_cell(
	struct table *t, const char *fmt, ...);
/* Only whole rows. False: memory ran out on the way, nothing is printed. */
bool table_print(struct table *t, FILE *to);
