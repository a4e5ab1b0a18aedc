/*
 * Pipes, sockets, events, timers, watches, memory files: channels out, and
 * numbers taken from the runtime.
 */
#include <sys/socket.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(pipe, OWN(0)),
		WALLS_MAKE(pipe2, OWN(0), 0),
		WALLS_MAKE(socket, AF_UNIX, SOCK_STREAM, 0),
		WALLS_MAKE(socket, AF_INET, SOCK_DGRAM, 0),
		WALLS_MAKE(socket, AF_NETLINK, SOCK_RAW, 0),
		WALLS_MAKE(socketpair, AF_UNIX, SOCK_STREAM, 0, OWN(0)),
		WALLS_MAKE(eventfd, 0),
		WALLS_MAKE(eventfd2, 0, 0),
		WALLS_MAKE(signalfd4, (uint64_t)-1, OWN(0), 8, 0),
		WALLS_MAKE(timerfd_create, 1, 0),
		WALLS_MAKE(epoll_create1, 0),
		WALLS_MAKE(epoll_create, 1),
		WALLS_MAKE(inotify_init1, 0),
		WALLS_MAKE(memfd_create, (uint64_t) "alias", 0),
		WALLS_MAKE(open, (uint64_t) "/dev/null", 2),
		WALLS_MAKE(openat, (uint64_t)-100, (uint64_t) "/proc", 0),
		WALLS_MAKE(fsopen, (uint64_t) "proc", 0),
		WALLS_MAKE(open_tree, (uint64_t)-100, (uint64_t) "/", 0),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d24 = {
	.id = "D24",
	.name = "every call that makes a descriptor",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
