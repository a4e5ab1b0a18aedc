#pragma once
/*
 * A live daemon to attack over REST: gvisord-probe on real keys, with two
 * native functions, "attacker" (little memory, little time) and "neighbour",
 * that came in and run as any function does. What an attack does is a deed
 * (tests/probe/deeds.h) that a client asks the attacker for; what it has to
 * know about the daemon is told it from outside (live_where()). In software
 * mode, where native code is refused, an engine of gvisord-probe does the
 * deeds. Evaluation side (T of its own process).
 */
#include <stdbool.h>
#include <stdint.h>

#include "tests/probe/daemon.h"
#include "tests/security/symbols.h"

enum {
	LIVE_TIMEOUT_MS = 200, /* of the attacker */
	LIVE_MEMORY_MB = 4,
};

extern const char live_hurt[];	  /* Sandbox.MemoryViolation */
extern const char live_denied[];  /* Sandbox.SyscallDenied */
extern const char live_crashed[]; /* Function.Crashed */
extern const char live_timeout[]; /* Sandbox.Timeout */
extern const char live_nomem[];	  /* Function.OutOfMemory */
extern const char live_error[];	  /* Function.Error */

#define LIVE_SECRET 0x5ec2e75ec2e75ec2u /* the runtime's, in .data */
#define LIVE_CANARY 0xc0ffee5eed5eed01u /* each isolate's, at "self" */
#define LIVE_MARK 0x4141414141414141u	/* what "write" writes */

struct live {
	struct daemon daemon;
	struct client client;
	struct reply reply;
	bool native;	      /* deeds are done by native code */
	struct body attacker; /* that code, told where things are */
	struct symbols symbols;
	uint64_t base; /* of the daemon's image */
};

struct live_options {
	const char *mode;    /* "mpk" (if NULL), "software" */
	const char *without; /* defences: see tests/probe/without.h; NULL: none
			      */
	const char *set;     /* one "key=value" of configuration, or NULL */
	bool calls; /* let bytes of system calls in, and the attacker has some
		     */
	uid_t uid;
	bool unsafe; /* software mode, and native code all the same */
};

/* Starts it and deploys the two; opt NULL: as it is meant to be. */
void live_start(struct live *l, const struct live_options *opt);
/* Ends it; true: in peace. */
bool live_stop(struct live *l);

/* The daemon is who it was, and the neighbour is served and whole. */
bool live_well(struct live *l);

/* Has a function do a deed; the answer is in l->reply. */
__attribute__((format(printf, 3, 4))) void live_do(
	struct live *l, const char *function, const char *deed, ...);
/* The same, for a hexadecimal number; 0: there was none. */
__attribute__((format(printf, 3, 4))) uint64_t live_ask(
	struct live *l, const char *function, const char *deed, ...);
/* Where a symbol of the daemon's is, in this process of it; 0: nowhere. */
uint64_t live_where(const struct live *l, const char *symbol);
/* Deploys one more that does deeds; code: its plan (deeds.h), or "x". */
bool live_probe(struct live *l, const char *name, const char *code,
	const char *options);
/* The same, of any shared object; its status. */
int live_object(struct live *l, const char *name, const struct body *object,
	const char *options);
/* The bytes of a file beside gvisord-probe; NULL: there is none. */
unsigned char *live_file(const char *name, size_t *ret_len);
/* A copy of the attacker's code with another plan; for free(). */
struct body live_planned(const struct live *l, const char *plan);
/* Deploys Lua source; its status. */
int live_lua(struct live *l, const char *name, const char *source,
	const char *options);

/* A case: the attacker's deed ends in this error, all else goes on. */
__attribute__((format(printf, 4, 5))) bool live_refused(struct live *l,
	const char *code, const char *name, const char *deed, ...);
/* The verdict alone, of the reply at hand. */
bool live_is(const struct live *l, const char *code);
/* For a failure: the reply at hand. */
void live_say(const struct live *l);
