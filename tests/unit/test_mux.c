/*
 * The multiplexer against a model that says in plain words what domain.h
 * promises, by random operations in great number; and its policies one by one.
 * The prim is a fake that notes tags, and fails at times.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_prim.h"
#include "pkey/mux.h"

enum {
	N = 30,
	PAGES = 4,
	PINS = 3,
	STEPS = 1000000,
};

static struct keys keys;
static struct domain_mux mux;
static struct domain dom[N];

/* What a domain should be. */
struct ref {
	bool exists;
	bool dead;
	bool parts; /* page 1 is code, page 2 is constant */
	int key;    /* -1: parked */
	unsigned pins;
	uint64_t used;
};

static struct model {
	struct ref of[N];
	unsigned line[N]; /* who waits, in order */
	unsigned n_line;
	uint64_t now;
	uint64_t random;
	unsigned seed, step; /* for the reader of a failure */
	bool failing;	     /* tags fail now and then */
	bool lru;	     /* victims are known */
} m;

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			cr_assert_fail("seed %u, step %u: %s", m.seed, m.step, \
				#condition);                                   \
	} while (0)

static unsigned draw(unsigned below)
{
	m.random = m.random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m.random >> 33) % below;
}

static char *page_of(unsigned i)
{
	return fake_prim.base + (size_t)i * PAGES * FAKE_PAGE;
}

static void start(unsigned n_keys, enum mux_kind kind, unsigned seed)
{
	fake_prim_reset((size_t)N * PAGES);
	fake_prim.free_keys = ((1u << (n_keys + 2)) - 1) << 1;
	cr_assert_eq(keys_init(&keys, &prim_fake), 0);
	domain_mux_init(&mux, &keys);
	mux_set_policy(&mux, &mux_policies[kind], seed);
	memset(dom, 0, sizeof(dom));
	memset(&m, 0, sizeof(m));
	m.seed = seed;
	m.random = seed;
	m.lru = kind == MUX_LRU;
}

/* The model. --------------------------------------------------------------- */

static struct ref *holder(int key)
{
	for (unsigned i = 0; i < N; i++)
		if (m.of[i].exists && m.of[i].key == key)
			return &m.of[i];
	return NULL;
}

static bool key_free(void)
{
	for (unsigned i = 0; i < keys.n_isolate; i++)
		if (!holder(keys.isolate[i]))
			return true;
	return false;
}

static const struct ref *oldest_idle(void)
{
	const struct ref *best = NULL;

	for (unsigned i = 0; i < N; i++) {
		const struct ref *r = &m.of[i];

		if (r->exists && r->key >= 0 && r->pins == 0 &&
			(!best || r->used < best->used))
			best = r;
	}
	return best;
}

static bool waits(unsigned i)
{
	for (unsigned k = 0; k < m.n_line; k++)
		if (m.line[k] == i)
			return true;
	return false;
}

static void line_leave(unsigned i)
{
	unsigned n = 0;

	for (unsigned k = 0; k < m.n_line; k++)
		if (m.line[k] != i)
			m.line[n++] = m.line[k];
	m.n_line = n;
}

static bool leaving(unsigned i)
{
	return mux.leaver && mux.leaver->owner == &dom[i];
}

/* Checks. ------------------------------------------------------------------ */

static void check_pages(unsigned i)
{
	static const int parted[PAGES] = {PROT_READ | PROT_WRITE,
		PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE};
	const struct ref *r = &m.of[i];
	int key = r->key < 0 ? keys.parked : r->key;

	for (unsigned k = 0; k < PAGES; k++) {
		size_t at = (size_t)i * PAGES + k;

		MUST(fake_prim.tag[at] == key);
		MUST(fake_prim.prot[at] == parted[r->parts ? k : 0]);
	}
}

