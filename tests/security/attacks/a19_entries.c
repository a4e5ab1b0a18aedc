/*
 * Entry points and constructors in odd places: no code, no symbol, the middle
 * of an instruction, the last byte of all code, outside of everything. Those
 * that are code run, with what an isolate may; others are refused. Control:
 * unrefused they are admitted, and jumped to.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"

#define AT(field) offsetof(struct good, field)

static struct live live;
static struct good g;
static struct body odd;

static void entry_refused(const char *entry, const char *reason)
{
	char options[64];
	bool good;

	(void)snprintf(options, sizeof(options), "?entry=%s", entry);
	good = live_object(&live, "odd", &odd, options) == 422 &&
	       strstr(live.reply.body, reason);
	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "entry %s: %s", entry, reason);
}

static void entry_runs(const char *entry)
{
	char options[64];
	int status;

	(void)snprintf(options, sizeof(options), "?entry=%s", entry);
	status = live_object(&live, "odd", &odd, options);
	live_do(&live, "odd", "1");
	if (!attack_held((status == 200 || status == 201) &&
				 (live.reply.status == 200 ||
					 live.reply.status == 502) &&
				 live_well(&live),
		    "entry %s: runs", entry))
		live_say(&live);
}

/* Of the symbol "handler". */
static void symbol(const char *what, uint64_t at, unsigned section)
{
	const struct body body = {&g, sizeof(g)};

	forged_make(&g);
	g.sym[GOOD_HANDLER].st_value = at;
	g.sym[GOOD_HANDLER].st_shndx = (uint16_t)section;
	(void)forged_refused(&live, &body, "entry-", "handler %s", what);
}

static void constructor(const char *what, unsigned i, uint64_t at, bool runs)
{
	const struct body body = {&g, sizeof(g)};

	forged_make(&g);
	g.dyn[i].d_un.d_val = at;
	if (!runs) {
		(void)forged_refused(&live, &body, "init", "%s", what);
		return;
	}
	(void)forged_deploy(&live, &g, "");
	if (!attack_held(
		    (live.reply.status <= 201 || live.reply.status == 422 ||
			    live.reply.status == 502) &&
			    live.reply.status != 500 && live_well(&live),
		    "%s: its own affair (%d)", what, live.reply.status))
		live_say(&live);
}

static void constructors(void)
{
	constructor("DT_INIT in data", GOOD_D_INIT, AT(table), false);
	constructor("DT_INIT in tables", GOOD_D_INIT, AT(sym), false);
	constructor("DT_INIT outside", GOOD_D_INIT, 1 << 30, false);
	constructor("DT_INIT at -1", GOOD_D_INIT, UINT64_MAX, false);
	constructor("DT_INIT at the last byte", GOOD_D_INIT, AT(dyn) - 1, true);
	constructor("DT_INIT at the handler", GOOD_D_INIT,
		AT(text) + GOOD_ENTRY, true);
	constructor("an array outside", GOOD_D_INIT_ARRAY, 1 << 30, false);
	constructor("an array of half words", GOOD_D_INIT_ARRAYSZ, 12, false);
	constructor("an array too long", GOOD_D_INIT_ARRAYSZ, 1 << 20, false);
	constructor("an array of code", GOOD_D_INIT_ARRAY, AT(text), true);
	constructor("an array of text", GOOD_D_INIT_ARRAY, AT(str), true);
}

/* text2 is a segment of its own. */
static void other_segment(void)
{
	static const uint8_t null[] = {0x31, 0xc0, 0xc3};

	forged_make(&g);
	(void)memcpy(g.text2, null, sizeof(null));
	attack_held(forged_deploy(&live, &g, "?entry=helper"),
		"an entry in another segment of code: admitted");
	live_do(&live, "forged", "1");
	attack_held(
		live.reply.status == 200 && live_well(&live), "... and runs");
}

/* Functions come to no end that they notice. */
static void destructors(void)
{
	static const uint8_t ends[] = {0x0f, 0x0b}; /* UD2 */

	forged_make(&g);
	(void)memcpy(g.text2, ends, sizeof(ends));
	g.dyn[GOOD_D_SPARE] = (Elf64_Dyn){DT_FINI, {AT(text2)}};
	attack_held(forged_deploy(&live, &g, "?idle_ttl_ms=0"),
		"a destructor that traps: admitted");
	live_do(&live, "forged", "1");
	attack_held(live.reply.status == 200, "... and never run");
	client_delete(&live.client, "forged", &live.reply);
	attack_held(live_well(&live), "... nor when the function goes");
}

static void run(void)
{
	static const struct live_options all = {.without = "object"};
	unsigned char *bytes;

	live_start(&live, NULL);
	bytes = live_file("odd.so", &odd.len);
	odd.bytes = bytes;
	entry_runs("plain");
	entry_runs("middle");
	entry_runs("last");
	entry_refused("data", "entry-not-code");
	entry_refused("nobody", "entry-missing");
	symbol("at 0, the file's header", 0, 1);
	symbol("in tables", AT(sym), 1);
	symbol("in data", AT(table), 1);
	symbol("behind the end", AT(table) + (1 << 20), 1);
	symbol("at -1", UINT64_MAX, 1);
	symbol("undefined", AT(text) + GOOD_ENTRY, SHN_UNDEF);
	symbol("absolute", AT(text) + GOOD_ENTRY, SHN_ABS);
	other_segment();
	constructors();
	destructors();
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &all);
	attack_worked(live_object(&live, "odd", &odd, "?entry=data") == 201,
		"unrefused, data is admitted as an entry point");
	live_do(&live, "odd", "1");
	attack_worked(live_is(&live, live_crashed),
		"... and jumped to, where it can't be executed");
	(void)live_stop(&live);
}

const struct attack attack_a19 = {
	.id = "A19",
	.name = "native: entries and constructors in odd places",
	.layer = "admission",
	.off = "all refusals",
	.run = run,
};
