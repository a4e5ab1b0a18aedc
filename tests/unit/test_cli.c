/* The command line: parsing, help, exit codes, and each command against a
 * scripted daemon. serve_main() and run_once() are doubles that note what they
 * were handed. */
#include "test_cli_server.h"

#include <jansson.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "daemon/config.h"
#include "daemon/serve.h"

static char ran[512];

int serve_main(const struct config *cfg)
{
	(void)snprintf(ran, sizeof(ran), "socket=%s tcp=%s workers=%u mode=%d",
		cfg->listen.socket, cfg->listen.tcp, cfg->workers,
		cfg->isolation.mode);
	return 7;
}

int run_once(const struct config *cfg, const struct run_once_args *args)
{
	(void)snprintf(ran, sizeof(ran), "%s %s %s code=%.*s request=%.*s %u",
		args->path, args->language, args->entry, (int)args->code_len,
		(const char *)args->code, (int)args->request_len,
		(const char *)args->request, cfg->defaults.timeout_ms);
	return 1;
}

static char *out, *err;
static char *replies[32];
static size_t n_replies;
static char dir[] = "/tmp/gv-cli-XXXXXX";

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	cr_assert(chdir(dir) == 0);
	(void)unsetenv("GVISORD_SOCKET");
	(void)unsetenv("GVISORD_CONFIG");
}

static void teardown(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_assert(system(command) == 0);
	free(out);
	free(err);
	while (n_replies > 0)
		free(replies[--n_replies]);
}

TestSuite(cli, .init = setup, .fini = teardown, .timeout = 60);

/* Runs one command line; its words are split at blanks, '_' stands for a blank
 * in a word. */
static int run(const char *line)
{
	char *words[32] = {(char *)"gvisord"}, *copy = strdup(line), *rest;
	size_t out_len, err_len;
	int argc = 1, code;
	FILE *o, *e;

	free(out);
	free(err);
	o = open_memstream(&out, &out_len);
	e = open_memstream(&err, &err_len);
	for (char *w = strtok_r(copy, " ", &rest); w;
		w = strtok_r(NULL, " ", &rest)) {
		for (char *c = w; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		words[argc++] = w;
	}
	code = cli_main(argc, words, o, e);
	(void)fclose(o);
	(void)fclose(e);
	free(copy);
	return code;
}

static void is(
	const char *line, int code, const char *in_out, const char *in_err)
{
	int got = run(line);

	cr_assert(got == code, "%s: exit %d, not %d; %s", line, got, code, err);
	cr_assert(strstr(out, in_out) != NULL, "%s: no \"%s\" in: %s", line,
		in_out, out);
	cr_assert(strstr(err, in_err) != NULL, "%s: no \"%s\" in: %s", line,
		in_err, err);
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	cr_assert(f != NULL);
	(void)fputs(text, f);
	(void)fclose(f);
}

/* A reply of the fake daemon. */
static const char *reply(int status, const char *headers, const char *body)
{
	char *text = NULL;

	cr_assert(asprintf(&text,
			  "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s",
			  status, headers, strlen(body), body) > 0);
	cr_assert(n_replies < 32);
	return replies[n_replies++] = text;
}

/* One command line against one reply. */
static void against(const char *line, const char *bytes, int code)
{
	struct fake_reply r = {bytes, FAKE_NORMAL, 0};
	int got;

	fake.len = 0;
	memset(fake.requests, 0, sizeof(fake.requests));
	fake_start(&r, 1);
	(void)setenv("GVISORD_SOCKET", fake.path, 1);
	got = run(line);
	fake_stop();
	cr_assert(got == code, "%s: exit %d, not %d; %s", line, got, code, err);
}

static void asked(const char *request)
{
	cr_assert(strstr(fake.requests, request) != NULL, "no \"%s\" in: %s",
		request, fake.requests);
}

static void shows(const char *in_out)
{
	cr_assert(strstr(out, in_out) != NULL, "no \"%s\" in: %s", in_out, out);
}

static void complains(const char *in_err)
{
	cr_assert(strstr(err, in_err) != NULL, "no \"%s\" in: %s", in_err, err);
}

/* Dispatch and options ----------------------------------------------------- */

Test(cli, help_and_version)
{
	is("help", 0, "Exit codes:", "");
	is("--help", 0, "deploy", "");
	is("-h", 0, "deploy", "");
	is("--version", 0, "gvisord " GV_VERSION, "");
	is("version", 0, "gvisord " GV_VERSION, "");
	is("version -o json", 0, "\"version\": \"" GV_VERSION "\"", "");
	is("", 2, "", "Usage: gvisord COMMAND");
	is("help deploy", 0, "--memory-mb N", "");
	is("help deplyo", 2, "", "did you mean \"deploy\"?");
}

Test(cli, every_command_has_help_with_an_example)
{
	const struct cli_command *c;

	for (size_t i = 0; (c = cli_command_at(i)); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "%s --help", c->name);
		is(line, 0, "Usage: gvisord ", "");
		shows(c->name);
		shows("Example");
		shows("\n  gvisord ");
		for (const char *l = out; *l; l = strchr(l, '\n') + 1)
			cr_assert(strcspn(l, "\n") <= 80, "%s: %.90s", c->name,
				l);
	}
}

