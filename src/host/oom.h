/* host/oom.h -- has the kernel killed for memory in our control group? SPDX-License-Identifier: MIT */
#ifndef ML_HOST_OOM_H
#define ML_HOST_OOM_H

/* The count of out-of-memory kills in this process's control group so far; -1 when it cannot be told. */
long ml_oom_kills(void);

#endif
