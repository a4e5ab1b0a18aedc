#pragma once
/*
 * The compiler as a process, and the private directory it works in. Client
 * process. No shell: what a file is called is never read as anything else.
 */
#include <stddef.h>

#include "cli/cli.h"

/* A command line that grows; NULL-terminated. Out of memory ends the program.
 */
struct words {
	char **at;
	size_t n;
};

__attribute__((format(printf, 2, 3))) void words_add(
	struct words *w, const char *fmt, ...);
void words_add_all(struct words *w, const char *const *list);
void words_fini(struct words *w); /* for CLEANUP() */

/* The first of the names for which there is a program; NULL: none. */
const char *compiler_find(const char *const *names);

/* Runs it to its end, with our standard files. Its exit code; 127 if it can't
 * be run and 128 + n after signal n, its or ours, which was told. Only while
 * there is a directory. */
int compiler_run(struct cli *cli, const struct words *w);

/* A directory that is ours alone, with gvisor/function.h in it. Its path, to
 * be freed as below; NULL: there is none, which was told. One at a time: until
 * it is gone, signals that would end us end the compiler. */
char *compiler_dir_new(struct cli *cli);
/* Gone, with all that is in it. */
void compiler_dir_freep(char **path); /* for CLEANUP() */

/* include/gvisor/function.h */
extern const char compiler_function_h[];
