/* hello.lua's native twin: what a call costs that does nothing. */
#include <gvisor/function.h>

gv_handler handler;

int handler(const struct gv_request *req, struct gv_response *res)
{
	(void)req;
	res->kind = GV_TEXT;
	res->body = "hello";
	res->body_len = 5;
	return 0;
}
