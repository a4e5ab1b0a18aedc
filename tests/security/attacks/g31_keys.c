/*
 * The outside observer compares the protection key of every mapping with the
 * daemon's own table, many times, under load. Control: one page with a wrong
 * key is found.
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

static void run(void)
{
	static const struct live_options tagged = {.without = "tag"};
	unsigned most = 0;

	live_start(&live, NULL);
	if (!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	attack_held(observer_keys(&eye) == 0, "at rest");
	if (!load_start(&soak, &live, CONNECTIONS))
		return;
	for (unsigned i = 0; i < LOOKS; i++) {
		attack_held(observer_keys(&eye) == 0, "look %u", i);
		most = eye.isolates > most ? eye.isolates : most;
		(void)usleep(PAUSE_US);
	}
	attack_held(load_stop(&soak), "all the while, all replies were right");
	attack_held(observer_keys(&eye) == 0, "at rest again");
	attack_note("%u mappings, up to %u isolates", eye.maps, most);
	observer_fini(&eye);
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &tagged);
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	attack_worked(observer_keys(&eye) == 1, "a page with key S is found");
	(void)live_stop(&live);
}

const struct attack attack_g31 = {
	.id = "G31",
	.name = "observer: the key of every page, under load",
	.layer = "protection keys",
	.off = "the key of one page",
	.run = run,
};
