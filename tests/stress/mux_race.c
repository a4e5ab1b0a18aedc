/*
 * The multiplexer raced, under ThreadSanitizer: workers that pin and unpin, a
 * keeper that lends and takes keys, ends domains and has tags fail on it.
 *
 * The oracle is plain memory. While a worker has a pin on a domain it writes,
 * with no atomics, to a word of the domain and to one of the key it was given,
 * and it reads the tags that the keeper wrote as plainly. So a key that is in
 * use by two, or moves while it is in use, is a data race to the sanitizer; and
 * the words are compared besides. A wake-up that gets lost is a hang, which the
 * alarm ends.
 *
 * usage: mux_race USES [SEED]     uses per worker
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "pkey/mux.h"
#include "tests/stress/tap.h"

enum {
	WORKERS = 4,
	OF_EACH = 6,
	DOMAINS = WORKERS * OF_EACH,
	PAGES = 2,
	SPIN = 20,
	FAIL_ONE_IN = 500,
	END_ONE_IN = 64,
	HANG_S = 120,
};

/* Whose turn it is with a domain. */
enum turn {
	MINE,	 /* the worker's; parked or not */
	BIND,	 /* keeper: bind it */
	END,	 /* keeper: release it */
	GRANTED, /* the worker's, with a pin */
	DEAD,	 /* the worker's: a tag failed */
};

struct raced {
	struct domain domain;
	_Atomic int turn;
	int tag[PAGES];	    /* by the keeper */
	unsigned long uses; /* by whoever has a pin */
	bool waits;	    /* keeper */
};

static struct race {
	struct keys keys;
	struct domain_mux mux;
	struct raced of[DOMAINS];
	const struct raced *holder[PRIM_KEYS];
	char *memory;
	unsigned n_keys, n_taken;
	unsigned long uses; /* per worker */
	uint64_t seed;
	uint64_t random; /* keeper */
	struct raced *line[DOMAINS];
	unsigned n_line;
	_Atomic unsigned long bell;
	_Atomic unsigned wrong, done;
	unsigned long deaths;
} race;

static unsigned draw(uint64_t *random, unsigned below)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*random >> 33) % below;
}

/* The prim. ---------------------------------------------------------------- */

static int race_key_alloc(bool open)
{
	(void)open;
	return race.n_taken < race.n_keys + 2 ? (int)++race.n_taken : -ENOSPC;
}

static int race_tag(void *addr, size_t len, int prot, int key)
{
	size_t at = (size_t)((char *)addr - race.memory) / DOMAIN_PAGE;

	(void)prot;
	if (race.random && draw(&race.random, FAIL_ONE_IN) == 0)
		return -ENOMEM;
	for (size_t i = 0; i < len / DOMAIN_PAGE; i++)
		race.of[(at + i) / PAGES].tag[(at + i) % PAGES] = key;
	return 0;
}

static const struct prim prim_race = {
	.name = "race",
	.hardware = true,
	.key_alloc = race_key_alloc,
	.tag = race_tag,
};

/* Workers. ----------------------------------------------------------------- */

static void expect(bool good)
{
	if (!good)
		atomic_fetch_add(&race.wrong, 1);
}

static void use(struct raced *r, int key)
{
	unsigned long before = r->uses++;

	expect(key == domain_key(&r->domain));
	race.holder[key] = r;
	for (unsigned i = 0; i < SPIN; i++) {
		expect(r->tag[i % PAGES] == key);
		if (i == SPIN / 2)
			(void)sched_yield();
	}
	expect(race.holder[key] == r && r->uses == before + 1);
}

static void ring(void)
{
	atomic_fetch_add(&race.bell, 1);
}

static void ask(struct raced *r, enum turn turn)
{
	atomic_store(&r->turn, turn);
	ring();
}

static void let_go(struct raced *r, uint64_t now)
{
	if (domain_unpin(&race.mux, &r->domain, now))
		ring();
}

/* True: it was used. */
static bool turn(struct raced *r, uint64_t *random, uint64_t now)
{
	int key;

	switch ((enum turn)atomic_load(&r->turn)) {
	case GRANTED:
		atomic_store(&r->turn, MINE);
		use(r, domain_key(&r->domain));
		let_go(r, now);
		return true;
	case DEAD:
		ask(r, END);
		return false;
	case MINE:
		if (draw(random, END_ONE_IN) == 0) {
			ask(r, END);
			return false;
		}
		key = domain_pin(&r->domain);
		if (key < 0) {
			ask(r, BIND);
			return false;
		}
		use(r, key);
		let_go(r, now);
		return true;
	default:
		return false;
	}
}

/* What a worker was granted and will not use must not block the others. True:
 * nothing is under way. */
static bool settled(unsigned first, uint64_t now)
{
	bool good = true;

	for (unsigned i = first; i < first + OF_EACH; i++) {
		struct raced *r = &race.of[i];
		int t = atomic_load(&r->turn);

		if (t == GRANTED) {
			atomic_store(&r->turn, MINE);
			let_go(r, now);
		}
		good = good && t != BIND && t != END;
	}
	return good;
}

