#pragma once
/*
 * What replies show of a function, written straight into their bytes: a page of
 * a list has a thousand of them. Control thread.
 */
#include "core/control.h"
#include "core/function.h"
#include "util/buf.h"

/* One object, without the brace at its end. */
void rest_show_function(struct buf *b, struct function *fn);
/* Answers with what was written into a gbuf, which is emptied. */
void rest_reply_buf(struct control_req *req, int status, struct buf *b);
