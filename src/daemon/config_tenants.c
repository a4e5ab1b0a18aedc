/*
 * The section "tenants": limits by the tenant's name. It stands in the file
 * alone: a map has no fixed keys that flags or the environment could name.
 * Trusted side; control thread at start. Input is the operator's.
 */
#include "daemon/config_tenants.h"

#include <string.h>

#include "daemon/config_keys.h"
#include "util/strutil.h"

#define PATH_SIZE 160
#define CALLS_MAX 1000000
#define PERCENT_MAX 25600

static const struct tenant_key {
	const char *name;
	size_t offset; /* of a uint32_t in struct config_tenant; of `rate`, the
			* calls */
	uint32_t max;  /* 0: it is a rate */
	const char *values;
	const char *help;
} keys[] = {
	{"concurrency", offsetof(struct config_tenant, concurrency), CALLS_MAX,
		"0 to 1000000",
		"invocations at once, all its functions together; 0: no "
		"limit"},
	{"rate", offsetof(struct config_tenant, rate_calls), 0,
		"N/s, N/m, N/h; N 1 to 1000000",
		"invocations per second, minute or hour; as many at once as "
		"fit into a second"},
	{"memory_mb", offsetof(struct config_tenant, memory_mb), 1u << 20,
		"0 to 1048576",
		"memory budgets of its live isolates, idle ones included; 0: "
		"no limit"},
	{"cpu_percent", offsetof(struct config_tenant, cpu_percent),
		PERCENT_MAX, "0 to 25600",
		"time its calls may take on workers, all together; 100: as "
		"much as one worker has; 0: no limit"},
};

enum {
	N_KEYS = sizeof(keys) / sizeof(keys[0])
};

static const struct {
	char unit;
	uint32_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};

enum {
	N_UNITS = sizeof(units) / sizeof(units[0])
};

static uint32_t *number(struct config_tenant *t, const struct tenant_key *key)
{
	return (void *)((char *)t + key->offset);
}

/* "200/s" */
static bool read_rate(struct config_tenant *t, const char *text)
{
	const char *slash = strchr(text, '/');
	uint64_t calls;

	if (!slash || !str_parse_u64((struct slice){text, slash - text}, 1,
			      CALLS_MAX, &calls))
		return false;
	for (size_t i = 0; i < N_UNITS; i++) {
		if (slash[1] != units[i].unit || slash[2] != '\0')
			continue;
		t->rate_calls = (uint32_t)calls;
		t->rate_seconds = units[i].seconds;
		return true;
	}
	return false;
}

static int read_value(struct config_tenant *t, const struct tenant_key *key,
	const char *path, const json_t *v, struct config_error *err)
{
	json_int_t n = json_integer_value(v);

	if (key->max == 0) {
		if (json_is_string(v) && read_rate(t, json_string_value(v)))
			return 0;
		return config_invalid(err,
			"%s: must be a rate such as \"200/s\", \"600/m\" or "
			"\"1000/h\"",
			path);
	}
	if (!json_is_integer(v))
		return config_invalid(err,
			"%s: must be a whole number (0 to %u)", path, key->max);
	if (n < 0 || n > (json_int_t)key->max)
		return config_invalid(err,
			"%s: %" JSON_INTEGER_FORMAT
			" is out of range (0 to %u)",
			path, n, key->max);
	*number(t, key) = (uint32_t)n;
	return 0;
}

static int unknown(const char *tenant, const char *name, const char *path,
	struct config_error *err)
{
	const char *names[N_KEYS];
	const char *near;

	for (size_t i = 0; i < N_KEYS; i++)
		names[i] = keys[i].name;
	if (strcmp(name, "weight") == 0)
		return config_invalid(err,
			"%s: tenants have no weights; "
			"\"tenants.%s.cpu_percent\" limits a tenant's share of "
			"the processors",
			path, tenant);
	near = str_nearest(slice_of(name), names, N_KEYS);
	if (near)
		return config_invalid(err,
			"unknown key \"%.140s\"; did you mean "
			"\"tenants.%s.%s\"?",
			path, tenant, near);
	return config_invalid(err,
		"unknown key \"%.140s\"; a tenant has concurrency, rate, "
		"memory_mb and cpu_percent",
		path);
}

static int read_tenant(struct config_tenant *t, const char *tenant,
	json_t *object, struct config_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		char path[PATH_SIZE];
		size_t i = 0;
		int r;

		(void)snprintf(
			path, sizeof(path), "tenants.%s.%.60s", tenant, name);
		while (i < N_KEYS && strcmp(keys[i].name, name) != 0)
			i++;
		r = i < N_KEYS ? read_value(t, &keys[i], path, value, err)
			       : unknown(tenant, name, path, err);
		if (r)
			return r;
	}
	return 0;
}

int config_tenants_read(
	struct config *cfg, json_t *object, struct config_error *err)
{
	const char *name;
	json_t *value;
	int r = 0;

