/*
 * The observer's look at protection keys and rights. What the daemon means is
 * in its struct runtime, which is read as it stands: keys, gate pages,
 * isolates. What is, is in smaps. Between the two the process stands still, but
 * it may do so in the middle of a step: a difference must be there in every one
 * of several looks.
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "tests/security/observer.h"

enum {
	RANGES = 8192,
	LOOKS = 16,
	APART_US = 2000,
	STILL_US = 500,
	STILL_TRIES = 10000,
	TELL_MAX = 8,
	ANY = -1, /* key of what is changing hands */
};

struct table {
	struct keys keys;
	struct observer_range range[RANGES]; /* image, gate, isolates */
	unsigned n;
	unsigned n_fixed; /* the first ones never change */
	uint64_t arena[ARENA_CLASSES][2];
};

static void add(struct table *t, uint64_t from, uint64_t to, int key)
{
	if (t->n < RANGES && from < to)
		t->range[t->n++] = (struct observer_range){
			.from = from, .to = to, .key = key};
}

static void add_isolate(struct table *t, const struct isolate *iso)
{
	uint64_t from = (uint64_t)iso->domain.base;
	int key = domain_key(&iso->domain);
	struct observer_range *r;

	/* Not yet mapped, or on its way: any key will do. */
	if (iso->magic != ISOLATE_MAGIC || !from || domain_dead(&iso->domain))
		return;
	add(t, from, from + iso->domain.len, key >= 0 ? key : t->keys.parked);
	r = &t->range[t->n - 1];
	r->isolate = true;
	r->n_parts = iso->domain.n_parts;
	if (r->n_parts <= DOMAIN_PARTS_MAX)
		(void)memcpy(r->parts, iso->domain.parts,
			r->n_parts * sizeof(*r->parts));
	if (iso->state == ISOLATE_PREPARING || iso->state == ISOLATE_DYING ||
		iso->mapped == 0 || r->n_parts > DOMAIN_PARTS_MAX)
		r->key = ANY;
}

static bool read_pool(const struct observer *o, const struct worker_core *core,
	struct table *t)
{
	bool good = true;

	for (unsigned c = 0; c < ARENA_CLASSES && good; c++) {
		const struct slots *s = &core->pool.slots[c];
		struct isolate *all = malloc(s->used * sizeof(*all) + 1);

		good = all && observer_read(o, (uint64_t)s->isolates, all,
				      s->used * sizeof(*all));
		for (size_t i = 0; good && i < s->used; i++)
			add_isolate(t, &all[i]);
		free(all);
	}
	return good;
}

static bool read_workers(
	const struct observer *o, const struct runtime *rt, struct table *t)
{
	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct worker_core core;
		struct worker w;

		if (!observer_read(
			    o, (uint64_t)(rt->workers + i), &w, sizeof(w)) ||
			!observer_read(
				o, (uint64_t)w.core, &core, sizeof(core)) ||
			!read_pool(o, &core, t))
			return false;
	}
	return true;
}

static bool read_table(const struct observer *o, struct table *t)
{
	struct runtime_core core;
	struct runtime rt;

	t->n = 0;
	if (!observer_read(o, o->runtime, &rt, sizeof(rt)) ||
		!observer_read(o, (uint64_t)rt.core, &core, sizeof(core)))
		return false;
	t->keys = core.keys;
	t->n = observer_image(o, t->range);
	add(t, (uint64_t)core.gate.pages,
		(uint64_t)core.gate.pages +
			(uint64_t)GATE_MAX_THREADS * GATE_PAGE_SIZE,
		0);
	for (unsigned i = 0; i < t->n; i++)
		t->range[i].key = t->keys.shared;
	t->n_fixed = t->n;
	for (unsigned c = 0; c < ARENA_CLASSES; c++) {
		t->arena[c][0] = (uint64_t)core.arena.base[c];
		t->arena[c][1] = t->arena[c][0] +
				 core.arena.count[c] * arena_slot_bytes(c);
	}
	return read_workers(o, &rt, t);
}

struct area {
	uint64_t from, to;
	int key;
	bool accessible;
	char rights[5];
	char name[64];
};

static bool in_arena(const struct table *t, const struct area *a)
{
	for (unsigned c = 0; c < ARENA_CLASSES; c++)
		if (a->from < t->arena[c][1] && a->to > t->arena[c][0])
			return true;
	return false;
}

static void tell(struct observer *o, const struct area *a, int want)
{
	o->say("%#" PRIx64 "-%#" PRIx64 " %s has key %d, not %d", a->from,
		a->to, a->name, a->key, want);
}

static bool tell_rights(
	struct observer *o, const struct area *a, const char *why, bool say)
{
	if (say)
		o->say("%#" PRIx64 "-%#" PRIx64 " %s is %s: %s", a->from, a->to,
			a->name, a->rights, why);
	return false;
}

/* The rights of [from, to), which is of one isolate and of one mapping. */
static bool piece_good(const struct observer_range *r, const char *rights,
	uint64_t from, uint64_t to)
{
	uint64_t written = to - from;

	for (unsigned i = 0; i < r->n_parts; i++) {
		const struct domain_part *p = &r->parts[i];
		uint64_t at = r->from + (uint64_t)p->at * DOMAIN_PAGE;
		uint64_t end = at + (uint64_t)p->pages * DOMAIN_PAGE;

		at = at > from ? at : from;
		end = end < to ? end : to;
		if (at >= end)
			continue;
		written -= end - at;
		if (strncmp(rights, p->code ? "r-xp" : "r--p", 4) != 0)
			return false;
	}
	return written == 0 || strncmp(rights, "rw-p", 4) == 0;
}

