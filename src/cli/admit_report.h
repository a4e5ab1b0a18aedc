#pragma once
/* Prints what became of an object that was looked at. Client process. */
#include <jansson.h>

#include "cli/cli.h"
#include "engine/admit.h"

enum {
	ADMIT_REFUSED = 1 /* exit code: the verdict, not a failure of ours */
};

/* Those that a daemon tells of (net/admission.h), as a table; of anything else
 * nothing is printed. */
void admit_report_refusals(const json_t *list, FILE *to);

/* In the form that was asked for. Exit code: 0 or ADMIT_REFUSED. */
int admit_report(struct cli *cli, const char *path, const char *entry,
	const struct admit *a);
