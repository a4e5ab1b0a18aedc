/* What top makes of a daemon's text: metrics, and the time between two looks.
 * The text is hostile. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "cli/remote.h"
#include "cli/top_show.h"

static double metric(const char *text, const char *name, const char *label)
{
	return top_metric(text, name, label);
}

Test(top, metrics_are_summed)
{
	static const char text[] =
		"# HELP a_total All.\n# TYPE a_total counter\n"
		"a_total{code=\"OK\",start=\"warm\"} 5\n"
		"a_total{code=\"OK\",start=\"cold\"} 2\n"
		"a_total{code=\"Function.Error\",start=\"warm\"} 1\n"
		"a_totally 100\n"
		"b 0.25\n"
		"last 7";

	cr_assert_eq(metric(text, "a_total", NULL), 8);
	cr_assert_eq(metric(text, "a_total", "code=\"OK\""), 7);
	cr_assert_eq(metric(text, "a_total", "code=\"None\""), 0);
	cr_assert_eq(metric(text, "b", NULL), 0.25);
	cr_assert_eq(metric(text, "last", NULL), 7);
	cr_assert_eq(metric(text, "a", NULL), 0);
}

Test(top, metrics_that_are_none)
{
	static const char *const texts[] = {"", "\n", "\n\n", "x", "x{", "x ",
		"x \n", "x nan\n", "x inf\n", "x -inf\n", "x 1e999\n",
		"x{ 3e99999", "# x 3\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(metric(texts[i], "x", NULL), 0, "%zu", i);
	/* A label's value can't pose as another label. */
	cr_assert_eq(
		metric("x{f=\"code=\\\"OK\\\"\"} 3\n", "x", "code=\"OK\""), 0);
	cr_assert_eq(metric("x{f=\"a b\"} 3\n", "x", NULL), 3);
}

static struct top_sample sample(double at, const char *text, const char *list)
{
	struct top_sample s = {.at = at};
	json_t *json = json_loads(list, 0, NULL);

	cr_assert_not_null(json);
	top_sample_read(&s, text);
	top_sample_functions(&s, json);
	json_decref(json);
	return s;
}

#define F(name, version, calls, errors, mean)                                  \
	"{\"tenant\":\"t\",\"name\":\"" name "\",\"version\":" #version        \
	",\"isolates\":{\"idle\":2,\"busy\":1},\"stats\":{\"calls\":" #calls   \
	",\"errors\":" #errors ",\"mean_run_ms\":" #mean "}}"

Test(top, rates)
{
	struct top_sample a = sample(10,
		"gvisord_invocations_total{code=\"OK\"} 100\n"
		"gvisord_invocations_total{code=\"X\"} 10\n"
		"gvisord_pkey_assign_total{result=\"hit\"} 50\n"
		"gvisord_pkey_assign_total{result=\"steal\"} 10\n",
		"[" F("a", 1, 100, 5, 1.0) "," F("b", 1, 7, 0, 1.0) "]");
	struct top_sample b = sample(12,
		"gvisord_invocations_total{code=\"OK\"} 300\n"
		"gvisord_invocations_total{code=\"X\"} 14\n"
		"gvisord_pkey_assign_total{result=\"hit\"} 80\n"
		"gvisord_pkey_assign_total{result=\"free\"} 4\n"
		"gvisord_pkey_assign_total{result=\"steal\"} 16\n",
		"[" F("a", 1, 200, 9, 1.5) "," F("b", 2, 400, 0, 0.5) "]");
	struct top_rates r;

	cr_assert(top_rates_init(&r, &a, &b));
	cr_assert_eq(r.calls, 102);
	cr_assert_eq(r.errors, 2);
	cr_assert_eq(r.evict, 3);
	cr_assert_eq(r.hit_rate, 0.75);
	cr_assert_eq(r.n_rows, 2u);
	/* A new version counts from zero. */
	cr_assert_str_eq(r.rows[0].id, "t/b");
	cr_assert_eq(r.rows[0].calls, 200);
	cr_assert_eq(r.rows[0].mean_ms, 0.5);
	cr_assert_str_eq(r.rows[1].id, "t/a");
	cr_assert_eq(r.rows[1].calls, 50);
	cr_assert_eq(r.rows[1].errors, 2);
	cr_assert_eq(r.rows[1].mean_ms, 2);
	cr_assert_eq(r.rows[1].busy, 1);
	top_rates_fini(&r);
	/* Another daemon, in no time at all. */
	b.at = a.at;
	cr_assert(top_rates_init(&r, &b, &a));
	cr_assert_eq(r.calls, 110);
	cr_assert(r.rows[0].calls >= 0 && isfinite(r.rows[0].mean_ms));
	top_rates_fini(&r);
	top_sample_fini(&a);
	top_sample_fini(&b);
}

Test(top, nonsense_is_survived)
{
	static const char *const lists[] = {"[]", "{}", "[1,null,[],{}]",
		"[{\"tenant\":7,\"name\":{},\"stats\":[],\"isolates\":9}]",
		"[{\"stats\":{\"calls\":\"x\",\"mean_run_ms\":-1e308}}]"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct top_sample a = sample(1, "", "[]");
		struct top_sample b = sample(2, "", lists[i]);
		struct top_rates r;
		char *text = NULL;
		size_t len;
		FILE *to = open_memstream(&text, &len);

		cr_assert(top_rates_init(&r, &a, &b));
		top_show_page(to, &b, &r, 10);
		top_show_line(to, &b, &r);
		top_show_json(to, &b, &r);
		top_show_names(to, &r);
		(void)fclose(to);
		cr_assert(strstr(text, "keys      none") != NULL);
		free(text);
		top_rates_fini(&r);
		top_sample_fini(&a);
		top_sample_fini(&b);
	}
}

Test(top, a_page_is_safe_for_a_terminal)
{
	struct top_sample a = sample(1, "", "[]");
	struct top_sample b = sample(2,
		"gvisord_pkeys{state=\"held\"} 3\n"
		"gvisord_pkeys{state=\"free\"} 10\n",
		"[{\"tenant\":\"\\u001b[2J\\u009b\",\"name\":\"n\\nm\\u202e\","
		"\"stats\":{\"calls\":5}},{\"tenant\":\"t\",\"name\":\"x\"}]");
	struct top_rates r;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	cr_assert(top_rates_init(&r, &a, &b));
	top_show_page(to, &b, &r, 1);
	(void)fclose(to);
	cr_assert(strstr(text, "keys      3 of 13 held") != NULL);
	cr_assert(strchr(text, '\x1b') == NULL);
	cr_assert(strstr(text, "\xc2\x9b") == NULL);
	cr_assert(strstr(text, "\xe2\x80\xae") == NULL);
	cr_assert(strstr(text, "?[2J") != NULL);
	/* Seven lines: five above, the title, the one row. */
	len = 0;
	for (const char *p = text; *p; p++)
		len += *p == '\n';
	cr_assert_eq(len, 7u, "%s", text);
	free(text);
	top_rates_fini(&r);
	top_sample_fini(&a);
	top_sample_fini(&b);
}
