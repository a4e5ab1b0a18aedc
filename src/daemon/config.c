/*
 * Reading the configuration: file, environment, flags, all by the key table.
 *
 * Every value, wherever it comes from, ends in one of the assign_ functions,
 * which know type and range and speak of the key by its path; who calls adds
 * where the value stood. A JSON object is walked with the path built up as it
 * descends: a path that is a key must hold a scalar, a path that is the
 * beginning of a key must hold an object, anything else is unknown.
 *
 * Trusted side; control thread at start. Input is the operator's, so errors
 * are for people and the first one ends the reading.
 */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "daemon/config_keys.h"
#include "daemon/config_tenants.h"
#include "util/strutil.h"

#define PATH_SIZE 128

int config_invalid(struct config_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return CONFIG_E_INVALID;
}

static int unknown_key(const char *path, struct config_error *err)
{
	const char *near = config_key_nearest(path);

	if (!near)
		return config_invalid(err,
			"unknown key \"%.80s\"; gvisord config lists them",
			path);
	return config_invalid(
		err, "unknown key \"%.80s\"; did you mean \"%s\"?", path, near);
}

/* Puts the origin of a value in front of what was said about it. */
static int invalid_at(struct config_error *err, const char *where)
{
	struct config_error said = *err;

	(void)snprintf(
		err->text, sizeof(err->text), "%s: %.400s", where, said.text);
	return CONFIG_E_INVALID;
}

/* Assigning ---------------------------------------------------------------- */

static void *field(struct config *cfg, const struct config_key *key)
{
	return (char *)cfg + key->offset;
}

static int assign_uint(struct config *cfg, const struct config_key *key,
	json_int_t v, struct config_error *err)
{
	if (v < (json_int_t)key->min || v > (json_int_t)key->max)
		return config_invalid(err,
			"%s: %" JSON_INTEGER_FORMAT
			" is out of range (%u to %u)",
			key->path, v, key->min, key->max);
	*(uint32_t *)field(cfg, key) = (uint32_t)v;
	return 0;
}

static int assign_string(struct config *cfg, const struct config_key *key,
	const char *v, struct config_error *err)
{
	if (strlen(v) > key->max)
		return config_invalid(err,
			"%s: longer than the %u bytes there is room for",
			key->path, key->max);
	strcpy(field(cfg, key), v);
	return 0;
}

static int assign_choice(struct config *cfg, const struct config_key *key,
	const char *v, struct config_error *err)
{
	char all[128] = "";

	for (int i = 0; key->choices[i]; i++) {
		if (strcmp(key->choices[i], v) == 0) {
			*(int *)field(cfg, key) = i;
			return 0;
		}
		strncat(all, i ? ", " : "", sizeof(all) - strlen(all) - 1);
		strncat(all, key->choices[i], sizeof(all) - strlen(all) - 1);
	}
	return config_invalid(
		err, "%s: \"%.80s\" is none of: %s", key->path, v, all);
}

static int assign_bool_text(struct config *cfg, const struct config_key *key,
	const char *v, struct config_error *err)
{
	bool yes = strcmp(v, "true") == 0 || strcmp(v, "1") == 0;

	if (!yes && strcmp(v, "false") != 0 && strcmp(v, "0") != 0)
		return config_invalid(err,
			"%s: \"%.80s\" is neither true nor false", key->path,
			v);
	*(bool *)field(cfg, key) = yes;
	return 0;
}

static int assign_uint_text(struct config *cfg, const struct config_key *key,
	const char *v, struct config_error *err)
{
	uint64_t n;

	if (*v == '\0' || v[strspn(v, "0123456789")] != '\0')
		return config_invalid(err,
			"%s: \"%.80s\" is not a whole number", key->path, v);
	if (!str_parse_u64(slice_of(v), key->min, key->max, &n))
		return config_invalid(err,
			"%s: %.40s is out of range (%u to %u)", key->path, v,
			key->min, key->max);
	*(uint32_t *)field(cfg, key) = (uint32_t)n;
	return 0;
}

