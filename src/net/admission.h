#pragma once
/*
 * Why code was not admitted, as JSON: the member "refusals" of a problem and
 * of a report. The list's texts are hostile bytes out of an object; what is no
 * plain text in them comes out as U+FFFD. Control thread or client.
 */
#include <jansson.h>

#include "engine/refusal.h"

/* The text as a JSON string, whatever bytes it has. */
json_t *admission_text(const char *text);
/* [{"code", "message", "detail", "offset"?, "address"?, "symbol"?,
 * "symbol_offset"?, "bytes"?}, ...]: those that were kept. */
json_t *admission_refusals(const struct refusals *list);
/* {"code": times, ...} */
json_t *admission_counts(const struct refusals *list);
