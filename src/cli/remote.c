/*
 * Calls to the daemon and what becomes of their answers.
 *
 * An error answer is application/problem+json; its code ("Class.Reason") and
 * status choose the exit code, its detail, a traceback of the function maybe,
 * goes to stderr line by line. All of it may be a tenant's text, so nothing
 * reaches the terminal but through cli_print_safe() or a table.
 */
#include "cli/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/admit_report.h"
#include "cli/table.h"
#include "daemon/config.h"
#include "util/escape.h"

/* One line of ASCII, so that no control character and no bidi trick passes;
 * six digits are enough of a fraction. */
#define TEXT_FLAGS                                                             \
	(JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6))

/* 15 digits of a decimal fraction survive a double, 17 of a double survive
 * text. */
enum {
	DIGITS_MIN = 15,
	DIGITS_MAX = 17
};

void remote_jsonp(json_t **json)
{
	json_decref(*json);
}

const char *remote_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

json_int_t remote_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Where the daemon is ------------------------------------------------------ */

static int target(struct cli *cli, struct client_target *ret_target)
{
	char fallback[CONFIG_SOCKET_SIZE];
	const char *path = cli->socket;

	if (cli->url && cli->socket)
		return cli_usage_error(cli, "--socket and --url exclude each "
					    "other");
	if (cli->url) {
		if (client_target_url(cli->url, ret_target))
			return 0;
		return cli_usage_error(cli,
			"--url \"%s\" is not of the form http://127.0.0.1:8080",
			cli->url);
	}
	if (!path)
		path = getenv("GVISORD_SOCKET");
	if (!path || !*path) {
		config_socket_default(fallback);
		path = fallback;
	}
	if (client_target_unix(path, ret_target))
		return 0;
	return cli_usage_error(cli,
		"\"%s\" cannot be a socket path: 1 to %d "
		"bytes",
		path, CONFIG_SOCKET_SIZE - 1);
}

/* The first line of --token-file; "" if there is none. */
static int token(struct cli *cli, char *ret_token, size_t size)
{
	AUTO_FREE char *bytes = NULL;
	size_t len;
	int r;

	*ret_token = '\0';
	if (!cli->token_file)
		return 0;
	r = cli_read_file(cli, cli->token_file, &bytes, &len);
	if (r)
		return r;
	len = strcspn(bytes, "\r\n");
	if (len == 0 || len >= size)
		return cli_usage_error(
			cli, "%s: the first line is no token", cli->token_file);
	bytes[len] = '\0';
	memcpy(ret_token, bytes, len + 1);
	return 0;
}

/* Errors ------------------------------------------------------------------- */

static int stop(struct cli *cli, int code)
{
	cli->exit_code = code;
	return CLI_E_STOP;
}

static int exit_code(int status, const char *code)
{
	bool function = strncmp(code, "Function.", 9) == 0 ||
			strncmp(code, "Sandbox.", 8) == 0;

	if (status == 404)
		return CLI_NOT_FOUND;
	if (status == 504 || status == 408)
		return CLI_TIMEOUT;
	if (status == 429 || strncmp(code, "Limit.", 6) == 0)
		return CLI_LIMITED;
	if (status == 502 && function)
		return CLI_FUNCTION_ERROR;
	/* The request on the command line, as for gvisord run. */
	if (strcmp(code, "Request.BadJson") == 0)
		return CLI_USAGE;
	return CLI_REFUSED;
}

/* Every line indented, so that a tenant's text can't pose as ours. */
static void print_indented(FILE *to, const char *text, size_t len)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		(void)fputs("  ", to);
		escape_terminal(to, text, n);
		(void)fputc('\n', to);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

static void print_field(struct cli *cli, const json_t *problem, const char *key)
{
	const char *text = remote_text(problem, key);

	if (!*text)
		return;
	(void)fprintf(cli->err, "%s: ", key);
	cli_print_safe(cli->err, text);
	(void)fputc('\n', cli->err);
}

static void print_limit(struct cli *cli, const json_t *limit)
{
	AUTO_FREE char *text = NULL;

	if (!limit || json_is_null(limit))
		return;
	text = json_dumps(limit, TEXT_FLAGS);
	(void)fprintf(cli->err, "limit: %s\n", text ? text : "");
}

static void print_problem(
	struct cli *cli, const char *about, int status, const json_t *problem)
{
	const char *code = remote_text(problem, "code");
	const char *title = remote_text(problem, "title");
	const json_t *detail = json_object_get(problem, "detail");

	(void)fprintf(cli->err, "gvisord %s: %s%s", cli->command->name, about,
		*about ? ": " : "");
	cli_print_safe(cli->err, *code ? code : title);
	(void)fprintf(cli->err, " (status %d)\n", status);
	if (json_string_length(detail) > 0)
		print_indented(cli->err, json_string_value(detail),
			json_string_length(detail));
	else
		print_indented(cli->err, title, strlen(title));
	admit_report_refusals(json_object_get(problem, "refusals"), cli->err);
	print_limit(cli, json_object_get(problem, "limit"));
	print_field(cli, problem, "hint");
	print_field(cli, problem, "invocation");
}

