/* host/endpoints.h -- queries and telemetry of real clients, answered beside the functions.
 *
 * The endpoints themselves are lent by whoever calls ml_func_start (func.h): the host knows no query language.
 * They are opened at the first request. On the host's own port only this machine is answered, with the master
 * key where keys are on; --ingest-port is a listener of its own on 127.0.0.1.
 * Threads: the loop's. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_ENDPOINTS_H
#define ML_HOST_ENDPOINTS_H

#include "host/host.h"

/* Listens on --ingest-port, and points the worker's clients there (environment) unless the user has said where
 * telemetry goes. Prints the connection string. Answers an exit status. */
int ml_endpoints_open(struct ml_host *h);
/* Its path may be an endpoint's. */
bool ml_endpoints_is_path(const struct ml_host *h, const struct ml_http_request *r);
/* True if the request was for an endpoint, and is answered or will be. */
bool ml_endpoints_serve(struct ml_host *h, struct ml_http_request *r);
/* Waits until what runs is answered. */
void ml_endpoints_close(struct ml_host *h);
/* The worker's own telemetry comes back to our store: its log records need not be kept a second time. */
bool ml_endpoints_are_target(const struct ml_host *h);

#endif
