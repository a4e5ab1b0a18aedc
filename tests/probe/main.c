/*
 * gvisord-probe: the product with one engine more, which does inside an isolate
 * what functions must not, and with defences that can be left out. For tests.
 */
#include "cli/cli.h"
#include "engine/engine.h"
#include "tests/probe/probe_in.h"
#include "tests/probe/without.h"

static int probe_admit(
	const struct engine_code *code, struct engine_verdict *ret_verdict)
{
	(void)code;
	*ret_verdict = (struct engine_verdict){0};
	return 0;
}

const struct engine engine_faulty = {
	.name = "faulty",
	.media_type = "text/x-faulty",
	.memory_safe = true,
	.inside_main = probe_in_main,
	.admit = probe_admit,
};

int main(int argc, char **argv)
{
	static struct engine lua;
	static const struct engine *const engines[] = {
		&lua, &engine_native, &engine_faulty, NULL};

	argc = without_parse(argc, argv);
	if (argc < 0) {
		(void)fprintf(stderr, "--without: there is no such thing\n");
		return 2;
	}
	lua = engine_lua;
	if (without_admit())
		lua.admit = probe_admit;
	engines_set(engines);
	return cli_main(argc, argv, stdout, stderr);
}
