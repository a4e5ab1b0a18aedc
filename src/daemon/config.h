#pragma once
/*
 * Every knob of the daemon as a named field: where it listens, how it isolates,
 * what it allows. One table (config_keys.c) gives each knob its path, type,
 * range, default and help; the file reader, the environment, the flags, the
 * effective print-out and docs/config.md all come from that table.
 *
 * Precedence: flag > environment > file > default. Call config_init, then
 * config_file, config_env, config_set for flags, in that order: the later wins.
 *
 * Trusted side; control thread only. Reads files and the environment of the
 * operator, never anything from the network.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define CONFIG_SOCKET_SIZE 108 /* sockaddr_un.sun_path */
#define CONFIG_TCP_SIZE 64
#define CONFIG_PATH_SIZE 256
#define CONFIG_KEYS_MAX 64
#define CONFIG_TENANTS_MAX 256
#define CONFIG_TENANT_SIZE 64
#define CONFIG_FILE_DEFAULT "/etc/gvisord/gvisord.json"
#define CONFIG_FILE_BYTES_MAX (1u << 20)

enum config_e {
	CONFIG_E_INVALID = 1 /* the error text says what and where */
};

enum config_source {
	CONFIG_DEFAULT,
	CONFIG_FILE,
	CONFIG_ENV,
	CONFIG_FLAG
};

enum config_isolation {
	CONFIG_ISOLATION_AUTO,
	CONFIG_ISOLATION_MPK,
	CONFIG_ISOLATION_SOFTWARE
};

enum config_log_format {
	CONFIG_LOG_TEXT,
	CONFIG_LOG_JSON
};

/* Limits of one tenant; each 0: none. */
struct config_tenant {
	char name[CONFIG_TENANT_SIZE];
	uint32_t rate_calls, rate_seconds;
	uint32_t concurrency, memory_mb, cpu_percent;
};

struct config {
	struct {
		char socket[CONFIG_SOCKET_SIZE]; /* "": no Unix socket */
		char tcp[CONFIG_TCP_SIZE];	 /* "": no TCP */
		char admin_token_file[CONFIG_PATH_SIZE]; /* "": none */
	} listen;
	struct {
		int mode; /* enum config_isolation */
		bool require_mpk;
		bool unsafe_native;
		bool admit_system_calls;
		int key_policy; /* enum mux_kind */
	} isolation;
	uint32_t workers; /* 0: one per online CPU, capped by the keys */
	struct {
		uint32_t isolates;
		uint32_t functions;
		uint32_t connections;
		uint32_t queue;
		uint32_t queue_wait_ms;
		uint32_t request_bytes;
		uint32_t response_bytes;
		uint32_t log_bytes; /* of one invocation */
		uint32_t code_bytes;
		uint32_t memory_mb;  /* largest budget a function may ask */
		uint32_t timeout_ms; /* longest time a function may ask */
		uint32_t idle_ttl_ms;
		uint32_t total_memory_mb; /* 0: no limit */
		uint32_t resident_mb;	  /* 0: by what there is */
	} limits;
	struct {
		uint32_t memory_mb;
		uint32_t timeout_ms;
		uint32_t idle_ttl_ms;
		uint32_t cpu_ms; /* each 0: no limit */
		uint32_t max_concurrency, max_rate;
		uint32_t contexts;
	} defaults;
	struct {
		uint32_t header_ms;
		uint32_t body_ms;
		uint32_t idle_ms;
		uint32_t send_ms;
	} timeouts;
	struct {
		uint32_t grace_ms;
	} drain;
	struct {
		int level;  /* enum log_level */
		int format; /* enum config_log_format */
	} log;
	struct config_tenant tenants[CONFIG_TENANTS_MAX];
	size_t n_tenants;
	uint8_t source[CONFIG_KEYS_MAX]; /* enum config_source, by key index */
};

struct config_error {
	char text[512];
};

/* All defaults; cannot fail. */
void config_init(struct config *cfg);
/* Strict JSON: a syntax error, a duplicate, an unknown key, a wrong type or a
 * value out of range is CONFIG_E_INVALID and names the place. cfg may then be
 * half changed: throw it away. */
int config_file(struct config *cfg, const char *path, struct config_error *err);
/* GVISORD_* of this process; see config_env_name(). */
int config_env(struct config *cfg, struct config_error *err);
/* One key by its path ("limits.queue"), value as text. */
int config_set(struct config *cfg, const char *path, const char *value,
	enum config_source source, struct config_error *err);
/* What no single key can tell: contradictions between keys. Call last. */
int config_check(const struct config *cfg, struct config_error *err);
/* init + file + env. path NULL: $GVISORD_CONFIG, else CONFIG_FILE_DEFAULT if
 * that exists, else no file. */
int config_load(struct config *cfg, const char *path, struct config_error *err);

/* The effective values, each with where it came from. */
void config_print_json(const struct config *cfg, FILE *to);
/* Text of one value; points into buf or to static memory. */
const char *config_value(const struct config *cfg, size_t index, char buf[16]);
const char *config_source_name(enum config_source source);
/* The reference page, docs/config.md. */
void config_print_markdown(FILE *to);

/* Where daemon and clients meet when nobody says otherwise. */
void config_socket_default(char ret_path[CONFIG_SOCKET_SIZE]);

/* "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; numeric otherwise, no
 * name is ever looked up. False if it is none of these. */
bool config_addr_parse(const char *text, struct sockaddr_storage *ret_addr,
	socklen_t *ret_len);
bool config_addr_loopback(const struct sockaddr_storage *addr);
