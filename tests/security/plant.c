/* See plant.h. T, but for the functions marked U. */
#include "tests/security/plant.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "sandbox/scan_self.h"
#include "tests/security/attack.h"
#include "tests/security/plant_asm.h"

enum {
	HITS = 1 << 16,
	OWN_STACK = 40 << 10, /* RSP in the attacker's stack */
	BIT_PKRU = 0x200,     /* of XRSTOR's mask */
	RAX = 0,
	RSP = 4,
	/* n[] of the attack. */
	N_ENTRY = 0,
	N_EFFECT,
	N_BASE,
	N_INDEX,
	N_SCALE,
	N_DISP,
	N_LOW = 6,
};

/* Planting. ---------------------------------------------------------------- */

void plant_map(struct plant_field *f, size_t pages)
{
	f->len = pages * PLANT_PAGE;
	f->at = mmap(NULL, f->len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(f->at != MAP_FAILED);
	memset(f->at, 0xcc, f->len);
}

static void lay_tail(unsigned char *at, void (*to)(void))
{
	int64_t far = (int64_t)to - (int64_t)(at + PLANT_TAIL);
	int32_t near = (int32_t)far;

	CHECK(near == far);
	*at = 0xe9;
	memcpy(at + 1, &near, sizeof(near));
}

void plant_lay(const struct plant_field *f, struct plant *p, size_t offset)
{
	bool rebases = p->effect == PLANT_FS || p->effect == PLANT_GS;

	CHECK(offset + p->len <= f->len);
	p->at = f->at + offset;
	memcpy(p->at, p->bytes, p->len);
	if (offset + p->len + PLANT_TAIL <= f->len)
		lay_tail(
			p->at + p->len, rebases ? plant_rebased : plant_opened);
}

void plant_close(const struct plant_field *f)
{
	CHECK(mprotect(f->at, f->len, PROT_READ | PROT_EXEC) == 0);
}

void plant_unmap(const struct plant_field *f)
{
	CHECK(munmap(f->at, f->len) == 0);
}

/* Scanning. ---------------------------------------------------------------- */

static struct scan_hit hits[HITS];
static int n_hits;

static bool take_hit(
	void *arg, const struct scan_hit *hit, const struct scan_map *map)
{
	const struct plant_field *f = arg;
	uint64_t from = (uint64_t)f->at;

	(void)map;
	if (gate_owns_instruction(hit->offset) || hit->offset < from ||
		hit->offset >= from + f->len)
		return true;
	CHECK(n_hits < HITS);
	hits[n_hits++] = *hit;
	return true;
}

int plant_scan(const struct plant_field *f)
{
	struct scan_self_sum sum;
	struct plant_field copy = *f;
	int r;

	n_hits = 0;
	r = scan_self(SCAN_RIGHTS, take_hit, &copy, &sum);
	return r < 0 ? r : n_hits;
}

/* Hits come in ascending order. */
bool plant_found(const struct plant *p)
{
	uint64_t want = (uint64_t)p->at + p->hit;
	int from = 0, to = n_hits;

	while (from < to) {
		int mid = from + (to - from) / 2;

		if (hits[mid].offset == want)
			return hits[mid].class == p->class;
		if (hits[mid].offset < want)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

void plant_cases(const struct plant *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		attack_held(plant_found(&p[i]), "%s", p[i].name);
}

/* Jumping there. ----------------------------------------------------------- */

/* U, with all keys open. */
void plant_loot(const struct box_attack *a);
void plant_loot(const struct box_attack *a)
{
	box_got(*(volatile uint64_t *)a->place[BOX_HEAP]);
}

/* U. What the instruction should have written, and what is there. */
void plant_bases(const struct box_attack *a, uint64_t fs, uint64_t gs);
void plant_bases(const struct box_attack *a, uint64_t fs, uint64_t gs)
{
	uint64_t is = a->n[N_EFFECT] == PLANT_FS ? fs : gs;

	(void)gate_hostcall(BOX_GOT, is == a->value, is, 0, 0);
	box_done();
}

/* U. An operand of zeros whose address, taken for a mask, names PKRU. */
static uint64_t operand(struct box_attack *a)
{
	uint64_t at = ((uint64_t)a->area + 0x3ff) & ~0x3ffull;

	return a->n[N_LOW] ? PLANT_OPERAND : at + BIT_PKRU;
}

/* U. */
static void aim_xrstor(struct box_attack *a, struct plant_jump *j)
{
	int base = (int)a->n[N_BASE], index = (int)a->n[N_INDEX];
	uint64_t at = operand(a) - (uint64_t)(int64_t)(int32_t)a->n[N_DISP];

	j->r[RAX] = BIT_PKRU;
	if (index == RAX)
		at -= BIT_PKRU * a->n[N_SCALE];
	if (base >= 0)
		j->r[base] = at;
}

/* U. */
static void aim_base(struct box_attack *a, struct plant_jump *j)
{
	uint64_t *stack = (uint64_t *)j->r[RSP];

	__asm__("rdfsbase %0" : "=r"(stack[0]));
	__asm__("rdgsbase %0" : "=r"(stack[1]));
	stack[2] = (uint64_t)a;
	if ((int)a->n[N_BASE] != RSP)
		j->r[a->n[N_BASE]] = operand(a);
	/* 32 bits of it, when the instruction takes no more. */
	a->value =
		j->r[a->n[N_BASE]] & (a->n[N_SCALE] ? UINT64_MAX : UINT32_MAX);
}

/* U. */
static void plant_in(struct box_attack *a)
{
	struct plant_jump j = {.rip = a->n[N_ENTRY]};

	j.r[RSP] = a->stack + OWN_STACK;
	if (a->n[N_EFFECT] == PLANT_FS || a->n[N_EFFECT] == PLANT_GS)
		aim_base(a, &j);
	else if (a->value == SCAN_XRSTOR)
		aim_xrstor(a, &j);
	plant_jump(&j);
}

struct controls {
	const struct plant *p;
	size_t n;
};

/* Operands in the first 2 GiB, for 32-bit displacements and addresses. */
static void errand_low(struct box *b, void *arg)
{
	void *at = (void *)((uintptr_t)PLANT_OPERAND & ~(PLANT_PAGE - 1ul));

	(void)arg;
	CHECK(mmap(at, PLANT_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	CHECK(b->prim.tag(at, PLANT_PAGE, PROT_READ | PROT_WRITE,
		      domain_key(&b->attacker.domain)) == 0);
}

static void session_controls(struct box *b, const void *arg)
{
	const struct controls *c = arg;

	box_keeper(b, errand_low, NULL);
	for (size_t i = 0; i < c->n; i++) {
		const struct plant *p = &c->p[i];
		struct box_attack a = {.value = p->class,
			.n = {[N_ENTRY] = (uint64_t)(p->at + p->entry),
				[N_EFFECT] = p->effect,
				[N_BASE] = (uint64_t)p->base,
				[N_INDEX] = (uint64_t)p->index,
				[N_SCALE] = p->scale,
				[N_DISP] = (uint64_t)(int64_t)p->disp,
				[N_LOW] = p->low}};

		/* As box_prepare() will lay it out. */
		if (i == 0)
			box_prepare(b, &b->attacker, plant_in, &a);
		plant_context.rsp = (uint64_t)b->attacker.mem + OWN_STACK;
		plant_context.a = b->attacker.attack;
		(void)box_attack(b, plant_in, &a);
	}
}

static bool has_effect(const struct plant *p, const struct box_end *e)
{
	if (p->effect == PLANT_NOTHING)
		return e->how == GATE_ABORTED;
	if (e->how != GATE_LEFT || e->nr != BOX_GOT)
		return false;
	return p->effect == PLANT_OPENS ? e->leaked : e->arg[0] == 1;
}

static void say(const struct plant *p, const struct box_end *e)
{
	const struct gate_fault *f = &e->fault;

	attack_say("%s: how %d call %lu (%#lx %#lx) signal %d code %d key %d "
		   "rip %+ld address %#lx",
		p->name, e->how, e->nr, e->arg[0], e->arg[1], f->signal,
		f->code, f->key, (long)(f->rip - (uint64_t)p->at), f->address);
}

static const struct box_report *run_controls(const struct plant *p, size_t n)
{
	const struct controls c = {p, n};
	const struct box_report *r = box_run(NULL, session_controls, &c);

	if (r->status != 0 || r->n_ends != n)
		box_say("controls", r);
	return r;
}

void plant_controls(const struct plant *p, size_t n)
{
	const struct box_report *r = run_controls(p, n);

	for (size_t i = 0; i < n; i++) {
		if (p[i].effect == PLANT_NOTHING)
			continue;
		if (!attack_worked(
			    i < r->n_ends && has_effect(&p[i], &r->end[i]),
			    "%s", p[i].name))
			say(&p[i], &r->end[i]);
	}
}

void plant_control_all(const struct plant *p, size_t n, const char *name)
{
	const struct box_report *r = run_controls(p, n);
	size_t worked = 0, said = 0;

	for (size_t i = 0; i < n; i++) {
		bool good = i < r->n_ends && has_effect(&p[i], &r->end[i]);

		worked += good;
		if (!good && said++ < 3)
			say(&p[i], &r->end[i]);
	}
	attack_worked(worked == n, "%s: %zu of %zu", name, worked, n);
}
