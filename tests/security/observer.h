#pragma once
/*
 * The outside observer: a look at a running daemon through /proc, as root, from
 * another process. It believes nothing that the daemon says about itself but
 * its table of isolates, which it reads out of the daemon's memory and compares
 * with what the kernel says. The bytes that change rights it looks for with a
 * matcher of its own.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pkey/domain.h"

enum {
	OBSERVER_TASKS = 64
};

struct observer {
	pid_t pid;
	char program[256]; /* its file */
	int mem;
	uint64_t base;	    /* where the program is loaded */
	uint64_t gate_from; /* the gate's code */
	uint64_t gate_to;
	uint64_t shared_from; /* of its data, what isolates read */
	uint64_t shared_to;
	uint64_t runtime;    /* its struct runtime; 0: not found */
	uint64_t start_time; /* of the process */
	pid_t task[OBSERVER_TASKS];
	unsigned n_tasks;
	void (*say)(const char *text, ...)
		__attribute__((format(printf, 1, 2)));
	/* What was looked at, for reports. */
	uint64_t bytes;
	unsigned maps, instructions, isolates;
	unsigned programs; /* isolates with native code in them */
};

/* Opens the process and notes who it is. False: it can't be looked at. */
bool observer_init(struct observer *o, pid_t pid,
	void (*say)(const char *text, ...)
		__attribute__((format(printf, 1, 2))));
void observer_fini(struct observer *o);

/* Each look returns how many things are wrong, and says each. */

/* Executable memory: no WRPKRU, XRSTOR, WRFSBASE, WRGSBASE but the gate's, and
 * the gate's bytes are those of the file. None is writable. */
unsigned observer_code(struct observer *o);
/* The protection key of every page: S for the program's shared part and gate
 * pages, each isolate's for its memory or P, else 0. And the rights of every
 * isolate's pages: its program's code can be run, that and its constants can't
 * be written to, all else can, and can't be run. Programs' files are mapped
 * privately, and executable in isolates alone. */
unsigned observer_keys(struct observer *o);
/* Filter and no_new_privs of every thread, cores, and who they are. */
unsigned observer_threads(struct observer *o);

/* observer_elf.c: the program's file. */
bool observer_symbols(struct observer *o);
/* Ranges of its image that ought to have key S; at most 16. */
struct observer_range {
	uint64_t from;
	uint64_t to;
	int key;
	bool isolate;
	unsigned n_parts; /* of an isolate; from its start */
	struct domain_part parts[DOMAIN_PARTS_MAX];
};
unsigned observer_image(
	const struct observer *o, struct observer_range ret_range[16]);
/* Bytes of the file at an address of the image. */
bool observer_file(
	const struct observer *o, uint64_t at, void *buf, uint64_t len);
/* Bytes of the process. */
bool observer_read(
	const struct observer *o, uint64_t at, void *buf, uint64_t len);
