#pragma once
/*
 * JSON bodies of the control thread's handlers: reading requests, writing
 * replies. jansson and malloc, control thread only.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/control.h"
#include "core/function.h"
#include "engine/refusal.h"
#include "net/exchange.h"
#include "net/problem.h"
#include "util/buf.h"

static inline struct exchange *rest_exchange(struct control_req *req)
{
	return (struct exchange *)req->request;
}

/* Answers with json, whose reference it takes over; NULL: out of memory. */
void rest_reply_json(struct control_req *req, int status, json_t *json);
/* Answers with a problem; detail is for the user. */
void rest_reply_problem(
	struct control_req *req, enum problem p, const char *detail);
/* The same with more to say, and the list of an admission's refusals; NULL:
 * none. */
void rest_reply_info(struct control_req *req, const struct problem_info *info,
	const struct refusals *refusals);
/* Takes what was collected in err as the detail. */
void rest_reply_error(struct control_req *req, enum problem p, struct buf *err);

/* 404 that names x->id. */
void rest_reply_not_found(struct control_req *req);

/* True if there is no query string; else answers. */
bool rest_no_query(struct control_req *req);
/* The request's Content-Type, parameters aside. */
bool rest_media_is(struct exchange *x, const char *type);

/* An object out of the request's body; NULL: err says why not. */
json_t *rest_read_object(struct exchange *x, struct buf *err);

/* The members a request may have. Unknown ones are errors that name the
 * nearest known; wrong types are errors that name the field. */
struct rest_field {
	const char *name;
	const char **text; /* one of these three is set */
	size_t *text_len;  /* may be NULL */
	uint64_t *number;
	uint64_t min, max; /* of number */
	bool or_minus_one; /* -1 is UINT64_MAX */
	json_t **any;
	bool given; /* set by rest_read_fields() */
};
/* False: err says what is wrong. */
bool rest_read_fields(
	json_t *object, struct rest_field *fields, size_t n, struct buf *err);

/* "2026-01-31T12:00:00.123Z"; ret_text has room for 32 bytes. */
void rest_time(uint64_t real_ns, char ret_text[32]);
