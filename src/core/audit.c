/*
 * The audit of the process's memory; see audit.h. Trusted side, keeper.
 *
 * What is: /proc/self/smaps, line by line. The keeper opens it before anybody
 * is confined and reads it anew at each step. What should be: keys and mapped
 * bytes of isolates and domains, which the keeper alone writes, so that they
 * stand still while it reads. Other threads map and unmap meanwhile, but not in
 * the arena, and what they map has key 0.
 *
 * Without keys smaps has none, and rights are all there is to compare; then the
 * shorter /proc/self/maps will do.
 */
#include "core/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "pkey/image.h"
#include "util/log.h"

enum {
	TEXT_BYTES = 64 << 10,
	FIXED_MAX = IMAGE_RANGES + 1,
	RIGHTS = 4, /* "rw-p" */
};

/* One mapping, as the kernel tells of it. */
struct audit_map {
	uint64_t from, to;
	char rights[RIGHTS + 1];
	int key; /* 0 where there are none */
};

struct audit_range {
	uint64_t from, to;
};

static struct audit {
	struct runtime *rt;
	int fd;
	bool keys;
	struct audit_range fixed[FIXED_MAX]; /* key S */
	size_t n_fixed;
	char text[TEXT_BYTES];
	/* The look at hand. */
	const char *step;
	const struct isolate *iso;
	struct audit_map map;
	bool open;	 /* map has all but its key */
	uint64_t maps;	 /* complete ones */
	uint64_t inside; /* accessible bytes of them in the arena */
} audit;

/* What is wrong. ----------------------------------------------------------- */

__attribute__((noreturn)) static void audit_fail(const char *what, int want)
{
	const struct audit_map *m = &audit.map;

	log_error("memory is not as it should be", LOG_STR("what", what),
		LOG_STR("after", audit.step),
		LOG_HEX("isolate", (uint64_t)audit.iso->base),
		LOG_HEX("from", m->from), LOG_HEX("to", m->to),
		LOG_STR("rights", m->rights), LOG_I64("key", m->key),
		LOG_I64("should_be", want));
	abort();
}

static void audit_key(const char *what, int want)
{
	if (audit.keys && audit.map.key != want)
		audit_fail(what, want);
}

/* Isolates. ---------------------------------------------------------------- */

static const struct isolate *audit_slot_owner(enum arena_class c, size_t slot)
{
	struct runtime *rt = audit.rt;

	for (unsigned i = 0; i < rt->n_workers; i++) {
		const struct pool *p = &rt->workers[i].core->pool;
		const struct slots *s = &p->slots[c];

		if (slot - s->first < s->count)
			return &p->all[s->all + slot - s->first];
	}
	return NULL;
}

/* A program that was just put there, and is trusted memory until the tag. */
static bool audit_is_new(const struct isolate *iso)
{
	return iso->untagged && audit.map.key == PRIM_KEY_TRUSTED &&
	       audit.map.from >= (uint64_t)iso->base + isolate_image();
}

/* Of the mux's two tables each must say the same. */
static void audit_owner(const struct isolate *iso, int key)
{
	const struct domain_mux *mux = &audit.rt->core->mux;

	for (unsigned i = 0; i < mux->keys->n_isolate; i++)
		if ((mux->slot[i].key == key) !=
			(mux->slot[i].owner == &iso->domain))
			audit_fail("a key and its owner", key);
}

static void audit_domain_key(const struct isolate *iso)
{
	int key = domain_key(&iso->domain);

	if (!audit.keys || audit_is_new(iso))
		return;
	audit_owner(iso, key);
	audit_key("an isolate's key",
		key < 0 ? audit.rt->core->keys.parked : key);
}

/* The part of the domain that [from, to) touches, or NULL: it may be written
 * to. */
static const struct domain_part *audit_part(
	const struct domain *d, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < d->n_parts; i++) {
		uint64_t at = (uint64_t)d->base +
			      (uint64_t)d->parts[i].at * DOMAIN_PAGE;
		uint64_t end = at + (uint64_t)d->parts[i].pages * DOMAIN_PAGE;

		if (from >= end || to <= at)
			continue;
		if (from < at || to > end)
			audit_fail("read-only pages and others", -1);
		return &d->parts[i];
	}
	return NULL;
}

static void audit_rights(const struct isolate *iso)
{
	const struct audit_map *m = &audit.map;
	const struct domain_part *p = audit_part(&iso->domain, m->from, m->to);
	const char *want = !p ? "rw-p" : p->code ? "r-xp" : "r--p";

	if (strcmp(m->rights, want) != 0)
		audit_fail(p ? "rights of read-only pages" : "rights", -1);
}

/* Something accessible in the arena. */
static void audit_inside(enum arena_class c, uint64_t arena)
{
	const struct audit_map *m = &audit.map;
	size_t slot = (m->from - arena) / arena_slot_bytes(c);
	const struct isolate *iso = audit_slot_owner(c, slot);

	if (!iso || iso->mapped == 0 || domain_dead(&iso->domain))
		audit_fail("memory of no isolate", -1);
	if (m->from < (uint64_t)iso->base + ISOLATE_GUARD ||
		m->to > (uint64_t)iso->base + iso->mapped)
		audit_fail("memory beyond an isolate's", -1);
	audit.inside += m->to - m->from;
	audit_domain_key(iso);
	audit_rights(iso);
}