/* What holds of every mapping, wherever it is. */
static bool mapping_good(struct observer *o, const struct table *t,
	const struct area *a, bool say)
{
	bool program = strstr(a->name, "gvisord-code");

	if (a->rights[1] == 'w' && a->rights[2] == 'x')
		return tell_rights(o, a, "writable and executable", say);
	if (program && a->rights[3] != 'p')
		return tell_rights(o, a, "a program's file, not private", say);
	if (program && !in_arena(t, a) &&
		(a->rights[2] == 'x' || a->rights[1] == 'w'))
		return tell_rights(o, a, "a program's, in no isolate", say);
	return true;
}

/* Returns whether the area is as the table has it. */
static bool area_good(struct observer *o, const struct table *t,
	const struct area *a, bool say)
{
	uint64_t covered = 0;

	if (!mapping_good(o, t, a, say))
		return false;
	for (unsigned i = 0; i < t->n; i++) {
		const struct observer_range *r = &t->range[i];
		uint64_t from = a->from > r->from ? a->from : r->from;
		uint64_t to = a->to < r->to ? a->to : r->to;

		if (from >= to)
			continue;
		covered += to - from;
		if (r->key == ANY)
			continue;
		if (r->key == a->key) {
			if (r->isolate && !piece_good(r, a->rights, from, to))
				return tell_rights(
					o, a, "not as the isolate's", say);
			continue;
		}
		if (say)
			tell(o, a, r->key);
		return false;
	}
	/* Reserved address space that was an isolate's keeps a key. */
	if (covered >= a->to - a->from || a->key == 0 ||
		(in_arena(t, a) && !a->accessible))
		return true;
	if (say)
		tell(o, a, 0);
	return false;
}

/* True: that was the line with the key, and the area is complete. */
static bool parse(struct area *a, const char *line)
{
	uint64_t from, to;
	char perms[5];
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &from,
		    &to, perms, &name) != 3)
		return sscanf(line, "ProtectionKey: %d", &a->key) == 1;
	a->from = from;
	a->to = to;
	a->accessible = strncmp(perms, "---", 3) != 0;
	(void)memcpy(a->rights, perms, sizeof(perms));
	a->name[0] = '\0';
	if (name)
		(void)snprintf(a->name, sizeof(a->name), "%.*s",
			(int)strcspn(line + name, "\n"), line + name);
	return false;
}

/* All of smaps, as text: read at once, between the two tables. */
static char *read_smaps(const struct observer *o)
{
	size_t len = 0, size = 4 << 20;
	char *text = malloc(size);
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", o->pid);
	f = fopen(path, "re");
	if (f && text)
		len = fread(text, 1, size - 1, f);
	if (f)
		(void)fclose(f);
	if (text)
		text[len] = '\0';
	return text;
}

static unsigned compare(
	struct observer *o, const struct table *t, char *smaps, bool say)
{
	struct area a = {0};
	unsigned wrong = 0;
	char *next;

	o->maps = 0;
	for (char *line = smaps; (next = strchr(line, '\n')); line = next + 1) {
		*next = '\0';
		if (!parse(&a, line))
			continue;
		o->maps++;
		if (!area_good(o, t, &a, say && wrong < TELL_MAX))
			wrong++;
	}
	return wrong + (o->maps == 0);
}

/* Every thread of it. */
static bool stands_still(const struct observer *o)
{
	char path[64], line[256];
	bool still = true;
	struct dirent *d;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", o->pid);
	tasks = opendir(path);
	while (tasks && still && (d = readdir(tasks))) {
		FILE *f;

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat",
			o->pid, d->d_name);
		f = fopen(path, "re");
		still = f && fgets(line, sizeof(line), f) &&
			strstr(line, ") T ");
		if (f)
			(void)fclose(f);
	}
	if (tasks)
		(void)closedir(tasks);
	return tasks && still;
}

static bool stop(const struct observer *o)
{
	if (kill(o->pid, SIGSTOP) != 0)
		return false;
	for (unsigned i = 0; i < STILL_TRIES && !stands_still(o); i++)
		(void)usleep(STILL_US);
	return stands_still(o);
}

static unsigned look(struct observer *o, bool say)
{
	static struct table table;
	bool good = stop(o) && read_table(o, &table);
	char *smaps = good ? read_smaps(o) : NULL;
	unsigned wrong = 1;

	(void)kill(o->pid, SIGCONT);
	if (smaps) {
		o->isolates = table.n - table.n_fixed;
		o->programs = 0;
		for (unsigned i = 0; i < table.n; i++)
			o->programs += table.range[i].n_parts > 0;
		wrong = compare(o, &table, smaps, say);
	} else if (say) {
		o->say("the daemon's table can't be read");
	}
	free(smaps);
	return wrong;
}

unsigned observer_keys(struct observer *o)
{
	unsigned wrong = 1;

	for (unsigned i = 1; i <= LOOKS && wrong; i++) {
		if (i > 1)
			(void)usleep(APART_US);
		wrong = look(o, i == LOOKS);
	}
	return wrong;
}