Test(cli, mistakes_name_the_nearest)
{
	is("deploi x", 2, "",
		"unknown command \"deploi\"; did you mean "
		"\"deploy\"?");
	is("qqqqqqqq", 2, "", "unknown command \"qqqqqqqq\"\n");
	is("deploy --memroy-mb 3 x", 2, "", "did you mean --memory-mb?");
	is("invoke --verbos=1 x", 2, "", "--verbose");
	is("list --sokcet x", 2, "", "did you mean --socket?");
	is("policy wroker", 5, "", "did you mean \"worker\"?");
	is("serve --set limits.queeu=1", 2, "", "\"limits.queue\"");
	is("--bogus list", 2, "", "unknown option --bogus before the command");
}

Test(cli, option_errors)
{
	is("deploy -zq x", 2, "", "unknown option -z\n");
	is("list --socket=x -q", 2, "", "unknown option -q\n");
	is("deploy x -m", 2, "", "-m wants an argument");
	is("deploy x --entry", 2, "", "--entry wants an argument");
	is("--socket", 2, "", "--socket wants an argument");
	is("list --help=3", 2, "", "--help takes no value");
	is("list -o yaml", 2, "", "table, json, name");
	is("list --wait-ms 0", 2, "", "1 to 86400000");
	is("deploy x.lua --memory-mb 1025", 2, "", "1 to 1024");
	is("deploy x.lua --timeout-ms 1s", 2, "", "not \"1s\"");
	is("deploy x.lua --idle-ttl-ms -2", 2, "", "0 to 86400000");
	is("deploy x.lua --max-concurrency 1000001", 2, "",
		"--max-concurrency wants a whole number from 0 to 1000000");
	is("deploy x.lua --max-rate x", 2, "", "--max-rate wants");
	is("deploy x.lua --contexts 17", 2, "", "--contexts wants");
	is("deploy x.lua --cpu-ms -5", 2, "", "--cpu-ms wants");
	is("describe", 2, "", "too few arguments");
	is("list a", 2, "", "usage: gvisord list\n");
	is("describe a b", 2, "", "one argument too many: \"b\"");
	is("list --socket /x --url http://127.0.0.1:1", 2, "", "exclude");
	is("list --url ftp://x", 2, "", "http://127.0.0.1:8080");
	is("invoke f {} -d {}", 2, "", "twice");
	is("list --tenant A", 2, "", "no tenant name");
}

Test(cli, names)
{
	is("describe Upper", 2, "", "\"Upper\" is no function name");
	is("describe a/b/c", 2, "", "\"b/c\" is no function name");
	is("describe /b", 2, "", "\"\" is no tenant name");
	is("describe a/", 2, "", "\"\" is no function name");
	is("describe ../x", 2, "", "\"..\" is no tenant name");
	is("describe a?x=1", 2, "", "is no function name");
	is("describe -t b a/x", 2, "", "--tenant b contradicts \"a/x\"");
}