static int assign_text(struct config *cfg, const struct config_key *key,
	const char *v, struct config_error *err)
{
	switch (key->type) {
	case CONFIG_UINT:
		return assign_uint_text(cfg, key, v, err);
	case CONFIG_BOOL:
		return assign_bool_text(cfg, key, v, err);
	case CONFIG_STRING:
		return assign_string(cfg, key, v, err);
	case CONFIG_CHOICE:
		return assign_choice(cfg, key, v, err);
	}
	CHECK(!"config type");
	return CONFIG_E_INVALID;
}

static int wrong_type(const struct config_key *key, struct config_error *err)
{
	static const char *const wanted[] = {[CONFIG_UINT] = "a whole number",
		[CONFIG_BOOL] = "true or false",
		[CONFIG_STRING] = "a string",
		[CONFIG_CHOICE] = "a string"};

	if (key->type == CONFIG_UINT)
		return config_invalid(err, "%s: must be %s (%u to %u)",
			key->path, wanted[key->type], key->min, key->max);
	return config_invalid(
		err, "%s: must be %s", key->path, wanted[key->type]);
}

static int assign_json(struct config *cfg, const struct config_key *key,
	const json_t *v, struct config_error *err)
{
	if (key->type == CONFIG_UINT && json_is_integer(v))
		return assign_uint(cfg, key, json_integer_value(v), err);
	if (key->type == CONFIG_BOOL && json_is_boolean(v)) {
		*(bool *)field(cfg, key) = json_is_true(v);
		return 0;
	}
	if (key->type == CONFIG_STRING && json_is_string(v))
		return assign_string(cfg, key, json_string_value(v), err);
	if (key->type == CONFIG_CHOICE && json_is_string(v))
		return assign_choice(cfg, key, json_string_value(v), err);
	return wrong_type(key, err);
}

/* File --------------------------------------------------------------------- */

static bool is_section(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < config_n_keys; i++) {
		if (strncmp(config_keys[i].path, path, len) == 0 &&
			config_keys[i].path[len] == '.')
			return true;
	}
	return false;
}

static int walk(struct config *cfg, const char *prefix, json_t *object,
	struct config_error *err);

static int walk_member(struct config *cfg, const char *path, json_t *value,
	struct config_error *err)
{
	size_t index = config_key_find(path);
	int r;

	if (strcmp(path, "tenants") == 0)
		return config_tenants_read(cfg, value, err);
	if (index == CONFIG_KEYS_MAX) {
		if (!is_section(path))
			return unknown_key(path, err);
		if (!json_is_object(value))
			return config_invalid(
				err, "%s: must be an object", path);
		return walk(cfg, path, value, err);
	}
	r = assign_json(cfg, &config_keys[index], value, err);
	if (r == 0)
		cfg->source[index] = CONFIG_FILE;
	return r;
}

/* No deeper than the deepest key: a path past it is not a section. */
static int walk(struct config *cfg, const char *prefix, json_t *object,
	struct config_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		char path[PATH_SIZE];
		int r;

		(void)snprintf(path, sizeof(path), "%s%s%.100s", prefix,
			*prefix ? "." : "", name);
		r = walk_member(cfg, path, value, err);
		if (r)
			return r;
	}
	return 0;
}

static void cleanup_jsonp(json_t **j)
{
	json_decref(*j);
}

static int file_check(int fd, const char *path, struct config_error *err)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return config_invalid(
			err, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return config_invalid(err, "%s: not a regular file", path);
	if (st.st_size > CONFIG_FILE_BYTES_MAX)
		return config_invalid(err, "%s: larger than %u bytes", path,
			CONFIG_FILE_BYTES_MAX);
	return 0;
}