static void check_table(void)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < N; i++)
		if (m.of[i].exists && m.of[i].key >= 0) {
			MUST(!(seen & (1u << m.of[i].key)));
			seen |= 1u << m.of[i].key;
		}
	for (unsigned i = 0; i < keys.n_isolate; i++) {
		const struct domain *o = mux.slot[i].owner;

		MUST(mux.slot[i].key == keys.isolate[i]);
		MUST(!o == !(seen & (1u << keys.isolate[i])));
		MUST(!o || m.of[o - dom].key == keys.isolate[i]);
	}
}

static void check_all(void)
{
	for (unsigned i = 0; i < N; i++) {
		if (!m.of[i].exists)
			continue;
		MUST(domain_dead(&dom[i]) == m.of[i].dead);
		MUST(domain_key(&dom[i]) == m.of[i].key);
		MUST(dom[i].waits == waits(i));
		if (!m.of[i].dead)
			check_pages(i);
	}
	check_table();
	/* Nobody is asked to leave for nothing; somebody is told of an unpin
	 * as long as there is a line. */
	MUST(!mux.leaver || m.n_line > 0);
	MUST(m.n_line == 0 || atomic_load(&mux.wanted));
}

/* Operations. -------------------------------------------------------------- */

static void do_init(unsigned i)
{
	int r = domain_init(
		&dom[i], &keys, page_of(i), (size_t)PAGES * FAKE_PAGE);

	MUST(r == 0 || fake_prim.fail_in < 0);
	m.of[i] = (struct ref){.exists = r == 0, .key = -1};
}

/* Whom a failed tag killed: `mine`, or one that had just lost its key. */
static void see_killed(unsigned mine)
{
	for (unsigned i = 0; i < N; i++) {
		struct ref *r = &m.of[i];

		if (!r->exists || r->dead || !domain_dead(&dom[i]))
			continue;
		MUST(m.failing && r->pins == 0);
		MUST(i == mine || r->key >= 0);
		r->dead = true;
		r->key = -1;
		line_leave(i);
	}
}

/* Who lost its key to a bind: one at most, and it was idle. */
static void see_evicted(bool was_free)
{
	const struct ref *oldest = oldest_idle();
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++) {
		struct ref *r = &m.of[i];

		if (!r->exists || r->key < 0 || domain_key(&dom[i]) >= 0)
			continue;
		MUST(r->pins == 0 && !was_free && n++ == 0);
		MUST(!m.lru || m.n_line > 0 || r == oldest);
		r->key = -1;
		if (domain_dead(&dom[i])) {
			MUST(m.failing);
			r->dead = true;
			line_leave(i);
		}
	}
}

static void bind_parked(unsigned i)
{
	bool was_free = key_free();
	bool possible = was_free || oldest_idle();
	bool next = m.n_line == 0 || m.line[0] == i;
	int r = domain_bind(&mux, &dom[i]);

	if (!next || !possible) {
		MUST(r == DOMAIN_E_BUSY);
		if (!waits(i))
			m.line[m.n_line++] = i;
		return;
	}
	MUST(r == 0 || (r < 0 && m.failing));
	see_evicted(was_free);
	see_killed(i);
	if (r < 0) {
		MUST(m.of[i].dead);
		return;
	}
	m.of[i].key = domain_key(&dom[i]);
	m.of[i].pins = 1;
	line_leave(i);
}

static void do_bind(unsigned i)
{
	struct ref *r = &m.of[i];

	if (r->dead) {
		MUST(domain_bind(&mux, &dom[i]) == -EIO);
	} else if (r->key < 0) {
		bind_parked(i);
	} else if (r->pins > 0 || !leaving(i) || m.line[0] == i) {
		if (r->pins == PINS)
			return;
		MUST(domain_bind(&mux, &dom[i]) == 0);
		r->pins++;
		line_leave(i);
	} else {
		MUST(domain_bind(&mux, &dom[i]) == DOMAIN_E_BUSY);
		if (!waits(i))
			m.line[m.n_line++] = i;
	}
}

static void do_pin(unsigned i)
{
	struct ref *r = &m.of[i];
	int key = r->pins == 0 && leaving(i) ? -1 : r->key;

	if (r->pins == PINS)
		return;
	MUST(domain_pin(&dom[i]) == key);
	r->pins += key >= 0;
}