Test(cli, unreachable)
{
	is("list --socket /tmp/gv-none.sock", 3, "",
		"cannot reach gvisord at /tmp/gv-none.sock");
	is("--socket /tmp/gv-none.sock list", 3, "",
		"start it with: gvisord "
		"serve");
	is("--url=http://127.0.0.1:1 ps", 3, "", "Connection refused");
}

/* Commands ----------------------------------------------------------------- */

static const char descriptor[] =
	"{\"tenant\":\"default\",\"name\":\"hello\",\"version\":2,"
	"\"memory_mb\":64,\"isolates\":{\"idle\":1,\"busy\":0},"
	"\"last_error\":null,\"replaced\":true}";

Test(cli, deploy_guesses_name_and_language)
{
	put_file("Hello.lua", "return 1");
	against("deploy ./Hello.lua", reply(201, "", descriptor), 0);
	asked("PUT /v1/functions/default/hello?language=lua HTTP/1.1\r\n");
	asked("\r\nContent-Type: text/x-lua\r\n");
	asked("\r\n\r\nreturn 1");
	shows("deployed default/hello\n");
	shows("idle 1, busy 0");
	cr_assert(strstr(out, "last_error") == NULL);
}

Test(cli, deploy_sends_every_option)
{
	put_file("a.txt", "x");
	against("deploy a.txt acme/f --language lua --entry a_&b --memory-mb 9 "
		"--timeout-ms 8 --idle-ttl-ms 0 --cpu-ms 0 --max-concurrency 7 "
		"--max-rate 0 --contexts 4 -o name",
		reply(200, "", descriptor), 0);
	asked("PUT /v1/functions/acme/f?language=lua&entry=a%20%26b"
	      "&memory_mb=9&timeout_ms=8&idle_ttl_ms=0&cpu_ms=0"
	      "&max_concurrency=7&max_rate=0&contexts=4 HTTP/1.1\r\n");
	cr_assert_str_eq(out, "acme/f\n");
}

Test(cli, deploy_tells_what_happened)
{
	put_file("f.lua", "x");
	against("deploy f.lua", reply(200, "", descriptor), 0);
	shows("replaced default/f");
	against("deploy f.lua -t acme", reply(200, "", "{}"), 0);
	shows("unchanged acme/f");
	against("deploy f.lua -o json", reply(201, "", descriptor), 0);
	shows("\"memory_mb\": 64");
	against("deploy f.lua", reply(201, "", "[]"), 7);
	complains("not a JSON object");
}

Test(cli, deploy_without_a_file)
{
	is("deploy none.lua", 2, "", "cannot read none.lua: No such file");
	is("deploy .", 2, "", "cannot tell the language");
	is("deploy x.wasm", 2, "", "give --language");
	put_file("a b.lua", "x");
	is("deploy a_b.lua", 2, "", "\"a b\" is no function name");
}

Test(cli, invoke)
{
	put_file("r.json", "{\"from\":\"file\"}");
	against("invoke hello {\"a\":1}", reply(200, "", "{\"b\":2}"), 0);
	asked("POST /v1/functions/default/hello/invoke HTTP/1.1\r\n");
	asked("\r\nContent-Type: application/json\r\n");
	asked("\r\n\r\n{\"a\":1}");
	cr_assert_str_eq(out, "{\"b\":2}\n");
	cr_assert_str_empty(err);
	against("invoke acme/f", reply(200, "", "x\n"), 0);
	asked("POST /v1/functions/acme/f/invoke");
	asked("\r\n\r\n{}");
	cr_assert_str_eq(out, "x\n");
	against("invoke f -d @r.json", reply(200, "", ""), 0);
	asked("\r\n\r\n{\"from\":\"file\"}");
	cr_assert_str_empty(out);
	is("invoke f -d @none", 2, "", "cannot read none");
}

