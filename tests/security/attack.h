#pragma once
/*
 * One attack of the security evaluation. Every file in attacks/ defines one, as
 * attack_<id>; its name begins with the id. An attack has *cases*, which must
 * be held off, and *controls*: the same thing with the named defence left out,
 * which must succeed. Without a control that succeeded an attack proves
 * nothing, and counts as failed.
 *
 * Ids: the letter says what is attacked.
 *   A instructions  B gate  C signals  D the kernel as deputy
 *   E address space  F threads, filters, dialects  G language and daemon
 *   K keys and domains
 *
 * Runs in the evaluation's own process (T); each attack in a child of its own,
 * so that one that goes wrong is a failure and not the end.
 */
#include <stdbool.h>

struct attack {
	const char *id;	   /* "B07" */
	const char *name;  /* what is attempted, at most 60 characters */
	const char *layer; /* what stops it */
	const char *off;   /* what the controls leave out */
	void (*run)(void);
	const char *boot; /* kernel argument it needs; NULL: none */
};

/* A case: it was held off. The text names the case. Returns held. */
__attribute__((format(printf, 2, 3))) bool attack_held(
	bool held, const char *text, ...);
/* A control: the attack succeeded. Returns worked. */
__attribute__((format(printf, 2, 3))) bool attack_worked(
	bool worked, const char *text, ...);
/* For the reader of a failure. */
__attribute__((format(printf, 1, 2))) void attack_say(const char *text, ...);
/* A figure for the report: "1024 calls tried". */
__attribute__((format(printf, 1, 2))) void attack_note(const char *text, ...);

/* The daemon with the probe engine, for attacks on a live one. */
extern const char *attack_daemon;
/* Seconds that the soak lasts. */
extern unsigned attack_soak;
