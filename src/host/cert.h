/* host/cert.h -- the certificate of --useHttps, as PEM texts. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_CERT_H
#define ML_HOST_CERT_H

#include "base/buf.h"
#include "base/err.h"

/* file: PFX or PEM (certificate and key in one), or NULL: a self-signed one for localhost, made with the openssl
 * command, kept in dir and made anew when it runs out. password: text, or a file that holds it. */
int ml_cert_load(const char *file, const char *password, const char *dir, struct ml_buf *cert,
                 struct ml_buf *key, struct ml_error *e);

#endif
