/*
 * build: from the source of a native function to an object that is admitted.
 * Client process, without a daemon: a compiler is run on each source and once
 * more to link, then what came out is looked at as `admit` does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/admit_report.h"
#include "cli/compiler.h"

enum {
	BUILD_FILES_MAX = 1024,
	BUILD_FAILED = 1, /* exit code: the compiler's verdict */
};

enum {
	OPTION_OUT = 1,
	OPTION_CC,
	OPTION_CXX,
	OPTION_ENTRY,
	OPTION_KEEP,
	OPTION_HEADER
};

struct build {
	struct cli *cli;
	const char *out;
	const char *cc;	 /* NULL: not known yet, nor needed */
	const char *cxx; /* the same */
	const char *entry;
	bool keep; /* what is refused, too */
	bool header;
	bool has_cxx;
	bool has_archive;
	char *dir;
	char *made;  /* in there, by the linker */
	char **more; /* flags behind "--", NULL-terminated */
	size_t n_more;
	struct words objects;
};

/*
 * Fast as plain -O2: calls within the object are direct, calls out of it go by
 * one table that is filled at the start. Checks that cost are left out, since
 * what they guard is the isolate's own: -- -fstack-protector-strong. What is
 * printed is printed by the runtime, which refuses formats that compilers know.
 */
static const char *const compile_flags[] = {"-O2", "-Wall", "-fPIC",
	"-fno-semantic-interposition", "-fno-stack-protector",
	"-U_FORTIFY_SOURCE", "-fcf-protection=none",
	"-fno-asynchronous-unwind-tables", "-ffunction-sections",
	"-fdata-sections", "-fno-builtin-snprintf", "-fno-builtin-vsnprintf",
	"-fno-builtin-sprintf", "-fno-builtin-vsprintf", NULL};

/* No exceptions. No library is linked: from C++20 on the headers make even
 * std::string here. */
static const char *const cxx_flags[] = {"-fno-exceptions", "-fno-rtti",
	"-fno-threadsafe-statics", "-fno-use-cxa-atexit",
	"-fvisibility-inlines-hidden", "-std=c++20", NULL};

static const char *const link_flags[] = {"-shared", "-nostdlib", "-fPIC",
	"-Wl,-z,now", "-Wl,-z,relro", "-Wl,-z,noexecstack",
	"-Wl,-z,max-page-size=4096", "-Wl,-Bsymbolic", "-Wl,--gc-sections",
	"-Wl,--build-id=none", "-Wl,--hash-style=gnu", NULL};

/* Sources -------------------------------------------------------------------*/

enum kind {
	KIND_NONE,
	KIND_C,
	KIND_CXX,
	KIND_LINK, /* ready to be linked */
	KIND_ARCHIVE,
};

static enum kind kind_of(const char *path)
{
	static const struct {
		const char *extension;
		enum kind kind;
	} kinds[] = {
		{".c", KIND_C},
		{".S", KIND_C},
		{".s", KIND_C},
		{".cc", KIND_CXX},
		{".cpp", KIND_CXX},
		{".cxx", KIND_CXX},
		{".C", KIND_CXX},
		{".o", KIND_LINK},
		{".a", KIND_ARCHIVE},
	};
	const char *extension = strrchr(path, '.');

	for (size_t i = 0; extension && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(extension, kinds[i].extension) == 0)
			return kinds[i].kind;
	return KIND_NONE;
}

/* A path that no compiler takes for an option. */
static const char *dot(const char *path)
{
	return *path == '-' || *path == '@' ? "./" : "";
}

