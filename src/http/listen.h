/* http/listen.h -- listening sockets. SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_LISTEN_H
#define ML_HTTP_LISTEN_H

#include "base/err.h"

#include <stdint.h>
#include <sys/socket.h>

/* A non-blocking listening TCP socket on an IPv4 or IPv6 address. ML_EINVALID: not an IP address; ML_EBUSY:
 * the port is taken. *bound (may be NULL): the port, also when 0 was asked for. */
int ml_listen(const char *address, uint16_t port, int *fd, uint16_t *bound, struct ml_error *e);
/* The IP address of a peer as text; "" if it is none. */
void ml_peer_text(const struct sockaddr *sa, char *out, socklen_t out_bytes);

#endif
