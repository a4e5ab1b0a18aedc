#pragma once
/*
 * Configuration flags of the commands that take a configuration: the option
 * rows and what they do. The file and the environment are read before the
 * flags, so that the flags win, and the check comes last. Client process.
 */
#include "cli/cli.h"
#include "daemon/config.h"

enum {
	SETTINGS_CONFIG = 32, /* a command's own ids are below */
	SETTINGS_SET,
	SETTINGS_SOCKET,
	SETTINGS_LISTEN,
	SETTINGS_ISOLATION,
	SETTINGS_REQUIRE_MPK,
	SETTINGS_UNSAFE_NATIVE,
	SETTINGS_WORKERS,
	SETTINGS_TOKEN_FILE,
	SETTINGS_MEMORY_MB,
	SETTINGS_TIMEOUT_MS
};

/* Every command that has settings has these. */
#define SETTINGS_OPTIONS                                                       \
	{"config", 'c', "FILE", "configuration file ($GVISORD_CONFIG)",        \
		SETTINGS_CONFIG},                                              \
	{                                                                      \
		"set", 's', "KEY=VALUE",                                       \
			"any key of the configuration; repeatable",            \
			SETTINGS_SET                                           \
	}

#define SETTINGS_FLAGS_MAX 64

struct settings {
	const char *file;
	size_t n_flags;
	struct {
		char key[64];
		const char *value;
	} flags[SETTINGS_FLAGS_MAX];
};

/* A cli_option_fn for ids from SETTINGS_CONFIG on. */
int settings_option(
	struct settings *s, struct cli *cli, int id, const char *arg);
/* Default, file, environment, flags, check. 0, or CLI_E_STOP and the user
 * told. */
int settings_load(
	const struct settings *s, struct cli *cli, struct config *ret_cfg);
