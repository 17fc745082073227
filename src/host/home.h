/* host/home.h -- the page at / when no function owns it. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_HOME_H
#define ML_HOST_HOME_H

#include "host/host.h"

void ml_home_serve(struct ml_host *h, struct ml_http_request *r);

#endif
