/* Versions of functions and their references. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "core/function.h"

static struct inbox inbox;
static struct doorbell doorbell;

static void home(unsigned n_workers)
{
	inbox_init(&inbox);
	doorbell_init(&doorbell);
	function_home(&inbox, &doorbell, n_workers);
}

static struct function *make(const char *code, size_t len)
{
	struct function_options opt = {
		.tenant = "acme",
		.name = "resize",
		.entry = "handler",
		.memory_bytes = 1 << 20,
	};

	return function_new(&opt, code, len, NULL);
}

Test(function, is_what_was_said)
{
	struct function *fn;
	char code[] = "return 1";

	home(3);
	fn = make(code, sizeof(code) - 1);
	memset(code, 'x', sizeof(code));
	cr_assert_str_eq(fn->id, "acme/resize");
	cr_assert_str_eq(fn->code, "return 1", "a copy");
	cr_assert_eq(fn->code_len, 8u);
	cr_assert_eq(strlen(fn->digest), 64u);
	cr_assert_eq(atomic_load(&fn->refs), 1u);
	cr_assert_not(atomic_load(&fn->retired));
	cr_assert_gt(fn->created, UINT64_C(1600000000000000000));
	for (int i = 0; i < 3; i++) {
		cr_assert(list_empty(&fn->local[i].idle));
		cr_assert_eq((uintptr_t)&fn->local[i] % 64, 0u);
	}
	function_put(fn);
	cr_assert_eq(msg_run_all(inbox_take(&inbox)), 1u);
}

Test(function, longest_names_and_no_code)
{
	struct function_options opt = {0};
	struct function *fn;

	home(1);
	memset(opt.tenant, 't', sizeof(opt.tenant) - 1);
	memset(opt.name, 'n', sizeof(opt.name) - 1);
	fn = function_new(&opt, "", 0, NULL);
	cr_assert_eq(strlen(fn->id), 63u + 1 + 63);
	cr_assert_str_eq(fn->code, "");
	/* The well-known digest of nothing. */
	cr_assert_str_eq(fn->digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e46"
				     "49b934ca495991b7852b855");
	function_put(fn);
	(void)msg_run_all(inbox_take(&inbox));
}

Test(function, code_may_hold_any_byte)
{
	struct function *fn;

	home(1);
	fn = make("a\0b", 3);
	cr_assert_eq(fn->code_len, 3u);
	cr_assert_arr_eq(fn->code, "a\0b", 4);
	function_put(fn);
	(void)msg_run_all(inbox_take(&inbox));
}

Test(function, the_last_put_goes_home)
{
	struct function *fn;
	uint32_t rung;

	home(1);
	fn = make("x", 1);
	function_get(fn);
	function_get(fn);
	rung = doorbell_seen(&doorbell);
	function_put(fn);
	function_put(fn);
	cr_assert(inbox_empty(&inbox));
	cr_assert_eq(doorbell_seen(&doorbell), rung);
	function_put(fn);
	cr_assert_not(inbox_empty(&inbox));
	cr_assert_neq(doorbell_seen(&doorbell), rung);
	cr_assert_eq(msg_run_all(inbox_take(&inbox)), 1u);
}

static void *put_many(void *arg)
{
	for (int i = 0; i < 10000; i++)
		function_put(arg);
	return NULL;
}

Test(function, puts_from_many_threads_free_once)
{
	struct function *fn;
	pthread_t t[4];

	home(1);
	fn = make("x", 1);
	for (int i = 0; i < 4 * 10000 - 1; i++)
		function_get(fn);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, put_many, fn);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(msg_run_all(inbox_take(&inbox)), 1u);
}

Test(function, a_freed_one_is_told, .signal = SIGILL)
{
	struct function *fn;

	home(1);
	fn = make("x", 1);
	fn->magic = 0;
	function_get(fn);
}