int config_file(struct config *cfg, const char *path, struct config_error *err)
{
	/* NONBLOCK: a fifo in its place must not hang the start. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP(cleanup_jsonp) json_t *root = NULL;
	json_error_t at;
	int r = file_check(fd, path, err);

	if (r)
		return r;
	root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &at);
	if (!root)
		return config_invalid(
			err, "%s:%d:%d: %s", path, at.line, at.column, at.text);
	if (!json_is_object(root))
		return config_invalid(
			err, "%s:1:1: must hold one object", path);
	return walk(cfg, "", root, err) ? invalid_at(err, path) : 0;
}

/* Defaults, environment, flags --------------------------------------------- */

void config_init(struct config *cfg)
{
	struct config_error err;

	memset(cfg, 0, sizeof(*cfg));
	for (size_t i = 0; i < config_n_keys; i++) {
		if (config_keys[i].fallback)
			CHECK(assign_text(cfg, &config_keys[i],
				      config_keys[i].fallback, &err) == 0);
	}
	config_socket_default(cfg->listen.socket);
}

int config_env(struct config *cfg, struct config_error *err)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		const char *value;
		char name[64];

		config_env_name(&config_keys[i], name, sizeof(name));
		value = getenv(name);
		if (!value)
			continue;
		if (assign_text(cfg, &config_keys[i], value, err))
			return invalid_at(err, name);
		cfg->source[i] = CONFIG_ENV;
	}
	return 0;
}

int config_set(struct config *cfg, const char *path, const char *value,
	enum config_source source, struct config_error *err)
{
	size_t index = config_key_find(path);
	int r;

	if (index == CONFIG_KEYS_MAX)
		return unknown_key(path, err);
	r = assign_text(cfg, &config_keys[index], value, err);
	if (r == 0)
		cfg->source[index] = (uint8_t)source;
	return r;
}

int config_load(struct config *cfg, const char *path, struct config_error *err)
{
	int r = 0;

	config_init(cfg);
	if (!path)
		path = getenv("GVISORD_CONFIG");
	if (!path && access(CONFIG_FILE_DEFAULT, F_OK) == 0)
		path = CONFIG_FILE_DEFAULT;
	if (path)
		r = config_file(cfg, path, err);
	return r ? r : config_env(cfg, err);
}

/* Between keys ------------------------------------------------------------- */

static int check_listeners(const struct config *cfg, struct config_error *err)
{
	struct sockaddr_storage addr;
	socklen_t len;

	if (!*cfg->listen.socket && !*cfg->listen.tcp)
		return config_invalid(err,
			"listen.socket and listen.tcp are both "
			"empty: nowhere to listen");
	if (!*cfg->listen.tcp)
		return 0;
	if (!config_addr_parse(cfg->listen.tcp, &addr, &len))
		return config_invalid(err,
			"listen.tcp: \"%s\" is not ADDR:PORT, for example "
			"127.0.0.1:8080 or [::1]:8080",
			cfg->listen.tcp);
	if (!config_addr_loopback(&addr))
		return config_invalid(err,
			"listen.tcp: %s is not a loopback address; whoever "
			"reaches that port could register code, so put a "
			"proxy in front of 127.0.0.1 instead",
			cfg->listen.tcp);
	return 0;
}

int config_check(const struct config *cfg, struct config_error *err)
{
	if (cfg->isolation.require_mpk &&
		cfg->isolation.mode == CONFIG_ISOLATION_SOFTWARE)
		return config_invalid(err, "isolation.require_mpk contradicts "
					   "isolation.mode \"software\"");
	if (cfg->isolation.unsafe_native && cfg->isolation.require_mpk)
		return config_invalid(err, "isolation.require_mpk contradicts "
					   "isolation.unsafe_native");
	if (cfg->defaults.memory_mb > cfg->limits.memory_mb)
		return config_invalid(err,
			"defaults.memory_mb %u is above limits.memory_mb %u",
			cfg->defaults.memory_mb, cfg->limits.memory_mb);
	if (cfg->defaults.idle_ttl_ms > cfg->limits.idle_ttl_ms)
		return config_invalid(err,
			"defaults.idle_ttl_ms %u is above limits.idle_ttl_ms "
			"%u",
			cfg->defaults.idle_ttl_ms, cfg->limits.idle_ttl_ms);
	if (cfg->defaults.timeout_ms > cfg->limits.timeout_ms)
		return config_invalid(err,
			"defaults.timeout_ms %u is above limits.timeout_ms %u",
			cfg->defaults.timeout_ms, cfg->limits.timeout_ms);
	if (cfg->limits.total_memory_mb &&
		cfg->limits.total_memory_mb < cfg->defaults.memory_mb)
		return config_invalid(err,
			"limits.total_memory_mb %u is below "
			"defaults.memory_mb %u",
			cfg->limits.total_memory_mb, cfg->defaults.memory_mb);
	return check_listeners(cfg, err);
}
