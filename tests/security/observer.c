/* See observer.h: who is looked at, its code, its threads. */
#include "tests/security/observer.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PIECE = 1 << 20,
	OVERLAP = 3, /* one less than the longest sequence */
	GATE_MAX = 16 << 10,
};

bool observer_read(
	const struct observer *o, uint64_t at, void *buf, uint64_t len)
{
	return pread(o->mem, buf, len, (off_t)at) == (ssize_t)len;
}

static FILE *proc_open(const struct observer *o, const char *name)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", o->pid, name);
	return fopen(path, "re");
}

/* Value of a line "name: value" of a file; NULL: there is no such line. */
static const char *proc_value(const struct observer *o, const char *file,
	const char *name, char *line, size_t size)
{
	FILE *f = proc_open(o, file);
	const char *found = NULL;

	while (f && !found && fgets(line, (int)size, f))
		if (strncmp(line, name, strlen(name)) == 0)
			found = line + strlen(name);
	if (f)
		(void)fclose(f);
	return found;
}

static uint64_t start_time(const struct observer *o)
{
	FILE *f = proc_open(o, "stat");
	char line[1024] = "";
	char *at;

	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		(void)fclose(f);
	/* Field 22; the second one, in parentheses, may have blanks. */
	at = strrchr(line, ')');
	for (int i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A kernel thread that does what a ring put off: never in user mode. */
static bool is_io_worker(const struct observer *o, pid_t task)
{
	enum {
		IO_WORKER = 0x10, /* PF_IO_WORKER */
		FIELD = 7	  /* of those behind the name */
	};
	char path[64], line[512] = "";
	unsigned flags = 0;
	char *at;
	FILE *f;

	(void)snprintf(
		path, sizeof(path), "/proc/%d/task/%d/stat", o->pid, task);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		(void)fclose(f);
	at = strrchr(line, ')');
	for (int i = 0; at && i < FIELD; i++)
		at = strchr(at + 1, ' ');
	if (at)
		flags = (unsigned)strtoul(at, NULL, 10);
	return flags & IO_WORKER;
}

static unsigned tasks(const struct observer *o, pid_t task[OBSERVER_TASKS])
{
	struct dirent *e;
	char path[64];
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", o->pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) && n < OBSERVER_TASKS)
		if (e->d_name[0] != '.') {
			task[n] = (pid_t)strtol(e->d_name, NULL, 10);
			n += !is_io_worker(o, task[n]);
		}
	if (dir)
		(void)closedir(dir);
	qsort(task, n, sizeof(*task), by_number);
	return n;
}

/* The first mapping of the program's file is where it is loaded. */
static uint64_t load_base(const struct observer *o)
{
	FILE *f = proc_open(o, "maps");
	uint64_t base = 0;
	char line[512];

	while (f && base == 0 && fgets(line, sizeof(line), f))
		if (strstr(line, o->program))
			base = strtoull(line, NULL, 16);
	if (f)
		(void)fclose(f);
	return base;
}

bool observer_init(struct observer *o, pid_t pid,
	void (*say)(const char *text, ...)
		__attribute__((format(printf, 1, 2))))
{
	char path[64];
	ssize_t n;

	(void)memset(o, 0, sizeof(*o));
	o->pid = pid;
	o->say = say;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, o->program, sizeof(o->program) - 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	o->mem = open(path, O_RDONLY | O_CLOEXEC);
	if (n <= 0 || o->mem < 0)
		return false;
	o->base = load_base(o);
	o->start_time = start_time(o);
	o->n_tasks = tasks(o, o->task);
	return o->base != 0 && observer_symbols(o);
}

void observer_fini(struct observer *o)
{
	(void)close(o->mem);
}

/* Code. -------------------------------------------------------------------- */

/* What stands at p, of which n bytes can be seen; NULL: nothing forbidden. */
static const char *forbidden(const unsigned char *p, size_t n)
{
	unsigned mod, reg;
	size_t skip;

	if (n < 3)
		return NULL;
	/* 0F, or REX2 with the bit that stands for it. */
	if (p[0] == 0x0f)
		skip = 1;
	else if (p[0] == 0xd5 && p[1] >= 0x80)
		skip = 2;
	else
		return NULL;
	if (n < skip + 2)
		return NULL;
	if (p[skip] == 0x01)
		return p[skip + 1] == 0xef ? "WRPKRU" : NULL;
	if (p[skip] != 0xae)
		return NULL;
	mod = p[skip + 1] >> 6;
	reg = p[skip + 1] >> 3 & 7;
	if (reg == 5 && mod != 3)
		return "XRSTOR";
	if ((reg == 2 || reg == 3) && mod == 3)
		return reg == 2 ? "WRFSBASE" : "WRGSBASE";
	return NULL;
}

/* Is it one of the gate's, and the same in the file? */
static bool is_gates(
	const struct observer *o, uint64_t at, const unsigned char *p)
{
	unsigned char file[3];

	return at >= o->gate_from && at + sizeof(file) <= o->gate_to &&
	       observer_file(o, at, file, sizeof(file)) &&
	       memcmp(file, p, sizeof(file)) == 0;
}

static unsigned code_piece(
	struct observer *o, const unsigned char *p, size_t n, uint64_t at)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++) {
		const char *what = forbidden(p + i, n - i);

		if (!what)
			continue;
		o->instructions++;
		if (is_gates(o, at + i, p + i))
			continue;
		wrong++;
		o->say("%s at %#" PRIx64 ", which is not the gate's", what,
			at + i);
	}
	return wrong;
}

