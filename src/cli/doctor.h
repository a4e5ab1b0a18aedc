#pragma once
/*
 * What this machine offers to gvisord: one check per thing, each with a
 * verdict, what was found, and what to do about it. Reads /proc and /sys and
 * tries system calls; changes nothing. Client process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_WARN, /* works, but not as well; without MPK for example */
	DOCTOR_FAIL, /* will not start or not hold */
};

struct doctor_result {
	const char *check;
	enum doctor_verdict verdict;
	char found[160];
	char fix[200]; /* "" unless there is something to do */
};

#define DOCTOR_RESULTS_MAX 16

struct doctor {
	const char *root; /* in front of /proc and /sys; "" but in tests */
	bool need_mpk;	  /* what only MPK mode needs fails instead of warns */
	uint32_t isolates;
	uint32_t connections;
	size_t n;
	struct doctor_result results[DOCTOR_RESULTS_MAX];
};

/* Fills in results. */
void doctor_examine(struct doctor *d);
/* The worst verdict. */
enum doctor_verdict doctor_verdict(const struct doctor *d);
/* "6.12.3-cloud" is at least 6.12; false for what is no version. */
bool doctor_release_at_least(const char *release, int major, int minor);
