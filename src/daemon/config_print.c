/*
 * Showing the configuration: the effective values with their sources as JSON,
 * and the reference page made from the key table, so that page and program
 * cannot differ. Trusted side; control thread, stdio.
 */
#include <jansson.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "daemon/config.h"
#include "daemon/config_keys.h"
#include "daemon/config_tenants.h"

const char *config_source_name(enum config_source source)
{
	static const char *const names[] = {[CONFIG_DEFAULT] = "default",
		[CONFIG_FILE] = "file",
		[CONFIG_ENV] = "environment",
		[CONFIG_FLAG] = "flag"};

	CHECK((size_t)source < sizeof(names) / sizeof(names[0]));
	return names[source];
}

static const void *field(const struct config *cfg, const struct config_key *key)
{
	return (const char *)cfg + key->offset;
}

const char *config_value(const struct config *cfg, size_t index, char buf[16])
{
	const struct config_key *key = &config_keys[index];
	const void *at = field(cfg, key);

	switch (key->type) {
	case CONFIG_UINT:
		(void)snprintf(buf, 16, "%u", *(const uint32_t *)at);
		return buf;
	case CONFIG_BOOL:
		return *(const bool *)at ? "true" : "false";
	case CONFIG_STRING:
		return at;
	case CONFIG_CHOICE:
		return key->choices[*(const int *)at];
	}
	CHECK(!"config type");
	return NULL;
}

static json_t *value_json(const struct config *cfg, size_t index)
{
	const struct config_key *key = &config_keys[index];
	char buf[16];

	if (key->type == CONFIG_UINT)
		return json_integer(*(const uint32_t *)field(cfg, key));
	if (key->type == CONFIG_BOOL)
		return json_boolean(*(const bool *)field(cfg, key));
	return json_string(config_value(cfg, index, buf));
}

/* The object a key lives in, made on first use; *ret_name is its last part. */
static json_t *section_of(json_t *root, const char *path, const char **ret_name)
{
	const char *dot = strchr(path, '.');
	char name[64];
	json_t *section;

	*ret_name = dot ? dot + 1 : path;
	if (!dot)
		return root;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	section = json_object_get(root, name);
	if (!section) {
		section = json_object();
		(void)json_object_set_new(root, name, section);
	}
	return section;
}

void config_print_json(const struct config *cfg, FILE *to)
{
	json_t *root = json_object();

	for (size_t i = 0; i < config_n_keys; i++) {
		const char *name;
		json_t *section = section_of(root, config_keys[i].path, &name);
		json_t *entry = json_object();

		(void)json_object_set_new(entry, "value", value_json(cfg, i));
		(void)json_object_set_new(entry, "source",
			json_string(config_source_name(cfg->source[i])));
		(void)json_object_set_new(section, name, entry);
	}
	(void)json_object_set_new(root, "tenants", config_tenants_json(cfg));
	(void)json_dumpf(root, to, JSON_INDENT(2));
	(void)fputc('\n', to);
	json_decref(root);
}

static void print_type(const struct config_key *key, FILE *to)
{
	switch (key->type) {
	case CONFIG_UINT:
		(void)fprintf(to, "%u to %u", key->min, key->max);
		return;
	case CONFIG_BOOL:
		(void)fputs("true, false", to);
		return;
	case CONFIG_STRING:
		(void)fprintf(to, "string, at most %u bytes", key->max);
		return;
	case CONFIG_CHOICE:
		for (int i = 0; key->choices[i]; i++)
			(void)fprintf(
				to, "%s%s", i ? ", " : "", key->choices[i]);
		return;
	}
}

static void print_row(const struct config_key *key, FILE *to)
{
	const char *fallback = key->fallback;
	char env[64];

	config_env_name(key, env, sizeof(env));
	if (!fallback)
		fallback = "see below";
	(void)fprintf(to, "| `%s` | ", key->path);
	print_type(key, to);
	(void)fprintf(to, " | %s | `%s` | %s |\n",
		*fallback ? fallback : "\"\"", env, key->help);
}

static const char intro[] =
	"# Configuration\n"
	"\n"
	"Made by `gvisord config --markdown`; do not edit.\n"
	"\n"
	"A value is taken from the first place that has it: a flag of\n"
	"`gvisord serve` (`--set limits.queue=10` reaches every key), the\n"
	"environment, the configuration file, the default. The file is\n"
	"`--config FILE`, else `$GVISORD_CONFIG`, else\n"
	"`" CONFIG_FILE_DEFAULT "` if it exists. It is strict JSON; the dots\n"
	"of a key are nested objects:\n"
	"\n"
	"```json\n"
	"{ \"listen\": { \"tcp\": \"127.0.0.1:8080\" },\n"
	"  \"limits\": { \"queue\": 64 } }\n"
	"```\n"
	"\n"
	"An unknown key, a duplicate, a wrong type or a value out of range\n"
	"refuses the start and is named. `gvisord config` shows the effective\n"
	"values and where each comes from; `gvisord serve --check-config` "
	"only\n"
	"checks them.\n"
	"\n"
	"| key | values | default | environment | what it is |\n"
	"|---|---|---|---|---|\n";

static const char outro[] =
	"\n"
	"## Default socket\n"
	"\n"
	"The default of `listen.socket` is `/run/gvisord/gvisord.sock` for\n"
	"root, else `$XDG_RUNTIME_DIR/gvisord.sock`, else\n"
	"`/tmp/gvisord-UID.sock`.\n";

void config_print_markdown(FILE *to)
{
	(void)fputs(intro, to);
	for (size_t i = 0; i < config_n_keys; i++)
		print_row(&config_keys[i], to);
	config_tenants_markdown(to);
	(void)fputs(outro, to);
}