static void do_unpin(unsigned i)
{
	bool wanted = atomic_load(&mux.wanted);

	if (m.of[i].pins == 0)
		return;
	MUST(domain_unpin(&mux, &dom[i], ++m.now) == wanted);
	m.of[i].pins--;
	m.of[i].used = m.now;
}

static void do_release(unsigned i)
{
	struct ref *r = &m.of[i];
	int result;

	if (r->pins)
		return;
	result = domain_release(&mux, &dom[i]);
	MUST(result == 0 || (m.failing && r->key >= 0));
	line_leave(i);
	r->used = 0;
	r->key = -1;
	r->dead = r->dead || result < 0;
}

static void do_forget(unsigned i)
{
	if (m.of[i].pins)
		return;
	domain_forget(&mux, &dom[i]);
	line_leave(i);
	m.of[i].exists = false;
}

/* As a slot is made ready for a function: parts, then all of it parked. */
static void do_parts(unsigned i)
{
	static const struct domain_part parts[] = {
		{.at = 1, .pages = 1, .code = true}, {.at = 2, .pages = 1}};
	struct ref *r = &m.of[i];

	if (r->key >= 0 || r->dead)
		return;
	r->parts = !r->parts;
	domain_set_parts(&dom[i], parts, r->parts ? 2 : 0);
	if (domain_park(&mux, &dom[i]) < 0)
		see_killed(i);
}

/* As the keeper does when it is woken: until the first who has to wait on. At
 * times all are asked: those behind it may not be served either. */
static void do_retry(void)
{
	unsigned line[N], n = m.n_line;
	bool all = draw(4) == 0;

	atomic_store(&mux.wanted, false);
	memcpy(line, m.line, sizeof(line));
	for (unsigned k = 0; k < n; k++) {
		if (waits(line[k]))
			do_bind(line[k]);
		if (!all && waits(line[k]))
			return;
	}
}

static void step(unsigned i)
{
	unsigned what = draw(100);

	if (m.failing && draw(8) == 0)
		fake_prim.fail_in = (long)draw(12);
	if (!m.of[i].exists || (m.of[i].dead && what < 30))
		do_init(i);
	else if (what < 25)
		do_bind(i);
	else if (what < 45)
		do_pin(i);
	else if (what < 85)
		do_unpin(i);
	else if (what < 88)
		do_release(i);
	else if (what < 90)
		do_forget(i);
	else if (what < 93)
		do_parts(i);
	else
		do_retry();
	fake_prim.fail_in = -1;
}

static void play(unsigned n_keys, enum mux_kind kind, bool failing)
{
	start(n_keys, kind, 1000 * n_keys + 10 * kind + failing);
	m.failing = failing;
	for (; m.step < STEPS; m.step++) {
		step(draw(N));
		check_all();
	}
	MUST(atomic_load(&mux.evictions) > STEPS / 1000);
	MUST(atomic_load(&mux.waits) > STEPS / 1000);
	MUST(failing == (atomic_load(&mux.killed) > 100));
}

static void play_kind(enum mux_kind kind)
{
	play(13, kind, false);
	play(13, kind, true);
	play(2, kind, true);
}

Test(mux, model_lru)
{
	play_kind(MUX_LRU);
}

Test(mux, model_round_robin)
{
	play_kind(MUX_ROUND_ROBIN);
}

Test(mux, model_random)
{
	play_kind(MUX_RANDOM);
}

Test(mux, model_interval)
{
	play_kind(MUX_INTERVAL);
}

/* Policies. ---------------------------------------------------------------- */

/* One use of i, which may need a key. */
static void use(unsigned i)
{
	if (domain_pin(&dom[i]) < 0)
		cr_assert_eq(domain_bind(&mux, &dom[i]), 0);
	(void)domain_unpin(&mux, &dom[i], m.now += 10);
}

