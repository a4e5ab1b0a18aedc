/*
 * The terminal: see screen.h. The handlers use nothing but write, tcsetattr and
 * raise, which may be called from one.
 */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The other screen, no cursor; and back. */
static const char enter[] = "\x1b[?1049h\x1b[?25l";
static const char leave[] = "\x1b[?25h\x1b[?1049l";

static struct {
	FILE *to;
	int fd;	   /* of `to`; -1: not open */
	bool keys; /* standard input is a terminal as well */
	struct termios was, raw;
} screen = {.fd = -1};

static void put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(screen.fd, text, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void take(void)
{
	if (screen.keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.raw);
	put(enter, sizeof(enter) - 1);
}

static void give_back(void)
{
	put(leave, sizeof(leave) - 1);
	if (screen.keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.was);
}

/* Its action is the default again by now: the program ends by it. */
static void on_end(int sig)
{
	give_back();
	(void)raise(sig);
}

static void on_stop(int sig)
{
	int saved = errno;

	(void)sig;
	give_back();
	(void)raise(SIGSTOP);
	take();
	errno = saved;
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

static void handlers(bool on)
{
	struct sigaction end = {.sa_handler = on ? on_end : SIG_DFL,
		.sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction stop = {
		.sa_handler = on ? on_stop : SIG_DFL, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &end, NULL);
	(void)sigaction(SIGTSTP, &stop, NULL);
}

bool screen_open(FILE *to)
{
	int fd = fileno(to);

	if (fd < 0 || !isatty(fd))
		return false;
	(void)fflush(to);
	screen.to = to;
	screen.fd = fd;
	screen.keys = tcgetattr(STDIN_FILENO, &screen.was) == 0;
	if (screen.keys) {
		screen.raw = screen.was;
		screen.raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	}
	handlers(true);
	take();
	return true;
}

void screen_close(void)
{
	if (screen.fd < 0)
		return;
	give_back();
	handlers(false);
	screen.fd = -1;
}

static struct winsize size(void)
{
	struct winsize w;

	if (ioctl(screen.fd, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 ||
		w.ws_col == 0)
		w = (struct winsize){.ws_row = 24, .ws_col = 80};
	return w;
}

size_t screen_rows(void)
{
	return size().ws_row;
}

/* Bytes of the first `columns` characters of a line. */
static size_t cut(const char *line, size_t len, size_t columns)
{
	size_t at = 0;

	for (; at < len; at++)
		if (((unsigned char)line[at] & 0xc0) != 0x80 && columns-- == 0)
			break;
	return at;
}

void screen_draw(const char *text)
{
	struct winsize w = size();

	put("\x1b[H", 3);
	for (size_t row = 0; row < w.ws_row && *text; row++) {
		size_t len = strcspn(text, "\n");

		if (row > 0)
			put("\n", 1);
		put(text, cut(text, len, w.ws_col));
		put("\x1b[K", 3);
		text += len + (text[len] == '\n');
	}
	put("\x1b[J", 3);
}

static int64_t ms_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool screen_wait(int ms)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	int64_t end = ms_now() + ms;

	for (int left = ms; left > 0; left = (int)(end - ms_now())) {
		char key = 0;

		if (poll(&in, screen.fd >= 0 && screen.keys, left) <= 0)
			continue;
		/* Hung up or at its end: no keys will come. */
		if (read(STDIN_FILENO, &key, 1) != 1)
			screen.keys = false;
		if (key == 'q' || key == 'Q')
			return true;
	}
	return false;
}
