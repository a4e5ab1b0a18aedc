/*
 * Native objects at the limits and beyond: the size of the file and of the
 * image, segments, symbols, budgets that hold no image. Beyond is a typed
 * error; the daemon takes it all in peace. Control: at the limit they are
 * admitted, and run.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/object.h"
#include "tests/security/attack.h"
#include "tests/security/forged.h"

static struct live live;
static struct good g;

/* bss up to an image of so many bytes. */
static void image(uint64_t bytes)
{
	forged_make(&g);
	g.phdr[GOOD_DATA].p_memsz = bytes - g.phdr[GOOD_DATA].p_vaddr;
}

static void refused(const char *what, const char *code, const char *options)
{
	bool good = !forged_deploy(&live, &g, options) &&
		    strcmp(live.reply.code, code) == 0;

	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "%s: %s", what, code);
}

static void served(const char *what, const char *options)
{
	bool good = forged_deploy(&live, &g, options);

	if (good)
		live_do(&live, "forged", "1");
	if (!attack_worked(good && live.reply.status == 200, "%s", what))
		live_say(&live);
	client_delete(&live.client, "forged", &live.reply);
}

/* The object with zeros behind it. */
static void file(size_t len, bool fits)
{
	struct body body = {.len = len};
	char *bytes = calloc(1, len);
	int status;

	forged_make(&g);
	if (!bytes)
		abort();
	(void)memcpy(bytes, &g, sizeof(g));
	body.bytes = bytes;
	status = live_object(&live, "forged", &body, "");
	free(bytes);
	if (fits)
		attack_worked(status == 201, "a file of %zu bytes", len);
	else
		attack_held(status >= 400 && status < 500 && live_well(&live),
			"a file of %zu bytes: %d", len, status);
	client_delete(&live.client, "forged", &live.reply);
}

struct large {
	struct good g;
	uint8_t more[32][GOOD_PAGE];
};

/* Segments more, of these rights by turns; other tables say so. */
static void make_pieces(struct large *l, unsigned n, const unsigned rights[2])
{
	Elf64_Phdr *p = (void *)l->more[0];

	forged_make(&l->g);
	l->g.phdr[GOOD_DATA].p_memsz = l->g.phdr[GOOD_DATA].p_filesz;
	l->g.ehdr.e_phoff = offsetof(struct large, more);
	l->g.ehdr.e_phnum = (uint16_t)(GOOD_DYNAMIC + n + 1);
	(void)memcpy(p, l->g.phdr, sizeof(*p) * GOOD_DYNAMIC);
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = offsetof(struct large, more) +
			      (1 + i) * (uint64_t)GOOD_PAGE;

		p[GOOD_DYNAMIC + i] = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = rights[i % 2],
			.p_offset = at,
			.p_vaddr = at,
			.p_filesz = 64,
			.p_memsz = 64,
			.p_align = GOOD_PAGE};
	}
	p[GOOD_DYNAMIC + n] = l->g.phdr[GOOD_DYNAMIC];
}

static void pieces(unsigned n, unsigned other_rights, bool fits)
{
	const unsigned rights[] = {PF_R | PF_X, other_rights};
	struct large *l = calloc(1, sizeof(*l));
	const struct body body = {l, sizeof(*l)};
	char what[64];
	int status;

	if (!l)
		abort();
	make_pieces(l, n, rights);
	(void)snprintf(what, sizeof(what), "%u pieces more, code and %s", n,
		other_rights & PF_W ? "data" : "constants");
	status = live_object(&live, "forged", &body, "");
	if ((status == 201) != fits)
		live_say(&live);
	if (fits)
		attack_worked(status == 201, "%s", what);
	else
		attack_held(status == 422 && live_well(&live), "%s", what);
	free(l);
	client_delete(&live.client, "forged", &live.reply);
}

/* A table of symbols to the end of its segment, as nobody says its length. */
static void symbols(uint32_t n, bool fits)
{
	const struct body body = {&g, sizeof(g)};

	forged_make(&g);
	g.dyn[GOOD_D_GNU_HASH] =
		(Elf64_Dyn){DT_HASH, {offsetof(struct good, hash)}};
	g.hash.n_chains = n;
	if (fits)
		attack_worked(forged_deploy(&live, &g, ""), "%u symbols", n);
	else
		(void)forged_refused(
			&live, &body, "too-large", "%u symbols", n);
}

static void run(void)
{
	live_start(&live, NULL);
	image((uint64_t)OBJECT_SPAN_MAX + GOOD_PAGE);
	refused("an image of 64 MiB and a page", "Code.Rejected",
		"?memory_mb=128");
	image(UINT64_MAX - GOOD_PAGE);
	refused("an image of all there is", "Code.Rejected", "");
	image(OBJECT_SPAN_MAX);
	refused("one of 64 MiB in a budget of 4", "Function.OutOfMemory",
		"?memory_mb=4");
	refused("one of 64 MiB in a budget of 64", "Function.OutOfMemory",
		"?memory_mb=64");
	served("one of 64 MiB in a budget of 66", "?memory_mb=66");
	image(3 << 20);
	refused("3 MiB in a budget of 3", "Function.OutOfMemory",
		"?memory_mb=3");
	served("3 MiB in a budget of 4", "?memory_mb=4");
	file(OBJECT_FILE_MAX + 1, false);
	file(8 << 20, true);
	pieces(12, PF_R | PF_W, true);
	pieces(13, PF_R | PF_W, false);
	pieces(30, PF_R | PF_W, false);
	pieces(4, PF_R, true);
	pieces(12, PF_R, false);
	symbols(GOOD_SYMBOLS, true);
	symbols(OBJECT_SYMBOLS_MAX + 1, false);
	symbols(UINT32_MAX, false);
	attack_held(live_stop(&live), "the daemon ends in peace");
}

const struct attack attack_g18 = {
	.id = "G18",
	.name = "native: objects at the limits and beyond",
	.layer = "admission, budgets",
	.off = "the excess",
	.run = run,
};
