#pragma once
/*
 * The conversation with one isolate: entries through the gate, the hostcalls it
 * makes, its reply taken out, its faults named. See run.c.
 */
#include "core/invoke.h"

/* Around everything that enters an isolate; the keeper stops what is not over
 * by `deadline` (clock_now() time), or what took more than cpu_ns of the
 * processor (0: no limit). run_converse() ends its run itself. */
void run_begin(struct worker *w, uint64_t deadline, uint64_t cpu_ns);
/* stopped: the isolate was aborted by the keeper's signal. */
void run_end(struct worker *w, bool stopped);

/* The isolate is pinned and laid out. Sets outcome, kind and reply. */
void run_converse(struct worker *w, struct invocation *inv, uint64_t timeout);

/* Replaces inv's reply with a message for the user. */
void run_message(struct invocation *inv, const char *text, size_t len);
void run_message_text(struct invocation *inv, const char *text);
