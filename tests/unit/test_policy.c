/*
 * The policies as tables: well formed, and what they must refuse is refused.
 * test_filter.c shows that the kernel does what the tables say.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "sandbox/policy.h"

static const struct policy_params params = {
	.cookie = 0x1122334455667788, .ring_fd = 7, .pid = 4242};

static enum policy_verdict decide(
	const struct policy *p, int nr, const uint64_t args[6])
{
	return policy_decide(p, &params, nr, args).verdict;
}

Test(policy, names_are_the_numbers)
{
	for (size_t i = 0; policy_at(i); i++) {
		const struct policy *p = policy_at(i);

		for (size_t j = 0; j < p->n_rows; j++) {
			const char *name = p->rows[j].name;
			int nr = seccomp_syscall_resolve_name(name);

			/* Calls younger than libseccomp are unknown to it. */
			if (nr != __NR_SCMP_ERROR)
				cr_expect_eq(nr, p->rows[j].nr, "%s", name);
		}
	}
}

/* A rule without conditions swallows all others of its call in libseccomp. */
Test(policy, unconditional_row_stands_alone)
{
	for (size_t i = 0; policy_at(i); i++) {
		const struct policy *p = policy_at(i);

		for (size_t j = 0; j < p->n_rows; j++) {
			for (size_t k = 0; k < p->n_rows; k++) {
				if (j == k || p->rows[j].nr != p->rows[k].nr)
					continue;
				cr_expect_neq(p->rows[j].n_conds, 0, "%s in %s",
					p->rows[j].name, p->name);
			}
		}
	}
}

Test(policy, rows_are_well_formed)
{
	for (size_t i = 0; policy_at(i); i++) {
		const struct policy *p = policy_at(i);

		cr_assert_eq(policy_find(p->name), p);
		for (size_t j = 0; j < p->n_rows; j++) {
			const struct policy_row *r = &p->rows[j];

			cr_expect(strlen(policy_why(p, j)) > 0);
			cr_expect(r->n_conds <= POLICY_CONDS_MAX);
			cr_expect(r->act.err >= 0);
			cr_expect(r->act.verdict == POLICY_ERRNO ||
				  r->act.err == 0);
			for (unsigned k = 0; k < r->n_conds; k++) {
				cr_expect(r->conds[k].arg < 6);
				cr_expect_eq(
					r->conds[k].value & ~r->conds[k].mask,
					0, "%s can never fit", r->name);
			}
		}
	}
	cr_assert_null(policy_find("no such policy"));
}

/* What must never be possible once the daemon runs, on any thread. */
Test(policy, baseline_refuses_by_name)
{
	static const int never[] = {SYS_execve, SYS_execveat, SYS_fork,
		SYS_vfork, SYS_process_vm_readv, SYS_process_vm_writev,
		SYS_userfaultfd, SYS_perf_event_open, SYS_bpf, SYS_kexec_load,
		SYS_kexec_file_load, SYS_mount, SYS_umount2, SYS_pivot_root,
		SYS_chroot, SYS_setns, SYS_unshare, SYS_keyctl, SYS_add_key,
		SYS_request_key, SYS_personality, SYS_modify_ldt,
		SYS_pidfd_getfd, SYS_pidfd_open, SYS_pidfd_send_signal,
		SYS_process_madvise, SYS_kcmp, SYS_init_module,
		SYS_finit_module, SYS_delete_module, SYS_iopl, SYS_ioperm,
		SYS_reboot, SYS_swapon, SYS_acct, SYS_kill, SYS_tkill,
		SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pkey_free,
		SYS_remap_file_pages, SYS_shmat, SYS_vmsplice, SYS_setuid,
		SYS_setgid, SYS_capset, SYS_open_by_handle_at, SYS_fsopen,
		SYS_move_mount, SYS_open_tree, SYS_clone3};
	static const uint64_t args[][6] = {
		{0}, {1, 1, 1, 1, 1, 1}, {-1UL, -1UL, -1UL, -1UL, -1UL, -1UL}};

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++) {
		for (size_t j = 0; j < 3; j++)
			cr_expect_neq(
				decide(&policy_baseline, never[i], args[j]),
				POLICY_ALLOW, "%d", never[i]);
	}
}

#ifndef GV_SANITIZED
Test(policy, baseline_makes_threads_and_nothing_else)
{
	uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	uint64_t a[6] = {thread};
	static const uint64_t extra[] = {CLONE_NEWUSER, CLONE_NEWNS,
		CLONE_NEWPID, CLONE_NEWNET, CLONE_PTRACE, CLONE_VFORK};

	cr_expect_eq(decide(&policy_baseline, SYS_clone, a), POLICY_ALLOW);
	for (size_t i = 0; i < sizeof(extra) / sizeof(*extra); i++) {
		a[0] = thread | extra[i];
		cr_expect_eq(
			decide(&policy_baseline, SYS_clone, a), POLICY_ERRNO);
	}
	a[0] = thread & ~(uint64_t)CLONE_THREAD;
	cr_expect_eq(decide(&policy_baseline, SYS_clone, a), POLICY_ERRNO);
	a[0] = 17; /* fork: SIGCHLD and no flag */
	cr_expect_eq(decide(&policy_baseline, SYS_clone, a), POLICY_ERRNO);
}

