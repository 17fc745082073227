/* report/formats.h -- the functions behind the rows of formats.def; see struct ml_report_format.
 * SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_FORMATS_H
#define ML_REPORT_FORMATS_H

#include "report/report.h"

#define FORMAT(name, mime, says, binary, function)                               \
    int function(const struct ml_snapshot *s, const struct ml_report_options *o, \
                 struct ml_buf *out, struct ml_error *e);
#include "report/formats.def"
#undef FORMAT

#endif
