/* See forged.h. */
#include "tests/security/forged.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"

enum {
	RET = 0xc3,
	NAME_MAX = 120
};

const uint8_t forged_zeros[6] = {0x31, 0xc0, 0x31, 0xc9, 0x31, 0xd2};
const uint8_t forged_wrpkru[3] = {0x0f, 0x01, 0xef};

/* RAX to where the request is, that to be the reply, as text: struct
 * gv_request in RDI, struct gv_response in RSI. */
static const uint8_t reply_rax[] = {
	0x48, 0x8b, 0x4f, 0x08,		    /* mov 8(%rdi), %rcx */
	0x48, 0x89, 0x01,		    /* mov %rax, (%rcx) */
	0xc7, 0x46, 0x04, 2, 0, 0, 0,	    /* movl $2, 4(%rsi) */
	0x48, 0x89, 0x4e, 0x08,		    /* mov %rcx, 8(%rsi) */
	0x48, 0xc7, 0x46, 0x10, 8, 0, 0, 0, /* movq $8, 16(%rsi) */
	0x31, 0xc0, RET,		    /* xor %eax, %eax; ret */
};

size_t forged_read(uint8_t code[FORGED_CODE_MAX], uint64_t at)
{
	static const uint8_t load[] = {0x48, 0x8b, 0x00}; /* mov (%rax), %rax */
	size_t n = 0;

	code[n++] = 0x48; /* movabs $at, %rax */
	code[n++] = 0xb8;
	(void)memcpy(code + n, &at, sizeof(at));
	n += sizeof(at);
	(void)memcpy(code + n, load, sizeof(load));
	n += sizeof(load);
	(void)memcpy(code + n, reply_rax, sizeof(reply_rax));
	return n + sizeof(reply_rax);
}

size_t forged_read_near(uint8_t code[FORGED_CODE_MAX], int32_t away)
{
	static const uint8_t load[] = {0x48, 0x8b, 0x05}; /* mov x(%rip), %rax
							   */
	size_t n = sizeof(load);

	(void)memcpy(code, load, sizeof(load));
	away -= (int32_t)(sizeof(load) + sizeof(away));
	(void)memcpy(code + n, &away, sizeof(away));
	n += sizeof(away);
	(void)memcpy(code + n, reply_rax, sizeof(reply_rax));
	return n + sizeof(reply_rax);
}

size_t forged_count(uint8_t code[FORGED_CODE_MAX], int32_t away)
{
	static const uint8_t inc[] = {0x48, 0xff, 0x05}; /* incq x(%rip) */
	const int32_t from_end = away - (int32_t)(sizeof(inc) + sizeof(away));

	uint8_t read[FORGED_CODE_MAX];
	size_t n = forged_read_near(read, from_end);

	(void)memcpy(code, inc, sizeof(inc));
	(void)memcpy(code + sizeof(inc), &from_end, sizeof(from_end));
	(void)memcpy(code + sizeof(inc) + sizeof(from_end), read, n);
	return sizeof(inc) + sizeof(from_end) + n;
}

void forged_make(struct good *g)
{
	static const uint8_t nothing[] = {0x31, 0xc0, RET};

	good_make(g);
	(void)memcpy(g->text + GOOD_ENTRY, nothing, sizeof(nothing));
	/* DT_INIT stands at its start, the array leads there, too: what stands
	 * at the start of the second piece is the attack's to say. */
	g->text[0] = RET;
	g->rela[GOOD_R_RELATIVE].r_addend = offsetof(struct good, text);
}

bool forged_refused(struct live *l, const struct body *object,
	const char *reason, const char *name, ...)
{
	char text[NAME_MAX], first[400];
	bool good;
	va_list ap;

	va_start(ap, name);
	(void)vsnprintf(text, sizeof(text), name, ap);
	va_end(ap);
	good = live_object(l, "forged", object, "") == 422 &&
	       strcmp(l->reply.code, "Code.Rejected") == 0 &&
	       strstr(l->reply.body, reason);
	(void)snprintf(first, sizeof(first), "status %d: %.300s",
		l->reply.status, l->reply.body);
	if (attack_held(live_well(l) && good, "%s: %s", text, reason))
		return true;
	attack_say("%s", first);
	return false;
}

bool forged_deploy(struct live *l, const struct good *g, const char *options)
{
	const struct body body = {g, sizeof(*g)};
	int status = live_object(l, "forged", &body, options);

	return status == 200 || status == 201;
}

uint64_t forged_value(struct live *l, const struct good *g)
{
	uint64_t value = 0;

	if (!forged_deploy(l, g, ""))
		return 0;
	live_do(l, "forged", "give me 8 bytes");
	if (l->reply.status == 200 && l->reply.len == sizeof(value))
		(void)memcpy(&value, l->reply.body, sizeof(value));
	return value;
}
