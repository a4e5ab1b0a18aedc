#pragma once
/*
 * A command's conversation with the daemon: where it is, one call, and errors
 * told to the user and turned into exit codes. Client process; replies are not
 * trusted.
 */
#include <jansson.h>

#include "cli/cli.h"
#include "cli/client.h"

/* Times a command gives the daemon when --wait-ms says nothing. */
#define REMOTE_WAIT_CONTROL_MS 30000
/* Longer than any function may run and wait: its own timeout is to speak. */
#define REMOTE_WAIT_INVOKE_MS 90000000

/* 0 on a 2xx answer: client_response_fini() it. Else the user has been told
 * and CLI_E_STOP. `about` stands in front of messages; "" for none. req's
 * timeout is what --wait-ms replaces. */
int remote_call(struct cli *cli, const char *about,
	const struct client_request *req, struct client_response *ret_res);
/* GET of a JSON object. */
int remote_get(struct cli *cli, const char *about, const char *path,
	json_t **ret_json);
/* The body as a JSON object; else CLI_E_STOP and the user told. */
int remote_object(
	struct cli *cli, const struct client_response *res, json_t **ret_json);

void remote_jsonp(json_t **json); /* for CLEANUP() */

/* Members of untrusted JSON; "" and 0 where they are not as expected. */
const char *remote_text(const json_t *object, const char *key);
json_int_t remote_number(const json_t *object, const char *key);
/* Indented, with a newline. */
void remote_print_json(const json_t *json, FILE *to);
/* One member per line, aligned; nested objects as "key value, ...". */
void remote_print_members(const json_t *object, FILE *to);
