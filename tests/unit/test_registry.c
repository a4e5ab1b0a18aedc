/* Which functions exist. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry.h"

static struct inbox inbox;
static struct doorbell doorbell;
static struct qsbr qsbr;
static struct qsbr_reader reader;
static struct registry *reg;
static struct function *last_retired;
static unsigned n_retired;

static void retired(struct function *fn, void *arg)
{
	cr_assert_eq(arg, &n_retired);
	cr_assert(atomic_load(&fn->retired));
	last_retired = fn;
	n_retired++;
}

static void start(size_t max)
{
	inbox_init(&inbox);
	doorbell_init(&doorbell);
	function_home(&inbox, &doorbell, 1);
	qsbr_init(&qsbr);
	qsbr_register(&qsbr, &reader);
	reg = registry_new(&qsbr, max);
	cr_assert_not_null(reg);
	registry_on_retire(reg, retired, &n_retired);
}

/* How many functions were freed. */
static size_t freed(void)
{
	(void)qsbr_poll(&qsbr);
	return msg_run_all(inbox_take(&inbox));
}

static struct function *make(const char *name, const char *code)
{
	struct function_options opt = {
		.tenant = "t",
		.entry = "handler",
		.memory_bytes = 1 << 20,
	};

	snprintf(opt.name, sizeof(opt.name), "%s", name);
	return function_new(&opt, code, strlen(code), NULL);
}

static int publish(struct function *fn, bool want_replaced)
{
	bool replaced = !want_replaced;
	int r = registry_publish(reg, fn, &replaced);

	if (r == 0)
		cr_assert_eq(replaced, want_replaced);
	return r;
}

static struct function *find(const char *id)
{
	return registry_find(reg, id, strlen(id));
}

Test(registry, publish_and_find)
{
	struct function *fn;

	start(10);
	fn = make("a", "1");
	cr_assert_null(find("t/a"));
	cr_assert_eq(registry_next_version(reg, "t/a"), 1u);
	cr_assert_eq(publish(fn, false), 0);
	cr_assert_eq(find("t/a"), fn);
	cr_assert_null(find("t/"));
	cr_assert_null(find("t/ab"));
	cr_assert_null(registry_find(reg, "t/a", 2));
	cr_assert_eq(fn->version, 1u);
	cr_assert_eq(registry_next_version(reg, "t/a"), 2u);
	cr_assert_eq(registry_count(reg), 1u);
	reg = registry_free(reg);
	cr_assert_null(reg);
	cr_assert_eq(freed(), 1u);
}

Test(registry, replaced_one_goes_when_readers_moved_on)
{
	struct function *one, *two;

	start(10);
	one = make("a", "1");
	two = make("a", "2");
	cr_assert_eq(publish(one, false), 0);
	qsbr_online(&reader);
	cr_assert_eq(find("t/a"), one);
	cr_assert_eq(publish(two, true), 0);
	cr_assert_eq(two->version, 2u);
	cr_assert_eq(last_retired, one);
	cr_assert_eq(n_retired, 1u);
	cr_assert_not(atomic_load(&two->retired));
	cr_assert_eq(registry_count(reg), 1u);
	cr_assert_eq(freed(), 0u, "the reader may still look at it");
	cr_assert_str_eq(one->id, "t/a");
	qsbr_quiescent(&reader);
	cr_assert_eq(freed(), 1u);
	cr_assert_eq(find("t/a"), two, "and the map has its own key");
}

Test(registry, replaced_one_lives_as_long_as_its_calls)
{
	struct function *one;

	start(10);
	one = make("a", "1");
	(void)publish(one, false);
	function_get(one);
	(void)publish(make("a", "2"), true);
	cr_assert_eq(freed(), 0u);
	function_put(one);
	cr_assert_eq(freed(), 1u);
}

Test(registry, the_very_same_is_refused_and_let_go)
{
	struct function *one, *same;

	start(10);
	one = make("a", "1");
	same = make("a", "1");
	cr_assert_eq(publish(one, false), 0);
	cr_assert_eq(publish(same, true), REGISTRY_E_SAME);
	cr_assert_eq(find("t/a"), one);
	cr_assert_not(atomic_load(&one->retired));
	/* What its trial load left in the pools must go. */
	cr_assert_eq(last_retired, same);
	function_put(same);
	cr_assert_eq(freed(), 1u);
}

Test(registry, what_makes_a_difference)
{
	static const struct engine other;
	struct function *fn;

	start(10);
	cr_assert_eq(publish(make("a", "1"), false), 0);
	fn = make("a", "1");
	strcpy(fn->opt.entry, "main");
	cr_assert_eq(publish(fn, true), 0);
	for (int i = 0; i < 4; i++) {
		fn = make("a", "1");
		fn->opt.engine = i == 0 ? &other : NULL;
		fn->opt.memory_bytes += i == 1;
		fn->opt.timeout_ns += i == 2;
		fn->opt.idle_ttl_ns -= i == 3;
		cr_assert_eq(publish(fn, true), 0, "%d", i);
	}
	cr_assert_eq(find("t/a")->version, 6u);
}