static bool resident(unsigned i)
{
	return domain_key(&dom[i]) >= 0;
}

static void start_parked(unsigned n_keys, enum mux_kind kind)
{
	start(n_keys, kind, 7);
	for (unsigned i = 0; i < N; i++)
		do_init(i);
}

Test(mux, lru_takes_the_least_recent)
{
	start_parked(3, MUX_LRU);
	use(0);
	use(1);
	use(2);
	use(0);
	use(3);
	cr_assert(resident(0) && !resident(1) && resident(2));
	use(1);
	cr_assert(resident(0) && !resident(2) && resident(3));
}

/* The configuration has the same list. */
Test(mux, names)
{
	static const char *const names[MUX_KINDS] = {
		"lru", "round-robin", "random", "interval"};

	for (enum mux_kind kind = 0; kind < MUX_KINDS; kind++)
		cr_assert_str_eq(mux_policies[kind].name, names[kind]);
}

Test(mux, round_robin_goes_round)
{
	start_parked(3, MUX_ROUND_ROBIN);
	for (unsigned i = 0; i < 3; i++)
		use(i);
	for (unsigned i = 3; i < 9; i++) {
		unsigned victim = i - 3;

		use(victim); /* does not help it */
		use(i);
		cr_assert_not(resident(victim));
	}
}

Test(mux, round_robin_skips_the_pinned)
{
	start_parked(3, MUX_ROUND_ROBIN);
	for (unsigned i = 0; i < 3; i++)
		use(i);
	cr_assert_geq(domain_pin(&dom[0]), 0);
	use(3);
	cr_assert(resident(0) && !resident(1) && resident(2));
	use(4);
	cr_assert(resident(0) && resident(3) && !resident(2));
}

static unsigned random_victims(unsigned seed)
{
	unsigned lost = 0;

	start_parked(13, MUX_RANDOM);
	mux_set_policy(&mux, &mux_policies[MUX_RANDOM], seed);
	for (unsigned i = 0; i < 13 + 6; i++)
		use(i);
	for (unsigned i = 0; i < 13; i++)
		lost |= resident(i) ? 0 : 1u << i;
	return lost;
}

Test(mux, random_is_by_seed)
{
	unsigned all = 0;

	cr_assert_eq(random_victims(5), random_victims(5));
	for (unsigned seed = 0; seed < 64; seed++)
		all |= random_victims(seed);
	cr_assert_eq(all, 0x1fffu, "each may be the one");
}

/* One that is used again and again keeps its key though others, each used
 * once, came later. LRU would take it. */
Test(mux, interval_keeps_the_frequent)
{
	start_parked(3, MUX_INTERVAL);
	use(0);
	use(0);
	use(0);
	for (unsigned i = 1; i < N; i++) {
		use(i);
		cr_assert(resident(0));
	}
}

Test(mux, interval_remembers_the_parked)
{
	start_parked(2, MUX_INTERVAL);
	use(0);
	use(0);
	cr_assert_eq(domain_bind(&mux, &dom[1]), 0);
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	cr_assert_not(resident(0));
	(void)domain_unpin(&mux, &dom[1], ++m.now);
	(void)domain_unpin(&mux, &dom[2], ++m.now);
	use(0);
	use(3);
	cr_assert(resident(0));
}

Test(mux, interval_forgets_who_comes_no_more)
{
	start_parked(2, MUX_INTERVAL);
	for (unsigned i = 0; i < 5; i++)
		use(0);
	for (unsigned i = 0; i < 20; i++)
		use(1 + i % 2);
	cr_assert_not(resident(0));
}

/* A slot that serves another function begins without a past. */
Test(mux, interval_begins_anew_after_a_release)
{
	start_parked(2, MUX_INTERVAL);
	for (unsigned i = 0; i < 5; i++)
		use(0);
	cr_assert_eq(domain_release(&mux, &dom[0]), 0);
	use(0);
	use(1);
	use(1);
	use(2);
	cr_assert(!resident(0) && resident(1));
}