Test(cli, invoke_reads_standard_input)
{
	put_file("in", "[1,2]");
	cr_assert(freopen("in", "r", stdin) != NULL);
	against("invoke f -d -", reply(200, "", "1"), 0);
	asked("\r\n\r\n[1,2]");
}

Test(cli, invoke_shows_the_facts_of_a_call)
{
	static const char head[] = "Gvisor-Invocation-Id: 01ABC\r\n"
				   "Gvisor-Start: cold\r\n"
				   "Server-Timing: run;dur=0.1\r\n";

	against("invoke f -v", reply(200, head, "1"), 0);
	complains("invocation: 01ABC\nstart: cold\n");
	cr_assert_str_eq(out, "1\n");
	against("invoke f -o name", reply(200, head, "1"), 0);
	cr_assert_str_eq(out, "01ABC\n");
	against("invoke f -o json", reply(200, head, "{\"x\":[1]}"), 0);
	shows("\"start\": \"cold\"");
	shows("\"reply\": {");
	against("invoke f -o json", reply(200, head, "not json"), 0);
	shows("\"reply\": \"not json\"");
}

static void ends(int status, const char *code, int exit_code)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
		"{\"code\":\"%s\",\"title\":\"T\",\"detail\":\"D\"}", code);
	against("invoke f", reply(status, "", body), exit_code);
	complains(code);
	complains("\n  D\n");
	cr_assert_str_empty(out);
}

Test(cli, exit_codes)
{
	ends(502, "Function.Error", 1);
	ends(502, "Function.OutOfMemory", 1);
	ends(502, "Sandbox.MemoryViolation", 1);
	ends(504, "Sandbox.Timeout", 4);
	ends(404, "Function.NotFound", 5);
	ends(429, "Limit.QueueFull", 6);
	ends(503, "Limit.Connections", 6);
	ends(400, "Request.BadJson", 2);
	ends(400, "Request.Invalid", 7);
	ends(413, "Request.TooLarge", 7);
	ends(422, "Code.LoadFailed", 7);
	ends(403, "Auth.Denied", 7);
	ends(500, "Daemon.Internal", 7);
	ends(503, "Daemon.Draining", 7);
	against("invoke f", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha",
		3);
	complains("no usable answer");
	against("invoke f", "garbage\r\n", 3);
	against("invoke f", reply(502, "", "<html>Bad Gateway</html>"), 7);
	complains("status 502");
	complains("  <html>");
}

Test(cli, a_daemon_that_is_silent)
{
	struct fake_reply r = {"", FAKE_HANG, 0};

	fake_start(&r, 1);
	(void)setenv("GVISORD_SOCKET", fake.path, 1);
	cr_assert_eq(run("invoke f --wait-ms 100"), 4);
	complains("in time");
	fake_stop();
}

Test(cli, tracebacks_stay_whole_and_terminals_safe)
{
	against("invoke f",
		reply(502, "",
			"{\"code\":\"Function.Error\",\"status\":502,"
			"\"detail\":\"boom\\nstack traceback:\\n\\tf:3: in g"
			"\\n\\u001b]0;owned\\u0007\\u009b2J\\n"
			"hint: a lie\","
			"\"hint\":\"see the docs\",\"invocation\":\"01X\","
			"\"limit\":{\"memory_mb\":64}}"),
		1);
	complains("gvisord invoke: default/f: Function.Error (status 502)\n"
		  "  boom\n  stack traceback:\n  \tf:3: in g\n"
		  "  \\x1b]0;owned\\x07\\xc2\\x9b2J\n  hint: a lie\n"
		  "limit: {\"memory_mb\": 64}\n"
		  "hint: see the docs\ninvocation: 01X\n");
}

Test(cli, reals_have_no_more_digits_than_they_need)
{
	against("describe f -o json",
		reply(200, "", "{\"a\":0.1,\"b\":2.836,\"c\":[1e300]}"), 0);
	shows("\"a\": 0.1,");
	shows("\"b\": 2.836,");
	shows("1e300");
	/* 0.1 + 0.2 is not 0.3. */
	against("describe f -o json",
		reply(200, "", "{\"a\":0.30000000000000004,\"b\":\"x\"}"), 0);
	shows("\"a\": 0.30000000000000004");
	against("invoke f -o json", reply(200, "", "\"a\\u0000b\""), 0);
	shows("\"a\\u0000b\"");
}

