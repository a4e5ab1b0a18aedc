/* See load.h. */
#include "tests/security/load.h"

#include <string.h>

#include "tests/security/attack.h"

bool load_start(struct soak *s, struct live *l, unsigned connections)
{
	(void)memset(s, 0, sizeof(*s));
	s->daemon = &l->daemon;
	s->keys = l->native;
	if (l->native)
		s->native = &l->attacker;
	s->say = attack_say;
	if (!soak_deploy(s))
		return false;
	soak_start(s, connections);
	return true;
}

bool load_stop(struct soak *s)
{
	soak_stop(s);
	attack_note("under load: %u replies, %u deaths, %u deployments",
		s->served, s->deaths, s->deployed);
	return soak_good(s);
}

void load_hush(const char *text, ...)
{
	(void)text;
}
