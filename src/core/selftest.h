#pragma once
/*
 * The self-test of a worker's isolation, run on the worker when all its walls
 * stand and before it serves anybody. A worker that fails it does not start.
 */
struct function;
struct worker;

/* The function its probes run as; first thread. NULL: out of memory. */
struct function *selftest_function(void);

/* 0, or -EPROTO: a probe was not stopped in the way it must be. The reason is
 * in w->core->setup_what. */
int selftest_run(struct worker *w);