Test(cli, list_follows_pages)
{
	static const char one[] =
		"{\"functions\":[{\"tenant\":\"a\",\"name\":\"f\","
		"\"language\":\"lua\",\"version\":1,\"memory_mb\":64,"
		"\"timeout_ms\":30000,\"isolates\":{\"idle\":1,\"busy\":2},"
		"\"stats\":{\"calls\":12345,\"errors\":1}}],\"next\":\"a/f\"}";
	static const char two[] =
		"{\"functions\":[{\"tenant\":\"longer\",\"name\":\"g\"}]}";
	struct fake_reply pages[] = {{reply(200, "", one), FAKE_NORMAL, 0},
		{reply(200, "", two), FAKE_NORMAL, 0}};

	fake_start(pages, 2);
	(void)setenv("GVISORD_SOCKET", fake.path, 1);
	cr_assert_eq(run("list"), 0);
	fake_stop();
	asked("GET /v1/functions?limit=1000 HTTP/1.1\r\n");
	asked("GET /v1/functions?limit=1000&after=a/f HTTP/1.1\r\n");
	cr_assert_str_eq(out,
		"NAME      LANGUAGE  VERSION  MEMORY   TIMEOUT  IDLE  BUSY  "
		"CALLS  ERRORS\n"
		"a/f       lua             1  64 MiB  30000 ms     1     2  "
		"12345       1\n"
		"longer/g                  0   0 MiB      0 ms     0     0  "
		"    0       0\n");
}

Test(cli, list_forms)
{
	static const char body[] =
		"{\"functions\":[{\"tenant\":\"a\",\"name\":\"f\"}],"
		"\"next\":\"../../x?y\"}";

	against("list -o name --tenant a", reply(200, "", body), 0);
	asked("GET /v1/functions/a?limit=1000 HTTP/1.1\r\n");
	cr_assert_str_eq(out, "a/f\n");
	against("list -o json", reply(200, "", body), 0);
	cr_assert_eq(out[0], '[');
	against("list", reply(200, "", "{\"functions\":7}"), 0);
	against("list", reply(200, "", "{\"functions\":[1,null,[]]}"), 0);
	against("list", reply(200, "", "nonsense"), 7);
}

Test(cli, describe_and_remove)
{
	against("describe hello", reply(200, "", descriptor), 0);
	asked("GET /v1/functions/default/hello HTTP/1.1\r\n");
	shows("version    2\n");
	against("describe hello -o json", reply(200, "", descriptor), 0);
	shows("\"idle\": 1");
	against("remove hello", "HTTP/1.1 204 X\r\n\r\n", 0);
	asked("DELETE /v1/functions/default/hello HTTP/1.1\r\n");
	cr_assert_str_eq(out, "removed default/hello\n");
	against("remove a/b", reply(202, "", "{}"), 0);
	cr_assert_str_eq(out, "draining a/b\n");
	against("remove a/b -o json", "HTTP/1.1 204 X\r\n\r\n", 0);
	shows("\"state\": \"removed\"");
	against("describe hello",
		reply(404, "",
			"{\"code\":\"Function.NotFound\",\"detail\":\"\","
			"\"title\":\"No such function\"}"),
		5);
	complains("Function.NotFound (status 404)\n  No such function\n");
}

