/* The table of problems, and their bodies. */
#include "net/problem.h"

#include <stdbool.h>

#include "base/check.h"
#include "util/escape.h"

static const struct {
	const char *code;
	int status;
	const char *title;
} problems[PROBLEM_COUNT] = {
	[PROBLEM_REQUEST_INVALID] = {"Request.Invalid", 400,
		"The request is not valid"},
	[PROBLEM_REQUEST_BAD_JSON] = {"Request.BadJson", 400,
		"The body is not the JSON that was expected"},
	[PROBLEM_AUTH_REQUIRED] = {"Auth.Required", 401,
		"Credentials are required"},
	[PROBLEM_AUTH_DENIED] = {"Auth.Denied", 403,
		"The credentials do not allow this"},
	[PROBLEM_REQUEST_NOT_FOUND] = {"Request.NotFound", 404,
		"There is nothing at this path"},
	[PROBLEM_FUNCTION_NOT_FOUND] = {"Function.NotFound", 404,
		"There is no such function"},
	[PROBLEM_INVOCATION_NOT_FOUND] = {"Invocation.NotFound", 404,
		"There is no such invocation"},
	[PROBLEM_REQUEST_METHOD] = {"Request.MethodNotAllowed", 405,
		"The path does not take this method"},
	[PROBLEM_REQUEST_TIMEOUT] = {"Request.Timeout", 408,
		"The request did not arrive in time"},
	[PROBLEM_FUNCTION_EXISTS] = {"Function.Exists", 409,
		"The function exists already"},
	[PROBLEM_FUNCTION_DRAINING] = {"Function.Draining", 409,
		"The function is being removed"},
	[PROBLEM_REQUEST_TOO_LARGE] = {"Request.TooLarge", 413,
		"The request is too large"},
	[PROBLEM_REQUEST_UNSUPPORTED_TYPE] = {"Request.UnsupportedType", 415,
		"The media type is not supported"},
	[PROBLEM_CODE_LOAD_FAILED] = {"Code.LoadFailed", 422,
		"The code does not load"},
	[PROBLEM_CODE_ENTRY_MISSING] = {"Code.EntryMissing", 422,
		"The code has no such entry point"},
	[PROBLEM_CODE_REJECTED] = {"Code.Rejected", 422,
		"The code was not admitted"},
	[PROBLEM_LIMIT_CONCURRENCY] = {"Limit.Concurrency", 429,
		"Too many invocations at once"},
	[PROBLEM_LIMIT_RATE] = {"Limit.Rate", 429,
		"Too many invocations per second"},
	[PROBLEM_LIMIT_QUEUE_FULL] = {"Limit.QueueFull", 429,
		"Too many invocations wait already"},
	[PROBLEM_LIMIT_QUEUE_WAIT] = {"Limit.QueueWait", 429,
		"The invocation waited too long for its turn"},
	[PROBLEM_LIMIT_MEMORY] = {"Limit.Memory", 429,
		"The memory for isolates is used up"},
	[PROBLEM_LIMIT_CPU] = {"Limit.Cpu", 429,
		"The share of the processors is used up"},
	[PROBLEM_LIMIT_FUNCTIONS] = {"Limit.Functions", 429,
		"There are as many functions as are allowed"},
	[PROBLEM_LIMIT_CONNECTIONS] = {"Limit.Connections", 429,
		"There are as many connections as are allowed"},
	[PROBLEM_DAEMON_INTERNAL] = {"Daemon.Internal", 500,
		"The daemon failed"},
	[PROBLEM_FUNCTION_ERROR] = {"Function.Error", 502,
		"The function raised an error"},
	[PROBLEM_FUNCTION_CRASHED] = {"Function.Crashed", 502,
		"The function crashed"},
	[PROBLEM_FUNCTION_OUT_OF_MEMORY] = {"Function.OutOfMemory", 502,
		"The function needed more memory than its limit"},
	[PROBLEM_FUNCTION_RESPONSE_TOO_LARGE] =
		{"Function.ResponseSizeTooLarge", 502,
			"The function's reply is too large"},
	[PROBLEM_FUNCTION_RESPONSE_INVALID] = {"Function.ResponseInvalid", 502,
		"The function's reply is not valid"},
	[PROBLEM_SANDBOX_MEMORY_VIOLATION] = {"Sandbox.MemoryViolation", 502,
		"The function touched memory that is not its own"},
	[PROBLEM_SANDBOX_SYSCALL_DENIED] = {"Sandbox.SyscallDenied", 502,
		"The function made a system call"},
	[PROBLEM_DAEMON_DRAINING] = {"Daemon.Draining", 503,
		"The daemon is shutting down"},
	[PROBLEM_DAEMON_NOT_READY] = {"Daemon.NotReady", 503,
		"The daemon is not ready yet"},
	[PROBLEM_ISOLATION_UNAVAILABLE] = {"Isolation.Unavailable", 503,
		"This machine can't isolate such a function"},
	[PROBLEM_SANDBOX_TIMEOUT] = {"Sandbox.Timeout", 504,
		"The function did not answer in time"},
	[PROBLEM_SANDBOX_CPU_TIME] = {"Sandbox.CpuTime", 504,
		"The function used up its CPU time"},
};

