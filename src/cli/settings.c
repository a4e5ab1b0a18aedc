/*
 * Flags that are configuration keys. They are collected while the command line
 * is read and applied on top of file and environment afterwards, whatever
 * their place on the line. Client process.
 */
#include "cli/settings.h"

#include <string.h>

static const struct {
	int id;
	const char *key;
} flags[] = {
	{SETTINGS_SOCKET, "listen.socket"},
	{SETTINGS_LISTEN, "listen.tcp"},
	{SETTINGS_ISOLATION, "isolation.mode"},
	{SETTINGS_REQUIRE_MPK, "isolation.require_mpk"},
	{SETTINGS_UNSAFE_NATIVE, "isolation.unsafe_native"},
	{SETTINGS_WORKERS, "workers"},
	{SETTINGS_TOKEN_FILE, "listen.admin_token_file"},
	{SETTINGS_MEMORY_MB, "defaults.memory_mb"},
	{SETTINGS_TIMEOUT_MS, "defaults.timeout_ms"},
};

static int add(struct settings *s, struct cli *cli, const char *key, size_t len,
	const char *value)
{
	if (s->n_flags == SETTINGS_FLAGS_MAX)
		return cli_usage_error(cli, "too many --set");
	if (len >= sizeof(s->flags[0].key))
		return cli_usage_error(cli, "unknown key \"%.64s...\"", key);
	memcpy(s->flags[s->n_flags].key, key, len);
	s->flags[s->n_flags].key[len] = '\0';
	s->flags[s->n_flags].value = value;
	s->n_flags++;
	return 0;
}

int settings_option(
	struct settings *s, struct cli *cli, int id, const char *arg)
{
	const char *equals;

	if (id == SETTINGS_CONFIG) {
		s->file = arg;
		return 0;
	}
	if (id == SETTINGS_SET) {
		equals = strchr(arg, '=');
		if (!equals)
			return cli_usage_error(
				cli, "--set wants KEY=VALUE, not \"%s\"", arg);
		return add(s, cli, arg, (size_t)(equals - arg), equals + 1);
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].id == id)
			return add(s, cli, flags[i].key, strlen(flags[i].key),
				arg ? arg : "true");
	}
	return cli_usage_error(cli, "option %d is not known", id);
}

int settings_load(
	const struct settings *s, struct cli *cli, struct config *ret_cfg)
{
	struct config_error err;
	int r = config_load(ret_cfg, s->file, &err);

	/* serve may get its socket before the command as well. */
	if (r == 0 && cli->socket)
		r = config_set(ret_cfg, "listen.socket", cli->socket,
			CONFIG_FLAG, &err);
	for (size_t i = 0; r == 0 && i < s->n_flags; i++)
		r = config_set(ret_cfg, s->flags[i].key, s->flags[i].value,
			CONFIG_FLAG, &err);
	if (r == 0)
		r = config_check(ret_cfg, &err);
	if (r == 0)
		return 0;
	return cli_usage_error(cli, "%s", err.text);
}