Test(cli, ps)
{
	static const char body[] =
		"{\"total\":2,\"isolates\":["
		"{\"id\":7,\"state\":\"idle\",\"function\":\"a/f\\u001b[m\","
		"\"key\":3,\"worker\":1,\"age_s\":1.25,\"calls\":9,"
		"\"heap_used\":20480,\"heap_peak\":40960},"
		"{\"id\":8,\"state\":\"busy\",\"function\":\"a/"
		"g\",\"key\":null,"
		"\"worker\":0,\"age_s\":0}]}";

	against("ps", reply(200, "", body), 0);
	asked("GET /v1/isolates?limit=1000 HTTP/1.1\r\n");
	shows("20 KiB  40 KiB  1.2 s");
	shows(" 8  a/g       busy     -");
	shows("a/f?[m");
	against("ps -o name", reply(200, "", body), 0);
	cr_assert_str_eq(out, "7\n8\n");
	against("ps -o json", reply(200, "", body), 0);
	shows("\"total\": 2");
	against("version --daemon",
		reply(200, "", "{\"isolation\":\"software\"}"), 0);
	asked("GET /v1/info HTTP/1.1\r\n");
	shows("isolation  software");
}

Test(cli, ps_follows_pages)
{
	static const char one[] =
		"{\"total\":2,\"isolates\":[{\"id\":7}],\"next\":\"12\"}";
	static const char two[] = "{\"total\":2,\"isolates\":[{\"id\":8}]}";
	struct fake_reply pages[] = {{reply(200, "", one), FAKE_NORMAL, 0},
		{reply(200, "", two), FAKE_NORMAL, 0}};

	fake_start(pages, 2);
	(void)setenv("GVISORD_SOCKET", fake.path, 1);
	cr_assert_eq(run("ps -o name"), 0);
	fake_stop();
	asked("GET /v1/isolates?limit=1000&after=12 HTTP/1.1\r\n");
	cr_assert_str_eq(out, "7\n8\n");
}

Test(cli, domains)
{
	static const char body[] =
		"{\"isolation\":\"mpk\",\"isolation_reason\":null,"
		"\"domains\":[{\"key\":3,\"owner\":{\"isolate\":7,"
		"\"function\":\"a/f\\u001b[m\",\"state\":\"busy\"},\"pins\":1,"
		"\"hits\":12,\"binds\":5,\"steals\":4,"
		"\"resident_bytes\":8192},"
		"{\"key\":4,\"owner\":null,\"pins\":0,\"hits\":0,\"binds\":0,"
		"\"steals\":0,\"resident_bytes\":0}],"
		"\"totals\":{\"hits\":30,\"misses\":10,\"free\":1,"
		"\"evict\":9,\"waits\":2,\"wait_s\":0.5,"
		"\"retagged_pages\":64}}";
	static const char soft[] =
		"{\"isolation\":\"software\",\"isolation_reason\":\"no "
		"PKU\\u001b[m\",\"domains\":[],\"totals\":{}}";

	against("domains", reply(200, "", body), 0);
	asked("GET /v1/domains HTTP/1.1\r\n");
	shows("  3  a/f?[m        7  busy      1    12     5       4     8 "
	      "KiB\n");
	shows("  4  -             -  -         0     0     0       0     0 "
	      "KiB\n");
	shows("hits 30 (75.00 %), misses 10: free 1, evict 9\n"
	      "waits 2, 0.500 s in all; pages retagged 64\n");
	against("domains -o name", reply(200, "", body), 0);
	cr_assert_str_eq(out, "3\n4\n");
	against("domains -o json", reply(200, "", body), 0);
	shows("\"steals\": 4");
	against("domains", reply(200, "", soft), 0);
	cr_assert_str_eq(out, "No hardware keys: no PKU\\x1b[m\n");
	against("domains", reply(200, "", "{\"domains\":[7,{\"owner\":[]}]}"),
		0);
	against("domains", reply(200, "", "[]"), 7);
}

Test(cli, warm)
{
	static const char body[] = "{\"isolates\":8,\"made\":5}";

	against("warm acme/f -n 8", reply(200, "", body), 0);
	asked("POST /v1/functions/acme/f/warm HTTP/1.1\r\n");
	asked("\r\n\r\n{\"isolates\":8}");
	cr_assert_str_eq(out, "acme/f: 8 isolates warm, 5 new\n");
	against("warm f", reply(200, "", body), 0);
	asked("{\"isolates\":1}");
	against("warm f -o json", reply(200, "", body), 0);
	shows("\"made\": 5");
	against("warm f",
		reply(429, "",
			"{\"code\":\"Limit.Memory\",\"detail\":\"no room\"}"),
		6);
	complains("no room");
	is("warm", 2, "", "too few arguments");
	is("warm f -n 0", 2, "", "1 to 1000000");
	is("warm f -n x", 2, "", "not \"x\"");
}