static unsigned code_map(struct observer *o, uint64_t from, uint64_t to)
{
	static unsigned char piece[PIECE];
	unsigned wrong = 0;

	/* Pieces overlap; what ends in the overlap is seen in the next. */
	while (from < to) {
		uint64_t len = to - from < PIECE ? to - from : PIECE;

		if (!observer_read(o, from, piece, len)) {
			o->say("executable memory at %#" PRIx64
			       " can't be read",
				from);
			return wrong + 1;
		}
		o->bytes += len;
		wrong += code_piece(o, piece, len, from);
		from += len == to - from ? len : len - OVERLAP;
	}
	return wrong;
}

static unsigned code_gate(struct observer *o)
{
	static unsigned char now[GATE_MAX], file[GATE_MAX];
	uint64_t len = o->gate_to - o->gate_from;

	if (len <= GATE_MAX && observer_read(o, o->gate_from, now, len) &&
		observer_file(o, o->gate_from, file, len) &&
		memcmp(now, file, len) == 0)
		return 0;
	o->say("the gate's code is not that of the file");
	return 1;
}

/* True: an executable mapping; *ret_written: that can be written to. */
static bool is_code(const char *line, uint64_t *ret_from, uint64_t *ret_to,
	bool *ret_written)
{
	char perms[5];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", ret_from, ret_to,
		    perms) != 3)
		return false;
	*ret_written = perms[1] == 'w';
	return perms[2] == 'x' && !strstr(line, "[vsyscall]");
}

unsigned observer_code(struct observer *o)
{
	FILE *f = proc_open(o, "maps");
	unsigned wrong = code_gate(o);
	uint64_t from, to, begin = 0, end = 0;
	char line[512];
	bool written;

	o->maps = 0;
	o->bytes = o->instructions = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (!is_code(line, &from, &to, &written))
			continue;
		o->maps++;
		if (written) {
			wrong++;
			o->say("executable and writable: %.60s", line);
		}
		/* Code runs on from one mapping into the next. */
		if (from != end) {
			wrong += code_map(o, begin, end);
			begin = from;
		}
		end = to;
	}
	wrong += code_map(o, begin, end);
	if (f)
		(void)fclose(f);
	if (o->maps == 0 || o->instructions == 0)
		o->say("no code, or no gate, was found");
	return wrong + (o->maps == 0 || o->instructions == 0);
}

/* Threads. ----------------------------------------------------------------- */

static unsigned expect(struct observer *o, const char *file, const char *name,
	const char *want)
{
	char line[256];
	const char *value = proc_value(o, file, name, line, sizeof(line));

	value = value ? value + strspn(value, " \t") : "nothing\n";
	if (strncmp(value, want, strlen(want)) == 0)
		return 0;
	o->say("%s: %s is %.*s, not %s", file, name, (int)strcspn(value, "\n"),
		value, want);
	return 1;
}

unsigned observer_threads(struct observer *o)
{
	pid_t task[OBSERVER_TASKS];
	unsigned n = tasks(o, task), wrong = 0;
	char file[64];

	if (start_time(o) != o->start_time || n != o->n_tasks ||
		memcmp(task, o->task, n * sizeof(*task)) != 0) {
		o->say("it is not the process, or have the threads, it had");
		wrong++;
	}
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(file, sizeof(file), "task/%d/status", task[i]);
		wrong += expect(o, file, "Seccomp:", "2\n");
		wrong += expect(o, file, "NoNewPrivs:", "1\n");
	}
	wrong += expect(o, "status", "CoreDumping:", "0\n");
	wrong += expect(o, "status", "TracerPid:", "0\n");
	wrong += expect(o, "limits", "Max core file size", "0 ");
	return wrong;
}