	if (!json_is_object(object))
		return config_invalid(err, "tenants: must be an object");
	if (json_object_size(object) > CONFIG_TENANTS_MAX)
		return config_invalid(err,
			"tenants: more than the %u there is room for",
			CONFIG_TENANTS_MAX);
	cfg->n_tenants = 0;
	memset(cfg->tenants, 0, sizeof(cfg->tenants));
	json_object_foreach(object, name, value)
	{
		struct config_tenant *t = &cfg->tenants[cfg->n_tenants];

		if (!str_is_name(slice_of(name)))
			return config_invalid(err,
				"tenants.%.80s: a tenant's name is 1 to 63 of "
				"a-z 0-9 . _ - and begins with a letter or "
				"digit",
				name);
		if (!json_is_object(value))
			return config_invalid(
				err, "tenants.%s: must be an object", name);
		(void)strcpy(t->name, name);
		r = read_tenant(t, name, value, err);
		if (r)
			return r;
		cfg->n_tenants++;
	}
	return 0;
}

const char *config_tenant_value(const struct config_tenant *t, size_t index,
	const char **ret_name, char buf[32])
{
	uint32_t n;

	if (index >= N_KEYS)
		return NULL;
	*ret_name = keys[index].name;
	n = *number((struct config_tenant *)t, &keys[index]);
	buf[0] = '\0';
	if (n && keys[index].max)
		(void)snprintf(buf, 32, "%u", n);
	for (size_t i = 0; n && !keys[index].max && i < N_UNITS; i++)
		if (units[i].seconds == t->rate_seconds)
			(void)snprintf(buf, 32, "%u/%c", n, units[i].unit);
	return buf;
}

static json_t *tenant_json(const struct config_tenant *t)
{
	json_t *json = json_object();
	const char *name, *value;
	char buf[32];

	for (size_t i = 0; (value = config_tenant_value(t, i, &name, buf));
		i++) {
		json_t *v =
			keys[i].max
				? json_integer(*number(
					  (struct config_tenant *)t, &keys[i]))
				: json_string(value);

		if (!*value) {
			json_decref(v);
			continue;
		}
		(void)json_object_set_new(json, name,
			json_pack("{s:o, s:s}", "value", v, "source",
				config_source_name(CONFIG_FILE)));
	}
	return json;
}

json_t *config_tenants_json(const struct config *cfg)
{
	json_t *json = json_object();

	for (size_t i = 0; i < cfg->n_tenants; i++)
		(void)json_object_set_new(json, cfg->tenants[i].name,
			tenant_json(&cfg->tenants[i]));
	return json;
}

static const char intro[] =
	"\n"
	"## Tenants\n"
	"\n"
	"The section `tenants` of the file has limits by the name of a\n"
	"tenant, for all its functions together. It stands in the file\n"
	"alone; a tenant that is not named has no limits of its own.\n"
	"\n"
	"```json\n"
	"{ \"tenants\": { \"acme\": { \"concurrency\": 64, "
	"\"rate\": \"200/s\",\n"
	"                         \"memory_mb\": 512, "
	"\"cpu_percent\": 150 } } }\n"
	"```\n"
	"\n"
	"| key | values | what it is |\n"
	"|---|---|---|\n";

static const char outro[] =
	"\n"
	"Over its rate a call is refused at once (`Limit.Rate`). Over its\n"
	"concurrency it waits (`limits.queue`, `limits.queue_wait_ms`), then\n"
	"it is refused (`Limit.Concurrency`). Over its memory idle isolates\n"
	"of the same tenant end first, the coldest before others, then the\n"
	"call waits for one that comes free, then it is refused\n"
	"(`Limit.Memory`). Over its share of the processors it waits until\n"
	"there is some again, then it is refused (`Limit.Cpu`). Nobody\n"
	"else's calls stand behind one that waits for a limit.\n"
	"\n"
	"### Shares of the processors\n"
	"\n"
	"`cpu_percent` counts the time that the tenant's runs hold workers,\n"
	"cold starts and loads at registrations included. Each worker has a\n"
	"processor's worth of it; with 25 a tenant gets 25 ms in each 100 ms,\n"
	"on whichever workers, and what it leaves of 100 ms is not saved up.\n"
	"A run is not interrupted: what it takes above that is paid back\n"
	"before the tenant's next call begins, so keep `timeout_ms` and\n"
	"`cpu_ms` of its functions small. A run that has to wait for a\n"
	"processor, because other processes want it too, counts all the\n"
	"same: the limit may be met with less CPU time, not with more.\n"
	"`gvisord_tenant_cpu_seconds_total` shows what each named tenant has\n"
	"used.\n"
	"\n"
	"gvisord does this itself, to the nanosecond and without a system\n"
	"call. It needs no cgroup, neither v2 nor one that it may write to: a\n"
	"worker runs calls of all tenants, one after the other, and a cgroup\n"
	"holds threads, not calls. For the daemon as a whole the service\n"
	"manager's cgroup holds as for any other (`CPUQuota=`,\n"
	"`CPUWeight=`, `MemoryMax=`).\n"
	"\n"
	"It is a limit, not a weight: what one tenant does not use nobody is\n"
	"promised, and tenants that are not over their limits get their turns\n"
	"in the order in which their calls come in.\n";

void config_tenants_markdown(FILE *to)
{
	(void)fputs(intro, to);
	for (size_t i = 0; i < N_KEYS; i++)
		(void)fprintf(to, "| `tenants.NAME.%s` | %s | %s |\n",
			keys[i].name, keys[i].values, keys[i].help);
	(void)fputs(outro, to);
}
