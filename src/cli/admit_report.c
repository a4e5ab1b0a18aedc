/*
 * A verdict of admission, for people, programs and scripts. Client process; the
 * object's bytes are hostile, its names for the terminal too.
 */
#include "cli/admit_report.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "engine/exports.h"
#include "net/admission.h"
#include "util/escape.h"

#define TEXT_SIZE 512

/* "0x1234 handler+0x10", "-" if it has no place. */
static const char *place_text(const struct refusal *r, char *text, size_t size)
{
	char name[3 * REFUSAL_SYMBOL_MAX + 4];

	if (r->address == REFUSAL_NOWHERE)
		return "-";
	if (r->symbol[0])
		(void)snprintf(text, size, "%#" PRIx64 " %s+0x%" PRIx64,
			r->address, escape_plain(r->symbol, name, sizeof(name)),
			r->symbol_offset);
	else
		(void)snprintf(text, size, "%#" PRIx64, r->address);
	return text;
}

/* "0f01ef90" */
static const char *bytes_text(const struct refusal *r, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < r->n_bytes && len + 2 < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%02x", r->bytes[i]);
	return text;
}

static const char *const refusal_heads[] = {"REASON", "WHERE", "BYTES", "WHAT"};

static void print_refusals(const struct refusals *list, FILE *to)
{
	char place[TEXT_SIZE], bytes[TEXT_SIZE], what[TEXT_SIZE];
	struct table t;

	table_init(&t, refusal_heads, 4);
	for (size_t i = 0; i < list->n; i++) {
		const struct refusal *r = &list->kept[i];

		table_cell(&t, "%s", refusal_name(r->code));
		table_cell(&t, "%s", place_text(r, place, sizeof(place)));
		table_cell(&t, "%s",
			r->n_bytes ? bytes_text(r, bytes, sizeof(bytes)) : "-");
		table_cell(&t, "%s",
			r->detail[0]
				? escape_plain(r->detail, what, sizeof(what))
				: "-");
	}
	(void)table_print(&t, to);
	table_fini(&t);
}

/* Each reason once, in words. */
static void print_meanings(const struct refusals *list, FILE *to)
{
	(void)fputs("\nWhat it means:\n", to);
	for (int c = 0; c < N_REFUSALS; c++) {
		uint64_t n = list->counts[c];

		if (n == 0)
			continue;
		(void)fprintf(to, "  %s: %s", refusal_name(c), refusal_text(c));
		if (n > REFUSALS_EACH)
			(void)fprintf(to,
				" (%" PRIu64 " in all, the first %d are shown)",
				n, REFUSALS_EACH);
		(void)fputc('\n', to);
	}
}

/* The same of what a daemon told: hostile, too. */
static void place_cell(struct table *t, const json_t *one)
{
	const char *symbol = remote_text(one, "symbol");
	uint64_t at = (uint64_t)remote_number(one, "address");

	if (!json_object_get(one, "address"))
		table_cell(t, "-");
	else if (*symbol)
		table_cell(t, "%#" PRIx64 " %s+0x%" PRIx64, at, symbol,
			(uint64_t)remote_number(one, "symbol_offset"));
	else
		table_cell(t, "%#" PRIx64, at);
}

static void text_cell(struct table *t, const json_t *one, const char *key)
{
	const char *text = remote_text(one, key);

	table_cell(t, "%s", *text ? text : "-");
}

void admit_report_refusals(const json_t *list, FILE *to)
{
	struct table t;
	json_t *one;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	table_init(&t, refusal_heads, 4);
	json_array_foreach((json_t *)list, i, one)
	{
		text_cell(&t, one, "code");
		place_cell(&t, one);
		text_cell(&t, one, "bytes");
		text_cell(&t, one, "detail");
	}
	(void)table_print(&t, to);
	table_fini(&t);
}

static void print_facts(const struct admit *a, const char *entry, FILE *to)
{
	const struct object *o = &a->object;

	(void)fputs("entry         ", to);
	cli_print_safe(to, entry);
	(void)fprintf(to, " at %#" PRIx64 "\n", a->entry);
	(void)fprintf(to,
		"code          %" PRIu64 " bytes, each looked at\n"
		"image         %" PRIu64 " bytes\n"
		"constructors  %" PRIu64 "\n"
		"relocations   %zu\n",
		a->n_code, o->span, object_n_inits(o),
		object_n_relocs(o, 0) + object_n_relocs(o, 1));
	if (a->n_system_calls)
		(void)fprintf(to,
			"system calls  %" PRIu64
			" times their bytes, let pass as asked\n",
			a->n_system_calls);
}

static void print_table(
	const struct admit *a, const char *path, const char *entry, FILE *to)
{
	cli_print_safe(to, path);
	if (admit_ok(a)) {
		(void)fputs(": admitted\n", to);
		print_facts(a, entry, to);
		return;
	}
	(void)fprintf(to, ": refused, %" PRIu64 " reason%s\n",
		a->refusals.n_total, a->refusals.n_total == 1 ? "" : "s");
	print_refusals(&a->refusals, to);
	print_meanings(&a->refusals, to);
	if (!a->scanned)
		(void)fputs("The code was not looked at: there is no telling "
			    "where it is.\n",
			to);
}

static void print_names(const struct admit *a, FILE *to)
{
	for (int c = 0; c < N_REFUSALS; c++)
		if (a->refusals.counts[c])
			(void)fprintf(to, "%s\n", refusal_name(c));
}

static void add_number(json_t *to, const char *key, uint64_t value)
{
	if (value != REFUSAL_NOWHERE)
		(void)json_object_set_new(
			to, key, json_integer((json_int_t)value));
}

/* What the object takes from the runtime. */
static json_t *imports_json(const struct object *o)
{
	json_t *list = json_array();
	struct object_symbol s;

	for (uint32_t i = 1; i < o->n_symbols; i++)
		if (object_symbol(o, i, &s) && object_undefined(&s) &&
			exports_have(exports_native, s.name))
			(void)json_array_append_new(
				list, admission_text(s.name));
	return list;
}

static void print_json(
	const struct admit *a, const char *path, const char *entry, FILE *to)
{
	CLEANUP(remote_jsonp) json_t *all = NULL;
	const struct object *o = &a->object;

	all = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "verdict",
		admit_ok(a) ? "admitted" : "refused", "file",
		admission_text(path), "entry", admission_text(entry), "scanned",
		a->scanned, "refusals", admission_refusals(&a->refusals),
		"counts", admission_counts(&a->refusals));
	add_number(all, "file_bytes", o->len);
	add_number(all, "code_bytes", a->n_code);
	add_number(all, "image_bytes", o->span);
	add_number(all, "system_calls", a->n_system_calls);
	if (admit_ok(a)) {
		add_number(all, "entry_address", a->entry);
		add_number(all, "constructors", object_n_inits(o));
		add_number(all, "relocations",
			object_n_relocs(o, 0) + object_n_relocs(o, 1));
		(void)json_object_set_new(all, "imports", imports_json(o));
	}
	remote_print_json(all, to);
}

int admit_report(struct cli *cli, const char *path, const char *entry,
	const struct admit *a)
{
	if (cli->output == CLI_JSON)
		print_json(a, path, entry, cli->out);
	else if (cli->output == CLI_NAME)
		print_names(a, cli->out);
	else
		print_table(a, path, entry, cli->out);
	return admit_ok(a) ? CLI_OK : ADMIT_REFUSED;
}
