/*
 * The outside observer compares the protection key of every mapping, and the
 * rights of those that native functions have, with the daemon's own table, many
 * times, under load. Controls: one page with a wrong key is found; so are code
 * and constants that can be written to, and programs' files mapped shared.
 */
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/load.h"
#include "tests/security/observer.h"

enum {
	LOOKS = 20,
	PAUSE_US = 50000,
	CONNECTIONS = 6,
};

static struct live live;
static struct soak soak;
static struct observer eye;

static void control(const struct live_options *opt, const char *what)
{
	live_start(&live, opt);
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	attack_worked(observer_keys(&eye) > 0, "%s", what);
	observer_fini(&eye);
	(void)live_stop(&live);
}

static void run(void)
{
	static const struct live_options tagged = {.without = "tag"};
	static const struct live_options loose = {.without = "rights"};
	static const struct live_options shared = {.without = "private,seals"};
	unsigned most = 0, native = 0;

	live_start(&live, NULL);
	if (!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	attack_held(observer_keys(&eye) == 0, "at rest");
	if (!load_start(&soak, &live, CONNECTIONS))
		return;
	for (unsigned i = 0; i < LOOKS; i++) {
		attack_held(observer_keys(&eye) == 0, "look %u", i);
		most = eye.isolates > most ? eye.isolates : most;
		native = eye.programs > native ? eye.programs : native;
		(void)usleep(PAUSE_US);
	}
	attack_held(load_stop(&soak), "all the while, all replies were right");
	attack_held(observer_keys(&eye) == 0, "at rest again");
	attack_held(native > 0, "native ones were among them");
	attack_note("%u mappings, up to %u isolates, %u of them native",
		eye.maps, most, native);
	observer_fini(&eye);
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &tagged);
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	attack_worked(observer_keys(&eye) == 1, "a page with key S is found");
	observer_fini(&eye);
	(void)live_stop(&live);
	control(&loose, "code and constants that can be written to are found");
	control(&shared, "programs' files mapped shared are found");
}

const struct attack attack_g31 = {
	.id = "G31",
	.name = "observer: key and rights of every page, under load",
	.layer = "protection keys, rights",
	.off = "one key; rights; private maps",
	.run = run,
};
