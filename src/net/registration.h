#pragma once
/*
 * From code and options to a published function: check, admit, load once on
 * trial in an isolate, publish. Control thread.
 *
 * Code and options are hostile. `done` is called once, at once or later, and
 * has to answer the request; the registration is freed after it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/control.h"
#include "core/function.h"
#include "net/problem.h"
#include "net/server.h"
#include "util/buf.h"
#include "util/strutil.h"

enum registration_result {
	REGISTRATION_NEW,
	REGISTRATION_REPLACED,
	REGISTRATION_SAME, /* this code and these options were current */
	REGISTRATION_FAILED,
};

struct registration {
	struct function_options opt;
	bool contexts_given; /* opt.contexts is no default */
	void (*done)(struct control_req *req, const struct registration *reg);

	/* For done. */
	enum registration_result result;
	/* Of REGISTRATION_FAILED; good during done. detail ends in NUL. */
	const struct problem_info *failure;
	struct refusals *refusals; /* of Code.Rejected; or NULL */
	struct function *fn;	   /* NULL if failed */
};

/* With the server's defaults; NULL: out of memory. */
struct registration *registration_new(const struct server *s);
struct registration *registration_free(struct registration *reg);

/* Tenant and name, each checked. False: err says what is wrong. */
bool registration_name(struct registration *reg, struct slice tenant,
	struct slice name, struct buf *err);
bool registration_entry(
	struct registration *reg, struct slice entry, struct buf *err);

/* Takes reg over. */
void registration_start(struct control_req *req, struct registration *reg,
	const void *code, size_t code_len);