/* Two looks at a daemon, each a page of functions and the metrics. */
static int top(const char *line)
{
	static const char *const lists[] = {
		"{\"functions\":[{\"tenant\":\"a\",\"name\":\"f\","
		"\"version\":1,\"isolates\":{\"idle\":1,\"busy\":0},"
		"\"stats\":{\"calls\":10,\"errors\":0,"
		"\"mean_run_ms\":1.0}}]}",
		"{\"functions\":[{\"tenant\":\"a\",\"name\":\"f\","
		"\"version\":1,\"isolates\":{\"idle\":1,\"busy\":0},"
		"\"stats\":{\"calls\":20,\"errors\":0,"
		"\"mean_run_ms\":2.0}},{\"tenant\":\"\\u001b]0;x\","
		"\"name\":\"g\",\"stats\":{\"calls\":1000000}}]}"};
	struct fake_reply r[] = {{reply(200, "", lists[0]), FAKE_NORMAL, 0},
		{reply(200, "", "gvisord_isolates{state=\"idle\"} 1\n"),
			FAKE_NORMAL, 0},
		{reply(200, "", lists[1]), FAKE_NORMAL, 0},
		{reply(200, "", "gvisord_isolates{state=\"idle\"} 4\n"),
			FAKE_NORMAL, 0}};
	int code;

	fake.len = 0;
	memset(fake.requests, 0, sizeof(fake.requests));
	fake_start(r, 4);
	(void)setenv("GVISORD_SOCKET", fake.path, 1);
	code = run(line);
	fake_stop();
	return code;
}

Test(cli, top)
{
	cr_assert_eq(top("top --interval 0.1"), 0);
	asked("GET /v1/functions?limit=1000 HTTP/1.1\r\n");
	asked("GET /metrics HTTP/1.1\r\n");
	shows(" calls/s=0.0 errors/s=0.0 in_flight=0 idle=4 busy=0 ");
	shows(" busiest=\\x1b]0;x/g\n");
	cr_assert(strchr(out, '\x1b') == NULL);
	cr_assert_eq(top("top -i 0.1 -o json"), 0);
	shows("\"isolates_idle\":4.0");
	shows("\"function\":\"a/f\"");
	shows("\"mean_ms\":3.0");
	cr_assert_eq(top("top -i 0.1 -o name"), 0);
	cr_assert_str_eq(out, "\\x1b]0;x/g\na/f\n");
	is("top --interval 0", 2, "", "from 0.1 to 3600");
	is("top --interval nan", 2, "", "from 0.1 to 3600");
	is("top --interval 1x", 2, "", "not \"1x\"");
	is("top --count 0", 2, "", "1 to 1000000");
	is("top --socket /tmp/gv-none.sock", 3, "", "cannot reach");
}

Test(cli, token_is_sent)
{
	put_file("token", "s3cret\nrest");
	put_file("empty", "\n");
	against("list --token-file token", reply(200, "", "{}"), 0);
	asked("\r\nAuthorization: Bearer s3cret\r\n");
	is("list --token-file empty", 2, "", "no token");
	is("list --token-file none", 2, "", "cannot read none");
}

/* serve, run, config ------------------------------------------------------- */

Test(cli, run_hands_over_file_and_request)
{
	put_file("f.lua", "code");
	cr_assert_eq(run("run f.lua [1] --timeout-ms 77 -e main"), 1);
	cr_assert_str_eq(ran, "f.lua lua main code=code request=[1] 77");
	cr_assert_eq(run("run f.lua"), 1);
	cr_assert_str_eq(ran, "f.lua lua handler code=code request={} 30000");
	is("run f.txt", 2, "", "cannot tell the language");
	is("run none.lua", 2, "", "cannot read none.lua");
	is("run f.lua --timeout-ms 0", 2, "", "defaults.timeout_ms: 0 is out");
}

