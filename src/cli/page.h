/* cli/page.h -- the page that `memline report --html` fills; made by the build out of web/.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CLI_PAGE_H
#define ML_CLI_PAGE_H

#include "base/str.h"

/* Empty when the program was built without esbuild. */
extern const struct ml_str ml_page;

#endif
