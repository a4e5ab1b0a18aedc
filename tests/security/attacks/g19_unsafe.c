/*
 * Native code where there are no keys: refused at registration, by whatever
 * way it comes. Control: let in by force it reads the runtime's memory, and the
 * daemon has said so.
 */
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static void refused(const char *what)
{
	bool good = live.reply.status == 503 &&
		    strcmp(live.reply.code, "Isolation.Unavailable") == 0;

	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "%s", what);
}

static void run(void)
{
	static const struct live_options soft = {.mode = "software"};
	static const struct live_options unsafe = {.unsafe = true};

	live_start(&live, &soft);
	(void)live_object(&live, "native", &live.attacker, "");
	refused("an object");
	(void)live_object(&live, "native", &live.attacker, "?language=native");
	refused("by the name of its language");
	(void)live_object(&live, "attacker", &live.attacker, "");
	refused("in the place of a function that is there");
	client_send(&live.client, "PUT /v1/functions/default/native",
		"Content-Type: application/json\r\n",
		"{\"language\":\"native\",\"code\":\"f0VMRg==\"}", &live.reply);
	refused("inside JSON");
	live_do(&live, "attacker", "echo here");
	attack_held(strcmp(live.reply.body, "here") == 0,
		"the function that was there still is");
	client_send(&live.client, "GET /v1/info", "", NULL, &live.reply);
	attack_held(!strstr(live.reply.body, "\"native\""),
		"it is not among the languages");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &unsafe);
	attack_worked(live_ask(&live, "attacker", "read %lx",
			      live_where(&live, "deeds_secret")) == LIVE_SECRET,
		"by force, it reads the runtime's memory");
	client_send(&live.client, "GET /readyz", "", NULL, &live.reply);
	attack_worked(strstr(live.reply.body, "\"unsafe_native\":true"),
		"... and the daemon says so");
	(void)live_stop(&live);
}

const struct attack attack_g19 = {
	.id = "G19",
	.name = "native: code where there are no keys",
	.layer = "refused at registration",
	.off = "that (--unsafe-native)",
	.run = run,
};
