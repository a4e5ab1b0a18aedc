/*
 * top: a daemon at work, again and again. On a terminal a page that renews
 * itself; else lines, for a file or a program. Client process.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/screen.h"
#include "cli/top_show.h"

enum {
	TOP_INTERVAL = 1,
	TOP_COUNT,
	PAGE_HEAD = 6,	/* lines above the functions */
	FIRST_MS = 500, /* nobody wants to wait for the first page */
	INTERVAL_MAX_S = 3600,
};

struct top {
	int interval_ms;
	uint32_t count; /* 0: for ever */
	bool live;
	char *page; /* the last one shown; malloc'd */
};

static int top_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct top *t = ctx;
	char *end;
	double s;

	if (id == TOP_COUNT)
		return cli_number(cli, "--count", arg, 1000000, &t->count);
	s = strtod(arg, &end);
	if (end == arg || *end || !(s >= 0.1 && s <= INTERVAL_MAX_S))
		return cli_usage_error(cli,
			"--interval wants seconds from 0.1 to %d, not \"%s\"",
			INTERVAL_MAX_S, arg);
	t->interval_ms = (int)(s * 1000);
	return 0;
}

/* A page as text; malloc'd, NULL: no memory. */
static char *page_text(const struct top_sample *now, const struct top_rates *r)
{
	size_t rows = screen_rows(), len;
	char *text = NULL;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return NULL;
	top_show_page(to, now, r, rows > PAGE_HEAD ? rows - PAGE_HEAD : 0);
	(void)fclose(to);
	return text;
}

static void show(struct cli *cli, struct top *t, const struct top_sample *now,
	const struct top_rates *r)
{
	if (t->live) {
		free(t->page);
		t->page = page_text(now, r);
		screen_draw(t->page ? t->page : "out of memory\n");
		return;
	}
	if (cli->output == CLI_JSON)
		top_show_json(cli->out, now, r);
	else if (cli->output == CLI_NAME)
		top_show_names(cli->out, r);
	else
		top_show_line(cli->out, now, r);
	(void)fflush(cli->out);
}

/* One more sample and what it shows; it takes the place of *last. */
static int top_turn(struct cli *cli, struct top *t, struct top_sample *last)
{
	struct top_sample now;
	struct top_rates r;
	int e = top_sample_take(cli, &now);

	if (e == 0 && top_rates_init(&r, last, &now)) {
		show(cli, t, &now, &r);
		top_rates_fini(&r);
	}
	top_sample_fini(last);
	*last = now;
	return e;
}

static int top_loop(struct cli *cli, struct top *t)
{
	struct top_sample last;
	int wait = t->live && t->interval_ms > FIRST_MS ? FIRST_MS
							: t->interval_ms;
	int e = top_sample_take(cli, &last);

	for (uint32_t i = 0; e == 0 && (t->count == 0 || i < t->count); i++) {
		if (screen_wait(wait))
			break;
		e = top_turn(cli, t, &last);
		if (ferror(cli->out))
			break;
		wait = t->interval_ms;
	}
	top_sample_fini(&last);
	return e;
}

/* The last page stays to be read, and what was complained of. */
static int top_live(struct cli *cli, struct top *t)
{
	FILE *err = cli->err;
	char *complaint = NULL;
	size_t len;
	int e;

	cli->err = open_memstream(&complaint, &len);
	if (!cli->err)
		cli->err = err;
	e = top_loop(cli, t);
	screen_close();
	if (t->page)
		(void)fputs(t->page, cli->out);
	if (cli->err != err) {
		(void)fclose(cli->err);
		cli->err = err;
		(void)fputs(complaint, err);
	}
	free(complaint);
	free(t->page);
	return e;
}

static int run_top(struct cli *cli)
{
	struct top t = {.interval_ms = 2000};
	int e;

	if (cli_parse(cli, top_option, &t))
		return cli->exit_code;
	t.live = cli->output == CLI_TABLE && screen_open(cli->out);
	if (!t.live && t.count == 0)
		t.count = 1;
	e = t.live ? top_live(cli, &t) : top_loop(cli, &t);
	return e ? cli->exit_code : CLI_OK;
}

const struct cli_command cmd_top = {
	.name = "top",
	.args = "",
	.help = "Show what the daemon is doing, live",
	.more = "On a terminal a page that renews itself until q or Ctrl-C, "
		"the busiest\nfunctions first. Elsewhere, and with -o json or "
		"-o name, what one interval saw,\nor --count of them, a line "
		"each.\n\n"
		"Examples:\n"
		"  gvisord top\n"
		"  gvisord top --interval 10 --count 6 -o json\n",
	.flags = CLI_TAKES_OUTPUT | CLI_TAKES_TARGET,
	.options =
		(const struct cli_option[]){
			{"interval", 'i', "S", "seconds between two looks (2)",
				TOP_INTERVAL},
			{"count", 'n', "N", "look N times, then end",
				TOP_COUNT},
			{0}},
	.run = run_top,
};
