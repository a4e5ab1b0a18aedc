/*
 * /proc/self/maps, line by line, and the scanner over what is executable.
 * Trusted side.
 */
#include "sandbox/scan_self.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

struct self {
	struct scan scan;
	struct scan_map map;
	struct scan_self_sum sum;
	scan_self_fn *hit;
	void *arg;
};

static void fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static bool self_hit(void *arg, const struct scan_hit *hit)
{
	struct self *self = arg;

	return !self->hit || self->hit(self->arg, hit, &self->map);
}

/* "start-end perms offset dev inode      name\n" */
static bool parse_line(const char *line, struct scan_map *map, char perms[5])
{
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n",
		    &map->start, &map->end, perms, &name) != 3 ||
		!name)
		return false;
	(void)snprintf(map->name, sizeof(map->name), "%.*s",
		(int)strcspn(line + name, "\n"), line + name);
	return true;
}

static void scan_map(struct self *self)
{
	const struct scan_map *m = &self->map;

	/* A gap: nothing straddles it. */
	if (self->scan.at != m->start)
		scan_init(&self->scan, m->start, self->scan.classes, self_hit,
			self);
	self->sum.n_maps++;
	self->sum.n_bytes += m->end - m->start;
	self->sum.n_hits += scan_next(&self->scan,
		(const uint8_t *)(uintptr_t)m->start, m->end - m->start);
}

static int take_line(struct self *self, const char *line)
{
	char perms[5] = "";

	if (!parse_line(line, &self->map, perms))
		return -EPROTO;
	if (perms[2] != 'x')
		return 0;
	if (perms[0] != 'r')
		return strcmp(self->map.name, "[vsyscall]") ? -EACCES : 0;
	scan_map(self);
	return 0;
}

/* A name may be longer than the buffer: what fgets() leaves of its line is
 * skipped, lest it be taken for a line of its own. */
static bool next_line(FILE *f, char *line, size_t size)
{
	int c;

	if (!fgets(line, (int)size, f))
		return false;
	if (!strchr(line, '\n')) {
		do
			c = fgetc(f);
		while (c != '\n' && c != EOF);
	}
	return true;
}

int scan_self(unsigned classes, scan_self_fn *hit, void *arg,
	struct scan_self_sum *ret_sum)
{
	__attribute__((cleanup(fclosep))) FILE *f =
		fopen("/proc/self/maps", "re");
	struct self self = {.hit = hit, .arg = arg};
	char line[512];
	int err;

	if (!f)
		return err_errno();
	scan_init(&self.scan, 0, classes, self_hit, &self);
	while (!self.scan.stopped && next_line(f, line, sizeof(line))) {
		err = take_line(&self, line);
		if (err)
			return err;
	}
	if (ferror(f))
		return -EIO;
	*ret_sum = self.sum;
	return 0;
}
