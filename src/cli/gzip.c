/* cli/gzip.c -- see gzip.h. SPDX-License-Identifier: MIT */
#include "cli/gzip.h"

#include "base/err.h"

#include <limits.h>
#include <zlib.h>

int ml_gzip(struct ml_str bytes, struct ml_buf *out)
{
    enum { GZIP = 16, MEMORY = 8 };
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes.p, .avail_in = (uInt)bytes.n};
    if (bytes.n > INT_MAX)
        return ML_ELIMIT;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return ML_ENOMEM;
    size_t most = deflateBound(&z, (uLong)bytes.n);
    char *at = ml_buf_reserve(out, most);
    int rc = ML_ENOMEM;
    if (at != NULL) {
        z.next_out = (Bytef *)at;
        z.avail_out = (uInt)most;
        rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? ML_OK : ML_ENOMEM;
        out->n += most - z.avail_out;
    }
    deflateEnd(&z);
    return rc == ML_OK ? ML_OK : out->status != ML_OK ? out->status : rc;
}