/* Wall two without a cookie: nothing at all, whatever the arguments. */
Test(policy, worker_allows_nothing_without_the_cookie)
{
	uint64_t a[6];

	srand(1);
	for (int nr = -1; nr < 2048; nr++) {
		for (int round = 0; round < 50; round++) {
			for (int i = 0; i < 6; i++)
				a[i] = (uint64_t)rand() >> (rand() % 31);
			if (round % 2)
				a[0] = (uint64_t)params.ring_fd;
			if (round % 3)
				a[1] = FUTEX_WAIT_PRIVATE + round % 2;
			a[3] = round % 5 ? 0 : 1;
			a[4] = 0;
			cr_assert_neq(decide(&policy_worker, nr, a),
				POLICY_ALLOW, "call %d", nr);
		}
	}
}

Test(policy, worker_allows_its_calls_with_the_cookie)
{
	const uint64_t enter[6] = {
		7, 3, 1, IORING_ENTER_GETEVENTS, 0, params.cookie};
	const uint64_t wake[6] = {
		64, FUTEX_WAKE_PRIVATE, 1, 0, params.cookie, 0};
	const uint64_t wait[6] = {
		64, FUTEX_WAIT_PRIVATE, 1, 0, params.cookie, 0};
	const uint64_t clock[6] = {1, 64, 0, params.cookie, 0, 0};
	const uint64_t ret[6] = {params.cookie, ~params.cookie};

	cr_expect_eq(decide(&policy_worker, SYS_io_uring_enter, enter), 0);
	cr_expect_eq(decide(&policy_worker, SYS_futex, wake), 0);
	cr_expect_eq(decide(&policy_worker, SYS_futex, wait), 0);
	cr_expect_eq(decide(&policy_worker, SYS_clock_gettime, clock), 0);
	cr_expect_eq(decide(&policy_worker, SYS_rt_sigreturn, ret), 0);
}

/* With the cookie, but not as it should be. */
Test(policy, worker_refuses_other_uses_of_its_calls)
{
	const uint64_t c = params.cookie;
	const uint64_t bad_enter[][6] = {{8, 0, 0, 0, 0, c},
		{7, 0, 0, IORING_ENTER_EXT_ARG, 0, c},
		{7, 0, 0, 16 /* registered ring */, 0, c},
		{7, 0, 0, 2 /* wake the poll thread */, 0, c},
		{7, 0, 0, 1, 64 /* signal mask */, c},
		{7, 0, 0, 1UL << 32, 0, c}, {7 | 1UL << 32, 0, 0, 0, 0, c},
		{7, 0, 0, 0, 0, (uint32_t)c}, {7, 0, 0, 0, c, 0}};
	const uint64_t bad_futex[][6] = {{64, FUTEX_WAKE, 1, 0, c, 0},
		{64, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 0, c, 0},
		{64, FUTEX_CMP_REQUEUE_PRIVATE, 1, 0, c, 0},
		{64, FUTEX_LOCK_PI_PRIVATE, 1, 0, c, 0},
		{64, FUTEX_WAIT_BITSET_PRIVATE, 1, 0, c, 0},
		{64, FUTEX_WAKE_PRIVATE | 1UL << 32, 1, 0, c, 0},
		{64, FUTEX_WAKE_PRIVATE, 1, 0, 0, c}};

	for (size_t i = 0; i < sizeof(bad_enter) / sizeof(*bad_enter); i++)
		cr_expect_eq(decide(&policy_worker, SYS_io_uring_enter,
				     bad_enter[i]),
			POLICY_TRAP, "%zu", i);
	for (size_t i = 0; i < sizeof(bad_futex) / sizeof(*bad_futex); i++)
		cr_expect_eq(decide(&policy_worker, SYS_futex, bad_futex[i]),
			POLICY_TRAP, "%zu", i);
}
#endif

Test(policy, text_for_people)
{
	const struct policy_cond mask = {3, POLICY_VALUE, 0xf0, 0x10};
	const struct policy_cond not = {3, POLICY_NOT_COOKIE, UINT64_MAX, 0};
	const struct policy_cond pid = {0, POLICY_PID, UINT32_MAX, 0};
	char buf[64];
	char tiny[4];

	cr_expect_str_eq(policy_cond_text(&mask, buf, sizeof(buf)),
		"arg3 & 0xf0 == 0x10");
	cr_expect_str_eq(
		policy_cond_text(&not, buf, sizeof(buf)), "arg3 != COOKIE");
	cr_expect_str_eq(
		policy_cond_text(&pid, buf, sizeof(buf)), "arg0 == PID");
	cr_expect_str_eq(policy_cond_text(&pid, tiny, sizeof(tiny)), "arg");
	cr_expect_str_eq(
		policy_act_text((struct policy_act){POLICY_ERRNO, EPERM}, buf,
			sizeof(buf)),
		"errno EPERM");
	cr_expect_str_eq(policy_act_text((struct policy_act){POLICY_TRAP, 0},
				 buf, sizeof(buf)),
		"trap");
}
