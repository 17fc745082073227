/* host/home.c -- see home.h. SPDX-License-Identifier: MIT */
#include "host/home.h"

#include <stdlib.h>
#include <strings.h>

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>Your Azure Function App is up and running.</title>\n"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 "
    "1rem}"
    "code{background:#8882;padding:.1em .3em;border-radius:.2em}</style></head>\n"
    "<body><h1>Your Azure Function App is up and running.</h1>\n"
    "<p>It runs on this machine, in memline. Its functions are listed where it was started, and at "
    "<a href=\"/admin/functions\"><code>/admin/functions</code></a>.</p></body></html>\n";

void ml_home_serve(struct ml_host *h, struct ml_http_request *r)
{
    const char *off = getenv("AzureWebJobsDisableHomepage");
    (void)h;
    if (off != NULL && strcasecmp(off, "true") == 0)
        (void)ml_http_reply_text(r, 204, NULL, ML_STR(""));
    else
        (void)ml_http_reply_text(r, 200, "text/html; charset=utf-8",
                                 (struct ml_str){page, sizeof page - 1});
}