/* Some of its domains far more often than others, as functions are. */
static void *worker_main(void *arg)
{
	unsigned first = (unsigned)(size_t)arg * OF_EACH;
	uint64_t random = race.seed + first + 1;
	uint64_t now = 0;

	for (unsigned long n = 0; n < race.uses;) {
		unsigned i = draw(&random, OF_EACH);

		i = draw(&random, i + 1);
		if (turn(&race.of[first + i], &random, ++now))
			n++;
		else
			(void)sched_yield();
	}
	while (!settled(first, ++now))
		(void)sched_yield();
	atomic_fetch_add(&race.done, 1);
	ring();
	return NULL;
}

/* The keeper, which goes about it as core/keeper.c does. ------------------- */

/* False: it goes on waiting. */
static bool keep_bind(struct raced *r)
{
	int result = domain_bind(&race.mux, &r->domain);

	r->waits = result == DOMAIN_E_BUSY;
	if (r->waits)
		return false;
	race.deaths += result < 0;
	atomic_store(&r->turn, result == 0 ? GRANTED : DEAD);
	return true;
}

static void keep_end(struct raced *r)
{
	size_t i = (size_t)(r - race.of);

	if (domain_release(&race.mux, &r->domain) < 0 ||
		domain_dead(&r->domain)) {
		uint64_t random = race.random;

		race.random = 0;
		CHECK(domain_init(&r->domain, &race.keys,
			      race.memory + i * PAGES * DOMAIN_PAGE,
			      (size_t)PAGES * DOMAIN_PAGE) == 0);
		race.random = random;
	}
	atomic_store(&r->turn, MINE);
}

static void keep_errands(void)
{
	for (unsigned i = 0; i < DOMAINS; i++) {
		struct raced *r = &race.of[i];

		if (atomic_load(&r->turn) == BIND && !r->waits && !keep_bind(r))
			race.line[race.n_line++] = r;
		else if (atomic_load(&r->turn) == END)
			keep_end(r);
	}
}

static void keep_line(void)
{
	unsigned served = 0;

	if (!atomic_exchange(&race.mux.wanted, false))
		return;
	while (served < race.n_line && keep_bind(race.line[served]))
		served++;
	race.n_line -= served;
	memmove(race.line, race.line + served,
		race.n_line * sizeof(*race.line));
}

static void *keeper_main(void *arg)
{
	unsigned long heard = 0;

	(void)arg;
	while (atomic_load(&race.done) < WORKERS) {
		unsigned long bell = atomic_load(&race.bell);

		/* Asleep until somebody rings. */
		if (bell == heard) {
			(void)sched_yield();
			continue;
		}
		heard = bell;
		keep_errands();
		keep_line();
	}
	return NULL;
}

/* Life. -------------------------------------------------------------------- */

static void race_init(unsigned n_keys, enum mux_kind kind)
{
	size_t len = (size_t)DOMAINS * PAGES * DOMAIN_PAGE;

	race = (struct race){
		.n_keys = n_keys, .uses = race.uses, .seed = race.seed};
	race.memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(race.memory != MAP_FAILED);
	CHECK(keys_init(&race.keys, &prim_race) == 0);
	CHECK(race.keys.n_isolate == n_keys);
	domain_mux_init(&race.mux, &race.keys);
	mux_set_policy(&race.mux, &mux_policies[kind], race.seed);
	for (size_t i = 0; i < DOMAINS; i++)
		CHECK(domain_init(&race.of[i].domain, &race.keys,
			      race.memory + i * PAGES * DOMAIN_PAGE,
			      (size_t)PAGES * DOMAIN_PAGE) == 0);
	race.random = race.seed + 99;
}

static void race_run(unsigned n_keys, enum mux_kind kind)
{
	pthread_t thread[WORKERS + 1];
	unsigned long used = 0;

	race_init(n_keys, kind);
	(void)alarm(HANG_S);
	CHECK(pthread_create(&thread[WORKERS], NULL, keeper_main, NULL) == 0);
	for (size_t i = 0; i < WORKERS; i++)
		CHECK(pthread_create(
			      &thread[i], NULL, worker_main, (void *)i) == 0);
	for (unsigned i = 0; i <= WORKERS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	for (unsigned i = 0; i < DOMAINS; i++)
		used += race.of[i].uses;
	tap_say("%u keys, %s: %lu uses, %lu evictions, %lu waits, %lu deaths",
		n_keys, mux_policies[kind].name, used,
		(unsigned long)race.mux.evictions,
		(unsigned long)race.mux.waits, race.deaths);
	tap_ok(race.wrong == 0 && used >= WORKERS * race.uses &&
			race.mux.evictions > 0,
		"%u keys, %s", n_keys, mux_policies[kind].name);
	(void)munmap(race.memory, (size_t)DOMAINS * PAGES * DOMAIN_PAGE);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	race.uses = strtoul(argv[1], NULL, 10);
	race.seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	tap_say("seed %lu", (unsigned long)race.seed);
	for (enum mux_kind kind = 0; kind < MUX_KINDS; kind++) {
		race_run(2, kind);
		race_run(13, kind);
	}
	return tap_plan();
}
