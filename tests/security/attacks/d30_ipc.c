/*
 * Objects that outlive the process, and channels that no descriptor shows.
 */
#include <sys/ipc.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. What is made is removed again. */
static void queue(struct box_attack *a)
{
	uint64_t id = walls_call(SYS_msgget, IPC_PRIVATE, 0600, 0, 0);

	(void)a;
	box_got(walls_call(SYS_msgctl, id, IPC_RMID, 0, 0));
}

/* U. */
static void semaphore(struct box_attack *a)
{
	uint64_t id = walls_call(SYS_semget, IPC_PRIVATE, 1, 0600, 0);

	(void)a;
	box_got(walls_call(SYS_semctl, id, 0, IPC_RMID, 0));
}

/* U. */
static void memory(struct box_attack *a)
{
	uint64_t id = walls_call(SYS_shmget, IPC_PRIVATE, 4096, 0600, 0);

	(void)a;
	box_got(walls_call(SYS_shmctl, id, IPC_RMID, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"msgget", queue, SYS_msgget, .harm = WALLS_MADE},
		{"semget", semaphore, SYS_semget, .harm = WALLS_MADE},
		{"shmget", memory, SYS_shmget, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d30 = {
	.id = "D30",
	.name = "System V and POSIX message queues and semaphores",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
