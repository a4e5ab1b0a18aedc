/* The map, SipHash and reclamation. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/map.h"

static const struct siphash_key key = {1, 2};

Test(siphash, published_vectors)
{
	struct siphash_key k = {
		UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char in[15];

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	cr_assert_eq(siphash(k, in, 15), UINT64_C(0xa129ca6149be45e5));
	cr_assert_eq(siphash(k, in, 0), UINT64_C(0x726fdb47dd0e0e31));
}

Test(siphash, key_and_every_byte_matter)
{
	char in[24] = {0};
	uint64_t h = siphash(key, in, sizeof(in));

	cr_assert_neq(siphash((struct siphash_key){1, 3}, in, sizeof(in)), h);
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = 1;
		cr_assert_neq(siphash(key, in, sizeof(in)), h);
		in[i] = 0;
	}
	cr_assert_neq(siphash(key, in, sizeof(in) - 1), h);
}

Test(map, put_get_replace_delete)
{
	struct map m;
	int a, b;
	void *old = &m;

	cr_assert_eq(map_init(&m, key, NULL), 0);
	cr_assert_null(map_get(&m, "x", 1));
	cr_assert_eq(map_put(&m, "x", 1, &a, &old), 0);
	cr_assert_null(old);
	cr_assert_eq(map_get(&m, "x", 1), &a);
	cr_assert_eq(map_put(&m, "x", 1, &b, &old), 0);
	cr_assert_eq(old, &a);
	cr_assert_eq(m.count, 1);
	cr_assert_null(map_get(&m, "xy", 2));
	cr_assert_null(map_get(&m, "", 0));
	cr_assert_eq(map_put(&m, "", 0, &a, NULL), 0);
	cr_assert_eq(map_get(&m, "", 0), &a);
	cr_assert_eq(map_get(&m, "x\0y", 1), &b);
	cr_assert_eq(map_del(&m, "x", 1), &b);
	cr_assert_null(map_del(&m, "x", 1));
	cr_assert_null(map_get(&m, "x", 1));
	cr_assert_eq(m.count, 1);
	map_fini(&m);
}

static bool count_visit(void *arg, const char *k, size_t len, void *value)
{
	size_t *left = arg;

	cr_assert_eq(
		strtoul(k, NULL, 10), (uintptr_t)value, "%.*s", (int)len, k);
	return --*left > 0;
}

Test(map, many_keys_and_churn)
{
	enum {
		N = 20000
	};
	struct map m;
	char name[16];
	size_t left = 1u << 30;

	cr_assert_eq(map_init(&m, key, NULL), 0);
	for (int round = 0; round < 3; round++) {
		for (uintptr_t i = 1; i <= N; i++) {
			int n = snprintf(name, sizeof(name), "%lu ", i);

			cr_assert_eq(
				map_put(&m, name, (size_t)n, (void *)i, NULL),
				0);
		}
		cr_assert_eq(m.count, N);
		for (uintptr_t i = 1; i <= N; i += 2) {
			int n = snprintf(name, sizeof(name), "%lu ", i);

			cr_assert_eq(map_del(&m, name, (size_t)n), (void *)i);
		}
		for (uintptr_t i = 1; i <= N; i++) {
			int n = snprintf(name, sizeof(name), "%lu ", i);

			cr_assert_eq(map_get(&m, name, (size_t)n),
				i % 2 ? NULL : (void *)i);
		}
	}
	map_each(&m, count_visit, &left);
	cr_assert_eq((1u << 30) - left, N / 2);
	left = 10;
	map_each(&m, count_visit, &left);
	cr_assert_eq(left, 0);
	map_fini(&m);
}

/* Put and delete of one key for ever must not fill the table. */
Test(map, tombstones_are_swept)
{
	struct map m;
	int v;

	cr_assert_eq(map_init(&m, key, NULL), 0);
	for (int i = 0; i < 100000; i++) {
		cr_assert_eq(map_put(&m, "k", 1, &v, NULL), 0);
		cr_assert_eq(map_del(&m, "k", 1), &v);
	}
	cr_assert_null(map_get(&m, "other", 5));
	map_fini(&m);
}

static unsigned freed;

static void count_free(struct qsbr_node *node)
{
	(void)node;
	freed++;
}

