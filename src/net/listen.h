#pragma once
/*
 * Listening sockets: made on the control thread before workers are confined.
 *
 * One Unix socket serves all workers; each TCP address gets one socket per
 * worker (SO_REUSEPORT), so that the kernel spreads connections and a
 * connection stays with its worker. Messages for the user go into err.
 */
#include <stddef.h>

/*
 * A listening Unix socket at path, mode 0660. A socket file nobody listens on
 * any more is replaced; a live one, or a file that is no socket, is an error.
 */
int listen_unix(const char *path, char *err, size_t err_size, int *ret_fd);
/* Removes the file if it is still the one listen_unix() made. */
void listen_unlink(const char *path, int fd);

/* "127.0.0.1:8080", "[::1]:8080"; a port of 0 is chosen by the kernel. n
 * sockets on the same port. */
int listen_tcp(
	const char *addr, unsigned n, char *err, size_t err_size, int *ret_fds);
/* The port of a listening TCP socket; 0 if it is none. */
unsigned listen_port(int fd);
