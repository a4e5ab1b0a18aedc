#pragma once
/* The table of configuration keys; shared by the config*.c files and tests. */
#include <stddef.h>
#include <stdint.h>

enum config_type {
	CONFIG_UINT,
	CONFIG_BOOL,
	CONFIG_STRING,
	CONFIG_CHOICE
};

struct config_key {
	const char *path; /* "limits.queue" */
	enum config_type type;
	size_t offset;	      /* into struct config */
	uint32_t min;	      /* CONFIG_UINT */
	uint32_t max;	      /* CONFIG_UINT; CONFIG_STRING: longest */
	const char *fallback; /* the default, as text; NULL: made at start */
	const char *const *choices; /* CONFIG_CHOICE, NULL-terminated */
	const char *env;	    /* NULL: made of the path */
	const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

struct config_error;
/* Says what is wrong; CONFIG_E_INVALID. */
__attribute__((format(printf, 2, 3))) int config_invalid(
	struct config_error *err, const char *fmt, ...);

/* GVISORD_LIMITS_QUEUE for limits.queue. */
void config_env_name(const struct config_key *key, char *ret_name, size_t size);
/* CONFIG_KEYS_MAX if there is none. */
size_t config_key_find(const char *path);
/* The known key a mistyped path was meant to be; NULL: none is near. */
const char *config_key_nearest(const char *path);