static int refused(
	struct cli *cli, const char *about, const struct client_response *res)
{
	CLEANUP(remote_jsonp)
	json_t *problem =
		json_loadb(res->body, res->body_len, JSON_ALLOW_NUL, NULL);

	if (json_is_object(problem)) {
		print_problem(cli, about, res->status, problem);
		return stop(cli,
			exit_code(res->status, remote_text(problem, "code")));
	}
	(void)cli_fail(cli, 0, "%s%sstatus %d", about, *about ? ": " : "",
		res->status);
	print_indented(cli->err, res->body, res->body_len);
	return stop(cli, exit_code(res->status, ""));
}

static int unanswered(struct cli *cli, int e, const struct client_error *err)
{
	if (e < 0)
		(void)cli_fail(
			cli, 0, "cannot ask the daemon: %s", strerror(-e));
	else
		(void)cli_fail(cli, 0, "%s", err->text);
	if (e == CLIENT_E_TIMEOUT)
		return stop(cli, CLI_TIMEOUT);
	if (e == CLIENT_E_TOO_LARGE)
		return stop(cli, CLI_REFUSED);
	return stop(cli, CLI_UNREACHABLE);
}

/* Calls -------------------------------------------------------------------- */

int remote_call(struct cli *cli, const char *about,
	const struct client_request *req, struct client_response *ret_res)
{
	struct client_request asked = *req;
	struct client_response res;
	struct client_target to;
	struct client_error err;
	char secret[256];
	int r = target(cli, &to);

	if (r == 0)
		r = token(cli, secret, sizeof(secret));
	if (r)
		return r;
	if (*secret)
		asked.token = secret;
	if (cli->wait_ms >= 0)
		asked.timeout_ms = cli->wait_ms;
	r = client_call(&to, &asked, &err, &res);
	if (r)
		return unanswered(cli, r, &err);
	if (res.status >= 200 && res.status < 300) {
		*ret_res = res;
		return 0;
	}
	r = refused(cli, about, &res);
	client_response_fini(&res);
	return r;
}

int remote_object(
	struct cli *cli, const struct client_response *res, json_t **ret_json)
{
	json_t *json = json_loadb(res->body, res->body_len, 0, NULL);

	if (!json_is_object(json)) {
		json_decref(json);
		(void)cli_fail(cli, 0,
			"the daemon's answer is not a JSON "
			"object");
		return stop(cli, CLI_REFUSED);
	}
	*ret_json = json;
	return 0;
}

int remote_get(
	struct cli *cli, const char *about, const char *path, json_t **ret_json)
{
	struct client_request req = {.method = "GET",
		.path = path,
		.timeout_ms = REMOTE_WAIT_CONTROL_MS};
	struct client_response res;
	int r = remote_call(cli, about, &req, &res);

	if (r)
		return r;
	r = remote_object(cli, &res, ret_json);
	client_response_fini(&res);
	return r;
}

/* Printing ----------------------------------------------------------------- */

static bool reads_back(const json_t *json, const char *text)
{
	CLEANUP(remote_jsonp)
	json_t *again = json_loads(text, JSON_ALLOW_NUL, NULL);

	return json_equal(json, again);
}

/* With the fewest digits of a real that lose nothing: 0.1 is to be 0.1, and all
 * 17 digits of a function's reply are to be there if they matter. */
void remote_print_json(const json_t *json, FILE *to)
{
	/* ASCII only: no control character of C1, no bidi trick. */
	const size_t flags = JSON_INDENT(2) | JSON_ENSURE_ASCII;

	for (size_t digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
		AUTO_FREE char *text =
			json_dumps(json, flags | JSON_REAL_PRECISION(digits));

		if (!text)
			break;
		if (digits == DIGITS_MAX || reads_back(json, text)) {
			(void)fputs(text, to);
			break;
		}
	}
	(void)fputc('\n', to);
}

static void member_cell(struct table *t, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	if (json_is_string(value)) {
		table_cell(t, "%s", json_string_value(value));
		return;
	}
	text = json_dumps(value, TEXT_FLAGS);
	table_cell(t, "%s", text ? text : "");
}

static void nested_cell(struct table *t, const json_t *object)
{
	char text[512] = "";
	size_t len = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		AUTO_FREE char *v = json_dumps(value, TEXT_FLAGS);
		int n = snprintf(text + len, sizeof(text) - len, "%s%s %s",
			len ? ", " : "", key, v ? v : "");

		if (n < 0 || (size_t)n >= sizeof(text) - len)
			break;
		len += (size_t)n;
	}
	table_cell(t, "%s", text);
}

void remote_print_members(const json_t *object, FILE *to)
{
	struct table t;
	const char *key;
	json_t *value;

	table_init(&t, NULL, 2);
	json_object_foreach((json_t *)object, key, value)
	{
		if (json_is_null(value))
			continue;
		table_cell(&t, "%s", key);
		if (json_is_object(value))
			nested_cell(&t, value);
		else
			member_cell(&t, value);
	}
	(void)table_print(&t, to);
	table_fini(&t);
}