Test(cli, serve_makes_its_configuration)
{
	put_file("c.json", "{\"workers\":2,\"listen\":{\"socket\":\"/a\"}}");
	is("serve -c c.json --print-config", 0, "\"value\": \"/a\"", "");
	is("serve -c c.json --check-config", 0, "configuration ok", "");
	is("serve -c none.json", 2, "", "cannot read none.json");
	is("serve --listen 0.0.0.0:80", 2, "", "not a loopback address");
	is("serve --isolation kvm", 2, "", "auto, mpk, software");
	is("serve --isolation software --require-mpk", 2, "", "contradicts");
	is("serve --workers 999", 2, "", "(0 to 256)");
	is("serve --set workers", 2, "", "KEY=VALUE");
	is("serve extra", 2, "", "one argument too many");
	cr_assert_eq(run("serve -c c.json --socket /b --workers 3 "
			 "--listen 127.0.0.1:1 --isolation mpk"),
		7);
	cr_assert_str_eq(ran, "socket=/b tcp=127.0.0.1:1 workers=3 mode=1");
	cr_assert_eq(run("--socket /c serve --print-config"), 0);
	shows("\"value\": \"/c\"");
}

Test(cli, config)
{
	is("config --set limits.queue=7", 0, "limits.queue ", "");
	shows("flag");
	is("config -o name", 0, "\nlimits.queue\n", "");
	is("config -o json", 0, "\"source\": \"default\"", "");
	is("config --markdown", 0, "| `limits.queue` |", "");
	(void)setenv("GVISORD_WORKERS", "x", 1);
	is("config", 2, "", "GVISORD_WORKERS: workers: \"x\"");
}

/* doctor, policy, table ---------------------------------------------------- */

Test(cli, policy)
{
	json_t *all;

	is("policy", 0, "baseline: ", "");
	shows("worker: ");
	shows("any other");
	is("policy worker", 0, "io_uring_enter", "");
	cr_assert(strstr(out, "baseline:") == NULL);
	is("policy -o name", 0, "baseline\nworker\n", "");
	is("policy worker -o json", 0, "", "");
	all = json_loads(out, 0, NULL);
	cr_assert_eq(json_array_size(all), 1);
	cr_assert(json_array_size(
			  json_object_get(json_array_get(all, 0), "rows")) > 3);
	json_decref(all);
}

Test(cli, doctor)
{
	int code = run("doctor -o json");
	json_t *all = json_loads(out, 0, NULL);
	const char *verdict =
		json_string_value(json_object_get(all, "verdict"));

	cr_assert(verdict != NULL, "%s", out);
	cr_assert_eq(code, strcmp(verdict, "fail") == 0 ? 7 : 0);
	cr_assert_eq(json_array_size(json_object_get(all, "checks")), 13);
	json_decref(all);
	cr_assert_eq(run("doctor"), code);
	shows("CHECK ");
	shows("cpu shares ");
	shows("io_uring ");
	is("doctor --set limits.isolates=0", 2, "", "out of range");
}

Test(cli, tables_align_and_tame)
{
	static const char *const heads[] = {"A", ">B", "C"};
	char *text = NULL;
	struct table t;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	table_init(&t, heads, 3);
	table_cell(&t, "x\x1b[1m");
	table_cell(&t, "%d", 10000);
	table_cell(&t, "last");
	table_cell(&t, "\xc3\xa4\xc2\x9b");
	table_cell(&t, "%s", "");
	table_cell(&t, "a\nb");
	cr_assert(table_print(&t, f));
	(void)fclose(f);
	cr_assert_str_eq(text, "A          B  C\n"
			       "x?[1m  10000  last\n"
			       "\xc3\xa4??           a b\n");
	table_fini(&t);
	free(text);
}