Test(registry, full)
{
	struct function *c;

	start(2);
	cr_assert_eq(publish(make("a", "1"), false), 0);
	cr_assert_eq(publish(make("b", "1"), false), 0);
	c = make("c", "1");
	cr_assert_eq(publish(c, false), REGISTRY_E_FULL);
	cr_assert_eq(last_retired, c);
	cr_assert_null(find("t/c"));
	function_put(c);
	/* A new version of what is there needs no room. */
	cr_assert_eq(publish(make("b", "2"), true), 0);
	cr_assert_eq(registry_remove(reg, "t/a"), 0);
	cr_assert_eq(publish(make("c", "1"), false), 0);
	cr_assert_eq(registry_count(reg), 2u);
}

Test(registry, remove)
{
	struct function *a;

	start(10);
	a = make("a", "1");
	(void)publish(a, false);
	(void)publish(make("b", "1"), false);
	cr_assert_eq(registry_remove(reg, "t/x"), REGISTRY_E_NOT_FOUND);
	cr_assert_eq(registry_remove(reg, "t/a"), 0);
	cr_assert_eq(last_retired, a);
	cr_assert_null(find("t/a"));
	cr_assert_not_null(find("t/b"));
	cr_assert_eq(registry_remove(reg, "t/a"), REGISTRY_E_NOT_FOUND);
	cr_assert_eq(registry_count(reg), 1u);
	cr_assert_eq(freed(), 1u);
	/* Versions begin anew: the name was free. */
	cr_assert_eq(registry_next_version(reg, "t/a"), 1u);
}

/* Listing. ----------------------------------------------------------------- */

struct page {
	char ids[64][FUNCTION_ID_MAX];
	size_t n;
	size_t max;
};

static bool visit(struct function *fn, void *arg)
{
	struct page *p = arg;

	strcpy(p->ids[p->n++], fn->id);
	return p->n < p->max;
}

static struct page list(const char *after, size_t max)
{
	struct page p = {.max = max};

	registry_each(reg, after, visit, &p);
	return p;
}

Test(registry, lists_in_order_by_pages)
{
	static const char *const names[] = {"m", "b", "z", "a", "aa", "k"};
	struct page p;

	start(10);
	cr_assert_eq(list(NULL, 9).n, 0u);
	for (size_t i = 0; i < 6; i++)
		(void)publish(make(names[i], "1"), false);
	p = list(NULL, 4);
	cr_assert_eq(p.n, 4u);
	cr_assert_str_eq(p.ids[0], "t/a");
	cr_assert_str_eq(p.ids[1], "t/aa");
	cr_assert_str_eq(p.ids[2], "t/b");
	cr_assert_str_eq(p.ids[3], "t/k");
	p = list("t/k", 4);
	cr_assert_eq(p.n, 2u);
	cr_assert_str_eq(p.ids[0], "t/m");
	/* The id of the last page may be gone by now. */
	p = list("t/ab", 1);
	cr_assert_str_eq(p.ids[0], "t/b");
	cr_assert_eq(list("t/z", 4).n, 0u);
	cr_assert_eq(list("u", 4).n, 0u);
	cr_assert_eq(list("", 9).n, 6u);
}

/* Against a plain array of versions. */
Test(registry, random_against_a_model)
{
	enum {
		NAMES = 50
	};
	uint64_t version[NAMES] = {0};
	size_t count = 0;

	start(40);
	srand(7);
	for (int step = 0; step < 20000; step++) {
		int i = rand() % NAMES;
		char name[16], id[16], code[16];
		struct function *fn;

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(id, sizeof(id), "t/n%d", i);
		snprintf(code, sizeof(code), "%d", step);
		if (rand() % 3 == 0) {
			cr_assert_eq(registry_remove(reg, id),
				version[i] ? 0 : REGISTRY_E_NOT_FOUND);
			count -= version[i] != 0;
			version[i] = 0;
		} else if (version[i] || count < 40) {
			cr_assert_eq(
				publish(make(name, code), version[i] != 0), 0);
			count += version[i] == 0;
			version[i]++;
		} else {
			fn = make(name, code);
			cr_assert_eq(publish(fn, false), REGISTRY_E_FULL);
			function_put(fn);
		}
		fn = find(id);
		cr_assert_eq(fn ? fn->version : 0, version[i]);
		cr_assert_eq(registry_count(reg), count);
		(void)freed();
	}
	cr_assert_eq(list(NULL, 64).n, count);
	reg = registry_free(reg);
	(void)freed();
}
