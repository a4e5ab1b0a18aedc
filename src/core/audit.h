#pragma once
/*
 * A look at whether memory is as it should be: every page the runtime's tables
 * know of has the rights and the key they give it, by the kernel's word, and
 * every other page of the process has key 0. For debug builds (-Daudit=true)
 * and tests; it takes as long as the kernel takes to tell of every mapping.
 *
 * Two files have these functions: audit.c, and audit_none.c for the program
 * that ships, in which they do nothing. The build picks one. Trusted side.
 */
struct isolate;
struct runtime;

/* First thread, before the keeper starts. 0 or -errno. */
int audit_init(struct runtime *rt);
/*
 * Keeper: `step` was done, to `iso`. All that only the keeper changes is then
 * as it is to stay. On the first difference: says which, and ends the process.
 */
void audit_step(const char *step, const struct isolate *iso);
