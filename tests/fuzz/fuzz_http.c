/*
 * Fuzzes the HTTP parser. The first byte chooses where the rest is cut into
 * pieces; whole and cut must come to the same end. What we accept, llhttp, used
 * plainly and with the body, must understand the same way: same length of the
 * body, same bytes, same end. Each slice must lie inside the request.
 */
#include <llhttp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/http.h"

enum {
	FUZZ_MAX = 40000,
	FUZZ_BODY_MAX = 4096
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_request whole, cut;
static char whole_mem[FUZZ_MAX], cut_mem[FUZZ_MAX];

struct told {
	size_t body_len;
	char body[FUZZ_BODY_MAX];
	bool complete;
};

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct told *t = p->data;

	CHECK(len <= sizeof(t->body) - t->body_len);
	memcpy(t->body + t->body_len, at, len);
	t->body_len += len;
	return 0;
}

static int on_complete(llhttp_t *p)
{
	struct told *t = p->data;

	t->complete = true;
	return HPE_PAUSED;
}

/* Would it be read the same without our wrapper? */
static void compare_with_llhttp(const char *text, size_t len)
{
	static const llhttp_settings_t settings = {
		.on_body = on_body, .on_message_complete = on_complete};
	static struct told told;
	llhttp_errno_t e;
	llhttp_t p;

	told.body_len = 0;
	told.complete = false;
	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = &told;
	e = llhttp_execute(&p, text, len);
	/* Extensions mean nothing; it may mind their form more than we do. */
	if (whole.chunks.ext_total && e != HPE_PAUSED)
		return;
	CHECK(e == HPE_PAUSED || e == HPE_PAUSED_UPGRADE);
	CHECK(told.complete);
	if (p.upgrade)
		return; /* it leaves the body to somebody else */
	CHECK(told.body_len == whole.body_len);
	CHECK(memcmp(told.body, http_body(&whole).ptr, told.body_len) == 0);
	CHECK(llhttp_get_error_pos(&p) >= text + whole.consumed - 1 &&
		llhttp_get_error_pos(&p) <= text + whole.consumed);
}

static void inside(struct http_span s)
{
	CHECK(s.off + s.len <= whole.head_len);
}

static void check_slices(void)
{
	inside(whole.method_text);
	inside(whole.path);
	inside(whole.query);
	for (unsigned i = 0; i < whole.n_fields; i++) {
		inside(whole.field[i].name);
		inside(whole.field[i].value);
		CHECK(whole.field[i].name.len > 0);
	}
	for (int k = 0; k < HTTP_KNOWN; k++)
		inside(whole.known[k]);
	(void)http_header(&whole, "x-y");
	CHECK(whole.body_len <= FUZZ_BODY_MAX);
}

static int parse_whole(const char *text, size_t size, size_t *ret_left)
{
	size_t len = size;
	int r;

	memcpy(whole_mem, text, size);
	http_init(&whole, FUZZ_BODY_MAX);
	r = http_parse(&whole, whole_mem, &len);
	*ret_left = r == 0 ? len - whole.consumed : 0;
	return r;
}

static int parse_cut(
	const char *text, size_t size, size_t step, size_t *ret_left)
{
	size_t from = 0, len = 0;
	int r;

	http_init(&cut, FUZZ_BODY_MAX);
	do {
		size_t n = size - from < step ? size - from : step;

		memcpy(cut_mem + len, text + from, n);
		len += n;
		from += n;
		r = http_parse(&cut, cut_mem, &len);
	} while (r != 0 && r != HTTP_E_BAD && from < size);
	*ret_left = r == 0 ? len - cut.consumed + size - from : 0;
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	size_t left, cut_left;
	int r;

	if (size < 2 || size > FUZZ_MAX)
		return 0;
	size--;
	r = parse_whole(text, size, &left);
	CHECK(r == parse_cut(text, size, 1u + data[0], &cut_left));
	if (r == HTTP_E_BAD) {
		CHECK(whole.status == cut.status);
		CHECK(strcmp(whole.reason, cut.reason) == 0);
		return 0;
	}
	if (r != 0)
		return 0;
	CHECK(left == cut_left);
	CHECK(whole.body_len == cut.body_len);
	CHECK(memcmp(http_body(&whole).ptr, http_body(&cut).ptr,
		      whole.body_len) == 0);
	check_slices();
	/* What follows the request is not its business: chunks moved nothing
	 * beyond their own end. */
	compare_with_llhttp(text, size - left);
	return 0;
}