const char *problem_code(enum problem p)
{
	CHECK(p < PROBLEM_COUNT);
	return problems[p].code;
}

int problem_status(enum problem p)
{
	CHECK(p < PROBLEM_COUNT);
	return problems[p].status;
}

const char *problem_title(enum problem p)
{
	CHECK(p < PROBLEM_COUNT);
	return problems[p].title;
}

enum problem problem_of_status(int status)
{
	return status == 413 ? PROBLEM_REQUEST_TOO_LARGE
			     : PROBLEM_REQUEST_INVALID;
}

static void member(
	struct buf *b, const char *name, const char *value, size_t len)
{
	size_t shown;

	if (!value)
		return;
	shown = escape_prefix(value, len, PROBLEM_DETAIL_MAX);
	buf_add_lit(b, ",\"");
	buf_add_str(b, name);
	buf_add_lit(b, "\":\"");
	escape_json(b, value, shown);
	if (shown < len)
		buf_add_lit(b, "...");
	buf_add_char(b, '"');
}

static void member_str(struct buf *b, const char *name, const char *value)
{
	member(b, name, value, value ? strlen(value) : 0);
}

void problem_body(struct buf *b, const struct problem_info *info)
{
	const char *code = problem_code(info->problem);

	buf_add_lit(b, "{\"type\":\"https://gvisord.dev/e/");
	buf_add_str(b, code);
	buf_add_char(b, '"');
	member_str(b, "title", problem_title(info->problem));
	buf_add_lit(b, ",\"status\":");
	buf_add_i64(
		b, info->status ? info->status : problem_status(info->problem));
	member(b, "detail", info->detail, info->detail_len);
	member_str(b, "code", code);
	member_str(b, "invocation", info->invocation);
	member_str(b, "function", info->function);
	if (info->limit) {
		buf_add_lit(b, ",\"limit\":{\"");
		buf_add_str(b, info->limit);
		buf_add_lit(b, "\":");
		if (info->limit_text) {
			buf_add_char(b, '"');
			buf_add_str(b, info->limit_text);
			buf_add_char(b, '"');
		} else {
			buf_add_u64(b, info->limit_value);
		}
		member_str(b, "set_by", info->limit_set);
		buf_add_char(b, '}');
	}
	member_str(b, "hint", info->hint);
	buf_add_lit(b, "}\n");
}

void problem_retry(struct buf *headers, const struct problem_info *info)
{
	enum problem p = info->problem;

	if (info->retry_never ||
		(problem_status(p) != 429 && p != PROBLEM_DAEMON_DRAINING &&
			p != PROBLEM_DAEMON_NOT_READY))
		return;
	buf_add_lit(headers, "Retry-After: ");
	buf_add_u64(headers, info->retry_s ? info->retry_s : 1);
	buf_add_lit(headers, "\r\n");
}
