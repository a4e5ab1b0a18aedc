/* Idle isolates against a lack of memory: see pressure.h. Trusted side. */
#include "core/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/err.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"
#include "util/log.h"

#define PRESSURE_LOOK_NS (50 * CLOCK_MS)
#define PRESSURE_PATIENCE_NS (500 * CLOCK_MS)
#define PRESSURE_WARN_NS (60 * CLOCK_S)

enum {
	PATH_SIZE = 512,
	TEXT_SIZE = 128,
	ENDS_MAX = 256, /* per look and worker: the loop has its turn */
	/* What an isolate has resident beside its heap, about. */
	ISOLATE_REST = 32 << 10,
};

/* How much there is. ------------------------------------------------------- */

/* The file's start as text; false: there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* A limit holds for the cgroups below, too. */
uint64_t pressure_cgroup(const char *root, const char *path)
{
	char at[PATH_SIZE], file[PATH_SIZE + 16], text[TEXT_SIZE];
	uint64_t least = UINT64_MAX;
	int n = snprintf(at, sizeof(at), "%s%s", root, path);

	if (n < 0 || (size_t)n >= sizeof(at))
		return least;
	while (strlen(at) >= strlen(root)) {
		(void)snprintf(file, sizeof(file), "%s/memory.max", at);
		/* "max" is no number. */
		if (read_text(file, text, sizeof(text)) && text[0] >= '0' &&
			text[0] <= '9') {
			uint64_t max = strtoull(text, NULL, 10);

			least = max < least ? max : least;
		}
		if (!strrchr(at, '/'))
			break;
		*strrchr(at, '/') = '\0';
	}
	return least;
}

static uint64_t pressure_available(void)
{
	char text[PATH_SIZE];
	struct sysinfo info;
	uint64_t all = UINT64_MAX, max = UINT64_MAX;
	char *path;

	if (sysinfo(&info) == 0)
		all = (uint64_t)info.totalram * info.mem_unit;
	if (read_text("/proc/self/cgroup", text, sizeof(text)) &&
		(path = strstr(text, "0::"))) {
		path += 3;
		path[strcspn(path, "\n")] = '\0';
		max = pressure_cgroup("/sys/fs/cgroup", path);
	}
	return all < max ? all : max;
}

/* Ending isolates: on a worker. -------------------------------------------- */

/* About. The heap's size is the isolate's own word: no more than it may have.
 */
static uint64_t pressure_freed(const struct isolate *iso)
{
	uint64_t heap =
		atomic_load_explicit(&iso->heap_used, memory_order_relaxed);

	return ISOLATE_REST + (heap < iso->charged ? heap : iso->charged);
}

static void pressure_relieve(struct msg *msg)
{
	struct pressure_ask *ask = container_of(msg, struct pressure_ask, msg);
	struct pool *pool = &ask->worker->core->pool;
	uint64_t freed = 0;
	bool dry = false;

	for (unsigned i = 0; i < ENDS_MAX && freed < ask->bytes && !dry; i++) {
		const struct isolate *iso = pool_relieve(pool, NULL);

		if (iso)
			freed += pressure_freed(iso);
		dry = !iso;
	}
	atomic_store(&ask->dry, dry);
	atomic_store(&ask->under_way, false);
}

/* Looking: on the keeper. -------------------------------------------------- */

static uint64_t pressure_resident(const struct pressure *p)
{
	char text[TEXT_SIZE];
	ssize_t n = pread(p->statm, text, sizeof(text) - 1, 0);
	unsigned long pages = 0;

	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*u %lu", &pages) != 1)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* No worker had an idle isolate left when it was asked last. */
static bool pressure_is_dry(const struct pressure *p, unsigned n_workers)
{
	for (unsigned i = 0; i < n_workers; i++)
		if (!atomic_load(&p->asks[i].dry))
			return false;
	return true;
}

/* It was over for longer than it takes to end what is idle. */
static void pressure_warn(
	struct pressure *p, unsigned n_workers, uint64_t resident, uint64_t now)
{
	if (now - p->over_since < PRESSURE_PATIENCE_NS ||
		(p->warned && now - p->warned < PRESSURE_WARN_NS))
		return;
	p->warned = now;
	log_warn(pressure_is_dry(p, n_workers)
			 ? "more memory is resident than should be, and no "
			   "isolate is idle (limits.resident_mb)"
			 : "more memory is resident than should be, though "
			   "idle isolates end (limits.resident_mb)",
		LOG_U64("resident_mb", resident >> 20),
		LOG_U64("limit_mb", p->most >> 20));
}

/* How many have something to end, as far as is known: at least one. */
static unsigned pressure_able(const struct pressure *p, unsigned n_workers)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_workers; i++)
		n += !atomic_load(&p->asks[i].under_way) &&
		     !atomic_load(&p->asks[i].dry);
	return n ? n : n_workers;
}

static void pressure_ask_all(
	struct pressure *p, struct runtime *rt, uint64_t bytes)
{
	/* Those that have nothing are asked as well: they may have by now. */
	uint64_t each = bytes / pressure_able(p, rt->n_workers);

	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct pressure_ask *ask = &p->asks[i];

		/* In a long run: it has not come to the last one. */
		if (atomic_exchange(&ask->under_way, true))
			continue;
		ask->worker = &rt->workers[i];
		ask->bytes = each;
		ask->msg.run = pressure_relieve;
		worker_post(ask->worker, &ask->msg);
	}
}

uint64_t pressure_look(struct pressure *p, struct runtime *rt, uint64_t now)
{
	uint64_t resident;

	/* What made the keeper turn may go on after the last look, and nothing
	 * need come after it. */
	if (now < p->look_at)
		return p->look_at;
	resident = pressure_resident(p);
	p->look_at = now + PRESSURE_LOOK_NS;
	if (resident <= p->most) {
		p->over_since = 0;
		return UINT64_MAX;
	}
	if (p->over_since == 0)
		p->over_since = now;
	pressure_warn(p, rt->n_workers, resident, now);
	/* A little below, lest the next call brings it back. */
	pressure_ask_all(p, rt, resident - p->most + p->most / 32);
	return p->look_at;
}

int pressure_init(struct pressure *p, uint64_t most)
{
	memset(p, 0, sizeof(*p));
	p->most = most ? most : pressure_available() / 10 * 9;
	p->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	return p->statm < 0 ? err_errno() : 0;
}
