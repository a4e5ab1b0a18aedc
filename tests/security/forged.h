#pragma once
/*
 * Shared objects made by hand, for the loader of native functions: one that is
 * admitted and does nothing (tests/unit/good_object.h), with code of the
 * attack's in it, and whatever field spoilt that the attack is about.
 * Evaluation side.
 */
#include "tests/security/live.h"
#include "tests/unit/good_object.h"

/* Its constructors do nothing; the handler replies null. */
void forged_make(struct good *g);

/* Code for a handler that puts 8 bytes into its reply; returns its length. */
enum {
	FORGED_CODE_MAX = 96
};
/* Those at `at`, wherever that is. */
size_t forged_read(uint8_t code[FORGED_CODE_MAX], uint64_t at);
/* Those that lie `away` from the code's first byte. */
size_t forged_read_near(uint8_t code[FORGED_CODE_MAX], int32_t away);
/* The same, and one is added to them first. */
size_t forged_count(uint8_t code[FORGED_CODE_MAX], int32_t away);

/* Zeros for the registers of WRPKRU: to stand in front of it. */
extern const uint8_t forged_zeros[6];
extern const uint8_t forged_wrpkru[3];

/* A case: refused with this reason (refusal.h), and all else goes on. */
__attribute__((format(printf, 4, 5))) bool forged_refused(struct live *l,
	const struct body *object, const char *reason, const char *name, ...);
/* Deploys it as "forged"; false: it was refused. */
bool forged_deploy(struct live *l, const struct good *g, const char *options);
/* The same, calls it, and returns the 8 bytes of its reply; 0: none. */
uint64_t forged_value(struct live *l, const struct good *g);
