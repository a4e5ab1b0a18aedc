/*
 * doctor: what this machine offers, and one line on how to mend what it lacks.
 * Client process.
 */
#include <jansson.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/table.h"

struct options {
	struct settings settings;
};

static int doctor_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct options *o = ctx;

	return settings_option(&o->settings, cli, id, arg);
}

static const char *verdict_name(enum doctor_verdict v)
{
	static const char *const names[] = {[DOCTOR_OK] = "ok",
		[DOCTOR_WARN] = "warn",
		[DOCTOR_FAIL] = "fail"};

	return names[v];
}

static void print_fixes(const struct doctor *d, FILE *to)
{
	bool first = true;

	for (size_t i = 0; i < d->n; i++) {
		if (!d->results[i].fix[0])
			continue;
		(void)fprintf(to, "%s  %s: %s\n", first ? "\nTo mend:\n" : "",
			d->results[i].check, d->results[i].fix);
		first = false;
	}
}

static void print_table(const struct doctor *d, struct cli *cli)
{
	static const char *const heads[] = {"CHECK", "VERDICT", "FOUND"};
	struct table t;

	table_init(&t, heads, 3);
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_result *r = &d->results[i];

		table_cell(&t, "%s", r->check);
		table_cell(&t, "%s", verdict_name(r->verdict));
		table_cell(&t, "%s", r->found);
	}
	(void)table_print(&t, cli->out);
	table_fini(&t);
	print_fixes(d, cli->out);
}

static void print_names(const struct doctor *d, struct cli *cli)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->results[i].verdict != DOCTOR_OK)
			(void)fprintf(cli->out, "%s\n", d->results[i].check);
	}
}

static void print_json(const struct doctor *d, struct cli *cli)
{
	CLEANUP(remote_jsonp) json_t *all = NULL;
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_result *r = &d->results[i];

		(void)json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s*}", "check", r->check,
				"verdict", verdict_name(r->verdict), "found",
				r->found, "fix", r->fix[0] ? r->fix : NULL));
	}
	all = json_pack("{s:s, s:o}", "verdict",
		verdict_name(doctor_verdict(d)), "checks", list);
	remote_print_json(all, cli->out);
}

static int run_doctor(struct cli *cli)
{
	struct options o = {0};
	struct doctor d = {.root = ""};
	struct config cfg;

	if (cli_parse(cli, doctor_option, &o) ||
		settings_load(&o.settings, cli, &cfg))
		return cli->exit_code;
	d.need_mpk = cfg.isolation.require_mpk ||
		     cfg.isolation.mode == CONFIG_ISOLATION_MPK;
	d.isolates = cfg.limits.isolates;
	d.connections = cfg.limits.connections;
	doctor_examine(&d);
	if (cli->output == CLI_JSON)
		print_json(&d, cli);
	else if (cli->output == CLI_NAME)
		print_names(&d, cli);
	else
		print_table(&d, cli);
	return doctor_verdict(&d) == DOCTOR_FAIL ? CLI_REFUSED : CLI_OK;
}

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.args = "",
	.help = "Check what this machine offers, with the way to mend it",
	.more = "warn: the daemon runs, but less well; without hardware keys "
		"it "
		"isolates by\nsoftware. fail: it will not start. With "
		"--require-mpk what hardware isolation\nneeds is needed, and "
		"the exit code is 7 if it is missing. The limits are held\n"
		"against the configuration. -o name prints what is not ok.\n\n"
		"Examples:\n"
		"  gvisord doctor\n"
		"  gvisord doctor --require-mpk --set limits.isolates=20000\n",
	.flags = CLI_TAKES_OUTPUT,
	.options = (const struct cli_option[]){{"require-mpk", 0, NULL,
						       "judge for hardware "
						       "isolation",
						       SETTINGS_REQUIRE_MPK},
		SETTINGS_OPTIONS, {0}},
	.run = run_doctor,
};