/* Flags that only the linker wants make the compiler complain. */
static bool is_link_flag(const char *flag)
{
	static const char *const starts[] = {"-Wl,", "-l", "-L", "-fuse-ld="};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (strncmp(flag, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* By whatever names: one file. */
static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 ||
	       (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
		       x.st_ino == y.st_ino);
}

/* What the files are. */
static int look_at_files(struct build *b)
{
	for (int i = 0; i < b->cli->argc; i++) {
		const char *path = b->cli->argv[i];
		enum kind kind = kind_of(path);

		if (kind == KIND_NONE)
			return cli_usage_error(b->cli,
				"%s is neither C (.c) nor C++ (.cc, .cpp), nor "
				"to be linked (.o, .a)",
				path);
		if (is_same(b->out, path))
			return cli_usage_error(
				b->cli, "%s would be overwritten", path);
		b->has_cxx |= kind == KIND_CXX;
		b->has_archive |= kind == KIND_ARCHIVE;
	}
	return 0;
}

static int find_compilers(struct build *b)
{
	static const char *const c[] = {"cc", "gcc", "clang", NULL};
	static const char *const cxx[] = {"c++", "g++", "clang++", NULL};

	if (!b->cc)
		b->cc = compiler_find(c);
	if (!b->cxx && b->has_cxx)
		b->cxx = compiler_find(cxx);
	if (b->cc && (b->cxx || !b->has_cxx))
		return 0;
	b->cli->exit_code = cli_fail(b->cli, BUILD_FAILED,
		"no compiler for %s is installed: apt install %s, or name one "
		"with --%s",
		b->cc ? "C++" : "C", b->cc ? "g++" : "gcc",
		b->cc ? "cxx" : "cc");
	return CLI_E_STOP;
}

/* Steps ---------------------------------------------------------------------*/

static void add_more(const struct build *b, struct words *w, bool link)
{
	for (size_t i = 0; i < b->n_more; i++)
		if (link || !is_link_flag(b->more[i]))
			words_add(w, "%s", b->more[i]);
}

/* `made` is what it is to write. */
static int run(struct build *b, const struct words *w, const char *what,
	const char *made)
{
	int code = compiler_run(b->cli, w);
	struct stat st;

	if (code == 0 && stat(made, &st) == 0 && st.st_size > 0)
		return 0;
	if (code == 0)
		(void)cli_fail(b->cli, 0,
			"the compiler wrote nothing: -c, -o and the like are "
			"not for behind --");
	if (code < 127)
		(void)cli_fail(b->cli, 0, "%s could not be %s", what,
			strcmp(what, b->out) == 0 ? "linked" : "compiled");
	b->cli->exit_code = BUILD_FAILED;
	return CLI_E_STOP;
}

static int compile(struct build *b, const char *path)
{
	CLEANUP(words_fini) struct words w = {0};
	enum kind kind = kind_of(path);

	if (kind == KIND_LINK || kind == KIND_ARCHIVE) {
		words_add(&b->objects, "%s%s", dot(path), path);
		return 0;
	}
	words_add(&w, "%s", kind == KIND_CXX ? b->cxx : b->cc);
	words_add_all(&w, compile_flags);
	if (kind == KIND_CXX)
		words_add_all(&w, cxx_flags);
	words_add(&w, "-I%s", b->dir);
	add_more(b, &w, false);
	words_add(&b->objects, "%s/%zu.o", b->dir, b->objects.n);
	words_add(&w, "-c");
	words_add(&w, "-o");
	words_add(&w, "%s", b->objects.at[b->objects.n - 1]);
	words_add(&w, "%s%s", dot(path), path);
	return run(b, &w, path, b->objects.at[b->objects.n - 1]);
}

/* In as few pieces as can be; or with code and data apart, which takes more
 * pages, but data are not scanned. */
static int link_all(struct build *b, bool apart)
{
	CLEANUP(words_fini) struct words w = {0};

	words_add(&w, "%s", b->cxx ? b->cxx : b->cc);
	words_add_all(&w, link_flags);
	words_add(&w, "-Wl,-z,%s", apart ? "separate-code" : "noseparate-code");
	/* Of archives the parts are taken that somebody asks for. */
	if (b->has_archive) {
		words_add(&w, "-u");
		words_add(&w, "%s", b->entry);
	}
	words_add(&w, "-o");
	words_add(&w, "%s", b->made);
	for (size_t i = 0; i < b->objects.n; i++)
		words_add(&w, "%s", b->objects.at[i]);
	add_more(b, &w, true);
	words_add(&w, "-lgcc");
	return run(b, &w, b->out, b->made);
}

/* Reasons that stand in the bytes of code, or what is taken for code. */
static bool found_in_bytes(const struct admit *a)
{
	for (int c = REFUSAL_WRPKRU; c < N_REFUSALS; c++)
		if (a->refusals.counts[c])
			return true;
	return a->refusals.counts[REFUSAL_OVERLAP];
}

struct built {
	char *bytes;
	size_t len;
	struct admit *admit;
};

static void built_fini(struct built *o)
{
	o->admit = admit_free(o->admit);
	free(o->bytes);
	o->bytes = NULL;
}

static int look(struct build *b, struct built *ret_built)
{
	const struct admit_wish wish = {.entry = b->entry};
	int r;

	if (cli_read_object(
		    b->cli, b->made, &ret_built->bytes, &ret_built->len))
		return CLI_E_STOP;
	r = admit_new(
		ret_built->bytes, ret_built->len, &wish, &ret_built->admit);
	if (r == 0)
		return 0;
	b->cli->exit_code = cli_fail(b->cli, CLI_REFUSED, "%s", strerror(-r));
	return CLI_E_STOP;
}

static int save(struct build *b, const struct built *o)
{
	FILE *f = fopen(b->out, "we");
	bool good = f && fwrite(o->bytes, 1, o->len, f) == o->len;

	if (f && fclose(f) != 0)
		good = false;
	if (good)
		return 0;
	b->cli->exit_code = cli_fail(b->cli, CLI_REFUSED, "cannot write %s: %s",
		b->out, strerror(errno));
	return CLI_E_STOP;
}

static int build_all(struct build *b)
{
	CLEANUP(built_fini) struct built o = {0};
	int r = 0;

	for (int i = 0; i < b->cli->argc && r == 0; i++)
		r = compile(b, b->cli->argv[i]);
	if (r || link_all(b, false) || look(b, &o))
		return b->cli->exit_code;
	if (found_in_bytes(o.admit)) {
		built_fini(&o);
		if (link_all(b, true) || look(b, &o))
			return b->cli->exit_code;
	}
	if ((b->keep || admit_ok(o.admit)) && save(b, &o))
		return b->cli->exit_code;
	return admit_report(b->cli, b->out, b->entry, o.admit);
}

/* The command ---------------------------------------------------------------*/

static int take_option(void *ctx, struct cli *cli, int id, const char *arg)
{
	struct build *b = ctx;

	if (id == OPTION_KEEP)
		b->keep = true;
	else if (id == OPTION_HEADER)
		b->header = true;
	else if (*arg == '\0')
		return cli_usage_error(cli, "an empty name is none");
	else if (id == OPTION_OUT)
		b->out = arg;
	else if (id == OPTION_CC)
		b->cc = arg;
	else if (id == OPTION_CXX)
		b->cxx = arg;
	else
		b->entry = arg;
	return 0;
}

/* What is behind "--" is the compiler's. */
static void split(struct build *b)
{
	struct cli *cli = b->cli;

	for (int i = 1; i < cli->argc; i++) {
		if (strcmp(cli->argv[i], "--") != 0)
			continue;
		b->more = cli->argv + i + 1;
		b->n_more = (size_t)(cli->argc - i - 1);
		cli->argc = i;
	}
}

/* "hello.so" of "dir/hello.c", here, as compilers have it. */
static char *default_out(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *end = strrchr(name, '.');
	size_t len = end ? (size_t)(end - name) : strlen(name);
	char *out;

	return asprintf(&out, "%.*s.so", (int)len, name) < 0 ? NULL : out;
}

static int build_in_dir(struct build *b)
{
	int code = CLI_REFUSED;

	b->dir = compiler_dir_new(b->cli);
	if (!b->dir)
		return code;
	if (asprintf(&b->made, "%s/out.so", b->dir) < 0)
		b->made = NULL;
	else
		code = build_all(b);
	free(b->made);
	words_fini(&b->objects);
	compiler_dir_freep(&b->dir);
	return code;
}

static int run_build(struct cli *cli)
{
	struct build b = {.cli = cli, .entry = "handler"};
	AUTO_FREE char *out = NULL;

	split(&b);
	if (cli_parse(cli, take_option, &b))
		return cli->exit_code;
	if (b.header) {
		(void)fputs(compiler_function_h, cli->out);
		return CLI_OK;
	}
	if (cli->argc == 0) {
		(void)cli_usage_error(cli, "what is to be built?");
		return cli->exit_code;
	}
	if (!b.out)
		b.out = out = default_out(cli->argv[0]);
	if (!b.out)
		return CLI_REFUSED;
	if (look_at_files(&b) || find_compilers(&b))
		return cli->exit_code;
	return build_in_dir(&b);
}

const struct cli_command cmd_build = {
	.name = "build",
	.args = "FILE... [-- FLAG...]",
	.help = "Compile a native function and say if it may run",
	.more = "FILEs are C (.c), C++ (.cc, .cpp), assembly (.s, .S) or ready "
		"to be linked\n(.o, .a). The header <gvisor/function.h> is "
		"there without being installed; a\ncompiler has to be. What is "
		"behind -- goes to the compiler. Without -o,\ndir/hello.c "
		"becomes hello.so here. What is refused is not kept without\n"
		"--keep.\nExit code 0: built and admitted; 1: not built, or "
		"refused, with every reason;\n2: wrong usage; 7: no place to "
		"work in, or OUT.so can't be written.\n\n"
		"Examples:\n"
		"  gvisord build hello.c\n"
		"  gvisord build filter.c tables.cc -o filter.so -- -O3 "
		"-march=x86-64-v3\n"
		"  gvisord build --header >function.h\n",
	.max_args = BUILD_FILES_MAX,
	.options =
		(const struct cli_option[]){
			{"output", 'o', "OUT.so", "the object to be written",
				OPTION_OUT},
			{"entry", 'e', "NAME", "the function to call (handler)",
				OPTION_ENTRY},
			{"cc", 0, "PROGRAM", "the C compiler (cc, gcc, clang)",
				OPTION_CC},
			{"cxx", 0, "PROGRAM",
				"the C++ compiler (c++, g++, clang++)",
				OPTION_CXX},
			{"keep", 0, NULL, "keep what is refused, too",
				OPTION_KEEP},
			{"header", 0, NULL, "print function.h, and no more",
				OPTION_HEADER},
			{0}},
	.run = run_build,
};
