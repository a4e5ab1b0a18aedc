/*
 * Tables: cells are collected first, since a column is as wide as its widest
 * cell. Width is counted in UTF-8 characters. Client process.
 */
#include "cli/table.h"

#include <stdarg.h>

#include "base/check.h"
#include "util/gbuf.h"

void table_init(struct table *t, const char *const *heads, size_t n_columns)
{
	CHECK(n_columns > 0 && n_columns <= TABLE_COLUMNS_MAX);
	*t = (struct table){.n_columns = n_columns, .heads = heads};
	gbuf_init(&t->cells);
}

void table_fini(struct table *t)
{
	gbuf_fini(&t->cells);
}

/* A mark that turns the direction of text. */
static bool is_turn(const unsigned char *c, size_t len)
{
	if (len < 3 || c[0] != 0xe2)
		return false;
	return c[1] == 0x80
		       ? (c[2] & 0xfe) == 0x8e || (c[2] >= 0xaa && c[2] <= 0xae)
		       : c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

/* Newlines and tabs become blanks, other controls (C1 in UTF-8 too) and what
 * turns text '?'. */
static void tame(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\n' || c == '\t')
			s[i] = ' ';
		else if (c < 0x20 || c == 0x7f)
			s[i] = '?';
		else if (c == 0xc2 && i + 1 < len &&
			 (unsigned char)s[i + 1] >= 0x80 &&
			 (unsigned char)s[i + 1] <= 0x9f)
			s[i] = s[i + 1] = '?';
		else if (is_turn((const unsigned char *)s + i, len - i))
			s[i] = s[i + 1] = s[i + 2] = '?';
	}
}

void table_cell(struct table *t, const char *fmt, ...)
{
	size_t from = t->cells.len;
	va_list ap;

	/* A first byte, so that there is memory to format into. */
	buf_add_char(&t->cells, '\0');
	if (!buf_ok(&t->cells))
		return;
	t->cells.len = from;
	va_start(ap, fmt);
	buf_addfv(&t->cells, fmt, ap);
	va_end(ap);
	if (!buf_ok(&t->cells))
		return;
	tame(t->cells.ptr + from, t->cells.len - from);
	buf_add_char(&t->cells, '\0');
	t->n_cells++;
}

static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void measure(const struct table *t, size_t *widths)
{
	const char *cell = t->cells.ptr;

	for (size_t i = 0; i < t->n_columns; i++) {
		const char *head = t->heads ? t->heads[i] : "";

		widths[i] = width(head + (*head == '>'));
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t *w = &widths[i % t->n_columns];

		if (width(cell) > *w)
			*w = width(cell);
		cell += strlen(cell) + 1;
	}
}

static void print_cell(const struct table *t, size_t column, const char *text,
	const size_t *widths, FILE *to)
{
	bool right = t->heads && *t->heads[column] == '>';
	int pad = (int)(widths[column] - width(text));
	bool last = column + 1 == t->n_columns;

	if (right)
		(void)fprintf(to, "%*s", pad, "");
	(void)fputs(text, to);
	if (last)
		(void)fputc('\n', to);
	else
		(void)fprintf(to, "%*s", (right ? 0 : pad) + 2, "");
}

bool table_print(struct table *t, FILE *to)
{
	size_t widths[TABLE_COLUMNS_MAX];
	const char *cell = t->cells.ptr;

	if (!buf_ok(&t->cells))
		return false;
	CHECK(t->n_cells % t->n_columns == 0);
	measure(t, widths);
	for (size_t i = 0; t->heads && i < t->n_columns; i++)
		print_cell(
			t, i, t->heads[i] + (*t->heads[i] == '>'), widths, to);
	for (size_t i = 0; i < t->n_cells; i++) {
		print_cell(t, i % t->n_columns, cell, widths, to);
		cell += strlen(cell) + 1;
	}
	return true;
}
