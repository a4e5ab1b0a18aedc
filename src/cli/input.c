/*
 * What a user hands to a command: names of functions, files, requests; and the
 * way back, hostile text onto a terminal. Client process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "util/escape.h"
#include "util/gbuf.h"
#include "util/strutil.h"

#define FILE_MAX (64u << 20)

static int name_part(
	struct cli *cli, const char *what, struct slice part, char ret_text[64])
{
	if (!str_is_name(part))
		return cli_usage_error(cli,
			"\"%.*s\" is no %s: 1 to 63 of a-z 0-9 . _ -, the "
			"first a letter or digit",
			(int)part.len, part.ptr, what);
	memcpy(ret_text, part.ptr, part.len);
	ret_text[part.len] = '\0';
	return 0;
}

int cli_name(struct cli *cli, const char *text, const char *tenant,
	struct cli_name *ret_name)
{
	const char *slash = strchr(text, '/');
	struct slice owner = slice_of(tenant ? tenant : "default");
	struct slice name = slice_of(slash ? slash + 1 : text);
	int r;

	if (slash) {
		struct slice written = {text, (size_t)(slash - text)};

		if (tenant && !slice_is(written, tenant))
			return cli_usage_error(cli,
				"--tenant %s contradicts \"%s\"", tenant, text);
		owner = written;
	}
	r = name_part(cli, "tenant name", owner, ret_name->tenant);
	return r ? r : name_part(cli, "function name", name, ret_name->name);
}

static int read_all(int fd, struct buf *to)
{
	for (;;) {
		char *room = buf_reserve(to, 65536);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		n = read(fd, room, 65536);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno();
		to->len += (size_t)n;
		if (to->len > FILE_MAX)
			return -EFBIG;
	}
}

/* With -EFBIG the bytes up to there, which are too many. */
static int read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
	bool in = strcmp(path, "-") == 0;
	AUTO_CLOSE int opened = in ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	struct buf bytes;
	char *stolen = NULL;
	int e = 0;

	gbuf_init(&bytes);
	if (!in && opened < 0)
		e = err_errno();
	if (e == 0)
		e = read_all(in ? STDIN_FILENO : opened, &bytes);
	if (e == 0 || e == -EFBIG) {
		stolen = gbuf_steal(&bytes, ret_len);
		e = stolen ? e : -ENOMEM;
	}
	gbuf_fini(&bytes);
	*ret_bytes = stolen;
	return e;
}

static int unreadable(struct cli *cli, const char *path, int e)
{
	return cli_usage_error(cli, "cannot read %s: %s", path, strerror(-e));
}

int cli_read_file(
	struct cli *cli, const char *path, char **ret_bytes, size_t *ret_len)
{
	int e = read_file(path, ret_bytes, ret_len);

	if (e == 0)
		return 0;
	free(*ret_bytes);
	*ret_bytes = NULL;
	return unreadable(cli, path, e);
}

int cli_read_object(
	struct cli *cli, const char *path, char **ret_bytes, size_t *ret_len)
{
	int e = read_file(path, ret_bytes, ret_len);

	return e == 0 || e == -EFBIG ? 0 : unreadable(cli, path, e);
}

int cli_read_request(struct cli *cli, const char *text, const char *data,
	char **ret_bytes, size_t *ret_len)
{
	if (text && data)
		return cli_usage_error(
			cli, "a request twice: \"%s\" and -d %s", text, data);
	if (data && (*data == '@' || strcmp(data, "-") == 0))
		return cli_read_file(
			cli, data + (*data == '@'), ret_bytes, ret_len);
	if (!text)
		text = data ? data : "{}";
	*ret_bytes = strdup(text);
	if (!*ret_bytes)
		return cli_usage_error(cli, "out of memory");
	*ret_len = strlen(text);
	return 0;
}

void cli_print_safe(FILE *to, const char *text)
{
	escape_terminal(to, text, strlen(text));
}

void cli_print_reply(FILE *to, const char *bytes, size_t len)
{
	if (isatty(fileno(to)))
		escape_terminal(to, bytes, len);
	else
		(void)fwrite(bytes, 1, len, to);
	if (len > 0 && bytes[len - 1] != '\n')
		(void)fputc('\n', to);
}