Test(qsbr, waits_for_every_online_reader)
{
	struct qsbr q;
	struct qsbr_reader a, b;
	struct qsbr_node n[2];

	qsbr_init(&q);
	qsbr_register(&q, &a);
	qsbr_register(&q, &b);
	qsbr_online(&a);
	qsbr_retire(&q, &n[0], count_free);
	cr_assert_eq(qsbr_poll(&q), 1);
	qsbr_online(&b); /* came after: holds nothing of it */
	cr_assert_eq(qsbr_poll(&q), 1);
	qsbr_quiescent(&a);
	qsbr_retire(&q, &n[1], count_free);
	cr_assert_eq(qsbr_poll(&q), 1);
	cr_assert_eq(freed, 1);
	qsbr_quiescent(&b);
	cr_assert_eq(qsbr_poll(&q), 1);
	qsbr_offline(&a);
	cr_assert_eq(qsbr_poll(&q), 0);
	cr_assert_eq(freed, 2);
	qsbr_offline(&b);
	qsbr_fini(&q);
}

Test(qsbr, without_readers_frees_at_once)
{
	struct qsbr q;
	struct qsbr_node n;

	qsbr_init(&q);
	cr_assert_eq(qsbr_poll(&q), 0);
	qsbr_retire(&q, &n, count_free);
	cr_assert_eq(freed, 0);
	cr_assert_eq(qsbr_poll(&q), 0);
	cr_assert_eq(freed, 1);
	qsbr_fini(&q);
}

/* Readers look values up while the writer replaces, deletes and grows. A value
 * that was freed is poisoned first, so a reader that sees one fails. */
enum {
	READERS = 3,
	KEYS = 64,
	STEPS = 60000
};
#define ALIVE UINT64_C(0x600df00d600df00d)

struct value {
	struct qsbr_node reclaim;
	uint64_t magic;
};

static struct qsbr race_q;
static struct map race_map;
static _Atomic bool race_stop;
static _Atomic unsigned long race_hits, race_bad;

static void value_free(struct qsbr_node *node)
{
	struct value *v = (struct value *)node;

	v->magic = 0xdead;
	free(v);
}

static void *race_reader(void *arg)
{
	struct qsbr_reader *r = arg;
	unsigned seed = (unsigned)(uintptr_t)arg;

	qsbr_online(r);
	while (!atomic_load(&race_stop)) {
		for (int i = 0; i < 50; i++) {
			char name = (char)(rand_r(&seed) % KEYS);
			struct value *v = map_get(&race_map, &name, 1);

			if (!v)
				continue;
			atomic_fetch_add(&race_hits, 1);
			if (*(volatile uint64_t *)&v->magic != ALIVE)
				atomic_fetch_add(&race_bad, 1);
		}
		if (rand_r(&seed) % 8 == 0) {
			qsbr_offline(r);
			sched_yield();
			qsbr_online(r);
		} else {
			qsbr_quiescent(r);
		}
	}
	qsbr_offline(r);
	return NULL;
}

static void race_step(unsigned *seed)
{
	char name = (char)(rand_r(seed) % KEYS);
	void *old = NULL;

	if (rand_r(seed) % 3 == 0) {
		old = map_del(&race_map, &name, 1);
	} else {
		struct value *v = malloc(sizeof(*v));

		v->magic = ALIVE;
		cr_assert_eq(map_put(&race_map, &name, 1, v, &old), 0);
	}
	if (old)
		qsbr_retire(
			&race_q, &((struct value *)old)->reclaim, value_free);
	(void)qsbr_poll(&race_q);
}

Test(map, readers_race_the_writer, .timeout = 60)
{
	static struct qsbr_reader readers[READERS];
	pthread_t t[READERS];
	unsigned seed = 1;

	qsbr_init(&race_q);
	cr_assert_eq(map_init(&race_map, key, &race_q), 0);
	for (int i = 0; i < READERS; i++) {
		qsbr_register(&race_q, &readers[i]);
		cr_assert_eq(
			pthread_create(&t[i], NULL, race_reader, &readers[i]),
			0);
	}
	/* On a busy machine the readers may begin late. */
	for (int i = 0; i < STEPS || race_hits == 0; i++)
		race_step(&seed);
	atomic_store(&race_stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(race_bad, 0);
	cr_assert_gt(race_hits, 0);
	for (int i = 0; i < KEYS; i++) {
		char name = (char)i;

		free(map_del(&race_map, &name, 1));
	}
	qsbr_fini(&race_q);
	map_fini(&race_map);
}
