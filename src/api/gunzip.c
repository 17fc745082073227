/* api/gunzip.c -- see gunzip.h. SPDX-License-Identifier: MIT */
#include "api/gunzip.h"

#include <limits.h>
#include <zlib.h>

#define STEP 65536
#define ANY_HEADER (15 + 32) /* window size; 32: gzip or zlib, as the bytes say */

static int status_of(int zrc)
{
    switch (zrc) {
    case Z_MEM_ERROR:
        return ML_ENOMEM;
    case Z_BUF_ERROR:
        return ML_ETRUNCATED;
    default:
        return ML_EFORMAT;
    }
}

static int inflate_all(z_stream *z, struct ml_buf *out)
{
    for (;;) {
        size_t room = out->max == 0 || out->max - out->n > STEP ? STEP : out->max - out->n;
        if (room == 0)
            return ML_ELIMIT;
        char *p = ml_buf_reserve(out, room);
        if (p == NULL)
            return out->status;
        z->next_out = (Bytef *)p;
        z->avail_out = (uInt)room;
        int zrc = inflate(z, Z_NO_FLUSH);
        out->n += room - z->avail_out;
        if (zrc == Z_STREAM_END && z->avail_in == 0) {
            out->p[out->n] = '\0'; /* as in any ml_buf; the reserve left room for it */
            return ML_OK;
        }
        if (zrc == Z_STREAM_END) /* another member follows */
            zrc = inflateReset(z);
        if (zrc != Z_OK)
            return status_of(zrc);
        if (z->avail_in == 0 && z->avail_out != 0)
            return ML_ETRUNCATED;
    }
}

int ml_gunzip(struct ml_str in, struct ml_buf *out)
{
    z_stream z = {0};
    if (in.n > UINT_MAX)
        return ML_ELIMIT;
    if (inflateInit2(&z, ANY_HEADER) != Z_OK)
        return ML_ENOMEM;
    z.next_in = (Bytef *)(uintptr_t)in.p; /* zlib's const is optional; it does not write there */
    z.avail_in = (uInt)in.n;
    int rc = inflate_all(&z, out);
    inflateEnd(&z);
    return rc;
}