/* What should be accessible in the arena. */
static uint64_t audit_mapped(void)
{
	struct runtime *rt = audit.rt;
	uint64_t sum = 0;

	for (unsigned i = 0; i < rt->n_workers; i++) {
		const struct pool *p = &rt->workers[i].core->pool;

		for (size_t j = 0; j < p->count; j++)
			if (p->all[j].mapped > 0 &&
				!domain_dead(&p->all[j].domain))
				sum += p->all[j].mapped - ISOLATE_GUARD;
	}
	return sum;
}

/* Everything else. --------------------------------------------------------- */

/* Trusted memory, or what isolates read. */
static void audit_outside(void)
{
	const struct audit_map *m = &audit.map;
	uint64_t shared = 0;

	for (size_t i = 0; i < audit.n_fixed; i++) {
		const struct audit_range *r = &audit.fixed[i];
		uint64_t from = m->from > r->from ? m->from : r->from;
		uint64_t to = m->to < r->to ? m->to : r->to;

		if (from < to)
			shared += to - from;
	}
	if (shared != 0 && shared != m->to - m->from)
		audit_fail("shared memory and other", -1);
	audit_key(shared ? "shared memory" : "trusted memory",
		shared ? audit.rt->core->keys.shared : PRIM_KEY_TRUSTED);
}

/* Reserved address space may keep key P of what was there. */
static bool audit_is_void(bool in_arena)
{
	return strncmp(audit.map.rights, "---", 3) == 0 &&
	       (audit.map.key == 0 ||
		       (in_arena &&
			       audit.map.key == audit.rt->core->keys.parked));
}

static void audit_map(void)
{
	const struct arena *a = &audit.rt->core->arena;
	const struct audit_map *m = &audit.map;

	audit.maps++;
	audit.open = false;
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++) {
		uint64_t from = (uint64_t)a->base[c];
		uint64_t to = from + a->count[c] * arena_slot_bytes(c);

		if (m->from >= to || m->to <= from)
			continue;
		if (audit_is_void(true))
			return;
		if (m->from < from || m->to > to)
			audit_fail("memory across the arena's end", -1);
		audit_inside(c, from);
		return;
	}
	if (!audit_is_void(false))
		audit_outside();
}

/* The kernel's text. ------------------------------------------------------- */

/* "7f0000000000-7f0000001000 rw-p ..." */
static void audit_head(const char *line)
{
	struct audit_map *m = &audit.map;
	char *end;

	m->key = 0;
	m->from = strtoull(line, &end, 16);
	m->to = strtoull(end + 1, &end, 16);
	(void)memcpy(m->rights, end + 1, RIGHTS);
	audit.open = true;
}

/* Fields have names that begin with a capital, mappings hexadecimal digits. */
static void audit_line(const char *line)
{
	static const char key[] = "ProtectionKey:";

	if (line[0] < 'A' || line[0] > 'Z') {
		if (audit.open)
			audit_fail("no key is told", -1);
		audit_head(line);
		if (!audit.keys)
			audit_map();
	} else if (strncmp(line, key, sizeof(key) - 1) == 0) {
		audit.map.key = (int)strtol(line + sizeof(key) - 1, NULL, 10);
		audit_map();
	}
}

/* All complete lines of the text; returns how many bytes that were. */
static size_t audit_lines(size_t len)
{
	size_t done = 0;
	char *end;

	while ((end = memchr(audit.text + done, '\n', len - done))) {
		*end = '\0';
		audit_line(audit.text + done);
		done = (size_t)(end + 1 - audit.text);
	}
	return done;
}

static void audit_read(void)
{
	size_t have = 0, done;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(audit.fd, audit.text + have, TEXT_BYTES - have,
			at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			audit_fail("the kernel does not tell", -1);
		at += n;
		have += (size_t)n;
		done = audit_lines(have);
		have -= done;
		(void)memmove(audit.text, audit.text + done, have);
	}
}

/* -------------------------------------------------------------------------- */

static void audit_fix(const void *at, size_t len)
{
	audit.fixed[audit.n_fixed++] = (struct audit_range){
		.from = (uint64_t)at, .to = (uint64_t)at + len};
}

int audit_init(struct runtime *rt)
{
	const char *file =
		rt->hardware ? "/proc/self/smaps" : "/proc/self/maps";
	struct image image;

	audit.rt = rt;
	audit.keys = rt->hardware;
	audit.n_fixed = 0;
	audit.fd = open(file, O_RDONLY | O_CLOEXEC);
	if (audit.fd < 0)
		return err_errno();
	if (!audit.keys)
		return 0;
	if (image_read(&image) < 0)
		return -ENOTSUP;
	for (size_t i = 0; i < image.n_shared; i++)
		audit_fix(image.shared[i].addr, image.shared[i].len);
	audit_fix(rt->core->gate.pages,
		(size_t)GATE_MAX_THREADS * GATE_PAGE_SIZE);
	return 0;
}

void audit_step(const char *step, const struct isolate *iso)
{
	audit.step = step;
	audit.iso = iso;
	audit.maps = audit.inside = 0;
	audit.open = false;
	audit_read();
	if (audit.open || audit.maps == 0)
		audit_fail("no key is told", -1);
	if (audit.inside != audit_mapped())
		audit_fail("isolates without their memory", -1);
}
