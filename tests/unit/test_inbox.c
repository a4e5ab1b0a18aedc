/* The inbox and the doorbell, with threads. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/doorbell.h"
#include "util/inbox.h"

struct item {
	struct msg msg;
	unsigned from;
	unsigned number;
};

static unsigned ran;

static void run_item(struct msg *msg)
{
	(void)msg;
	ran++;
}

Test(inbox, fifo_and_wake_flag)
{
	struct inbox in;
	struct msg m[3] = {
		{.run = run_item}, {.run = run_item}, {.run = run_item}};
	struct msg *chain;

	inbox_init(&in);
	cr_assert_null(inbox_take(&in));
	cr_assert(inbox_empty(&in));
	cr_assert(inbox_push(&in, &m[0]));
	cr_assert_not(inbox_push(&in, &m[1]));
	cr_assert_not(inbox_push(&in, &m[2]));
	cr_assert_not(inbox_empty(&in));
	chain = inbox_take(&in);
	cr_assert_eq(chain, &m[0]);
	cr_assert_eq(chain->next, &m[1]);
	cr_assert_eq(chain->next->next, &m[2]);
	cr_assert_null(m[2].next);
	cr_assert(inbox_push(&in, &m[0]));
	cr_assert_eq(msg_run_all(inbox_take(&in)), 1);
	cr_assert_eq(ran, 1);
}

enum {
	SENDERS = 4,
	EACH = 50000
};

static struct inbox shared;
static struct doorbell bell;

static void *sender(void *arg)
{
	struct item *items = arg;

	for (unsigned i = 0; i < EACH; i++) {
		items[i].number = i;
		if (inbox_push(&shared, &items[i].msg))
			doorbell_ring(&bell);
		if (i % 1024 == 0)
			sched_yield();
	}
	return NULL;
}

/* Each sender's messages come in its order, all of them, and no ring is lost:
 * a lost one would stop this test for ever (its timeout says so). */
Test(inbox, many_senders_lose_nothing, .timeout = 60)
{
	static struct item items[SENDERS][EACH];
	unsigned next[SENDERS] = {0}, got = 0;
	pthread_t t[SENDERS];

	inbox_init(&shared);
	doorbell_init(&bell);
	for (unsigned s = 0; s < SENDERS; s++) {
		for (unsigned i = 0; i < EACH; i++)
			items[s][i].from = s;
		cr_assert_eq(pthread_create(&t[s], NULL, sender, items[s]), 0);
	}
	while (got < SENDERS * EACH) {
		uint32_t seen = doorbell_seen(&bell);
		struct msg *m = inbox_take(&shared);

		if (!m) {
			doorbell_wait(&bell, seen, DOORBELL_FOREVER);
			continue;
		}
		for (; m; m = m->next, got++) {
			struct item *it = (struct item *)m;

			cr_assert_eq(it->number, next[it->from]);
			next[it->from]++;
		}
	}
	for (unsigned s = 0; s < SENDERS; s++)
		pthread_join(t[s], NULL);
	cr_assert_null(inbox_take(&shared));
}

Test(doorbell, a_ring_before_the_wait_is_not_lost)
{
	struct doorbell db;
	uint32_t seen;

	doorbell_init(&db);
	seen = doorbell_seen(&db);
	doorbell_ring(&db);
	doorbell_wait(&db, seen, DOORBELL_FOREVER);
	cr_assert_neq(doorbell_seen(&db), seen);
}

Test(doorbell, times_out)
{
	struct doorbell db;
	uint64_t t;

	clock_init();
	doorbell_init(&db);
	t = clock_now();
	doorbell_wait(&db, doorbell_seen(&db), 20 * CLOCK_MS);
	t = clock_now() - t;
	cr_assert_geq(t, 20 * CLOCK_MS);
	cr_assert_lt(t, 10 * CLOCK_S);
}

static struct doorbell ping, pong;
enum {
	ROUNDS = 20000
};

static void *ponger(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		while (doorbell_seen(&ping) == i)
			doorbell_wait(&ping, i, DOORBELL_FOREVER);
		doorbell_ring(&pong);
	}
	return NULL;
}

Test(doorbell, ping_pong, .timeout = 60)
{
	pthread_t t;

	doorbell_init(&ping);
	doorbell_init(&pong);
	cr_assert_eq(pthread_create(&t, NULL, ponger, NULL), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		doorbell_ring(&ping);
		while (doorbell_seen(&pong) == i)
			doorbell_wait(&pong, i, DOORBELL_FOREVER);
	}
	pthread_join(t, NULL);
	cr_assert_eq(atomic_load(&ping.sleepers), 0);
}
