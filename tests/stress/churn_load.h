#pragma once
/*
 * The load of churn.c: functions that keep canaries (canary.h), and clients
 * that deploy them, call them, have them die and remove them. Test side.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/probe/daemon.h"

struct churn {
	const struct daemon *daemon;
	unsigned functions;
	struct body native; /* every third function; bytes NULL: none */
	bool poke;	    /* native ones write into others, too */
	/* What came of it. */
	_Atomic uint64_t answers; /* with canaries */
	_Atomic uint64_t deaths;  /* and errors */
	_Atomic uint64_t wrong;	  /* not what was to come ... */
	_Atomic uint64_t hurt;	  /* ... by a canary */
	_Atomic unsigned told;
};

extern struct churn churn;

enum churn_phase {
	CHURN_DEPLOY,
	CHURN_CALL,
	CHURN_DEPLOY_AND_CALL,
	CHURN_REMOVE,
};

/* Starts the clients. They end when all is deployed or removed; those who call
 * go on until churn_join(). */
void churn_start(enum churn_phase phase);
void churn_join(void);
