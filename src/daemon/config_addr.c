/*
 * Where to listen and where to connect: the default socket path and the
 * reading of ADDR:PORT. Numeric addresses only, so that no resolver, no file
 * and no network takes part. Trusted side; pure but for the environment.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "util/strutil.h"

void config_socket_default(char ret_path[CONFIG_SOCKET_SIZE])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	int n = -1;

	if (geteuid() == 0) {
		(void)strcpy(ret_path, "/run/gvisord/gvisord.sock");
		return;
	}
	if (dir && *dir == '/')
		n = snprintf(
			ret_path, CONFIG_SOCKET_SIZE, "%s/gvisord.sock", dir);
	if (n < 0 || n >= CONFIG_SOCKET_SIZE)
		(void)snprintf(ret_path, CONFIG_SOCKET_SIZE,
			"/tmp/gvisord-%u.sock", (unsigned)geteuid());
}

static bool port_parse(const char *text, in_port_t *ret_port)
{
	uint64_t v;

	if (!str_parse_u64(slice_of(text), 0, 65535, &v))
		return false;
	*ret_port = htons((in_port_t)v);
	return true;
}

/* host is NUL-terminated, brackets already taken off. */
static bool host_parse(const char *host, bool v6, in_port_t port,
	struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = port};

	if (v6) {
		if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
			return false;
		memcpy(addr, &in6, *len = sizeof(in6));
		return true;
	}
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &in4.sin_addr) != 1)
		return false;
	memcpy(addr, &in4, *len = sizeof(in4));
	return true;
}

bool config_addr_parse(
	const char *text, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct sockaddr_storage addr = {0};
	char host[CONFIG_TCP_SIZE];
	const char *colon = strrchr(text, ':');
	bool v6 = *text == '[';
	socklen_t len = 0;
	in_port_t port;
	size_t n;

	if (!colon || !port_parse(colon + 1, &port))
		return false;
	text += v6;
	n = (size_t)(colon - text);
	if (colon < text || n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (v6) {
		if (n == 0 || host[n - 1] != ']')
			return false;
		host[n - 1] = '\0';
	}
	if (!host_parse(host, v6, port, &addr, &len))
		return false;
	*ret_addr = addr;
	*ret_len = len;
	return true;
}

bool config_addr_loopback(const struct sockaddr_storage *addr)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in4;

	if (addr->ss_family == AF_INET) {
		memcpy(&in4, addr, sizeof(in4));
		return ntohl(in4.sin_addr.s_addr) >> 24 == 127;
	}
	if (addr->ss_family != AF_INET6)
		return false;
	memcpy(&in6, addr, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}
