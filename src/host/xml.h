/* host/xml.h -- a reader of the small XML that storage services answer: tags and text, one after another.
 *
 * Attributes, comments, processing instructions and CDATA marks are passed over; a DOCTYPE is refused, so that
 * there are no entities but the five of XML and numbers. Tags must nest, at most ML_XML_DEPTH deep.
 * Memory: name points into the input, text ends with the next call. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_XML_H
#define ML_HOST_XML_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

enum { ML_XML_DEPTH = 32, ML_XML_TEXT_MAX = 1 << 20 };

enum ml_xml_token { ML_XML_OPEN, ML_XML_CLOSE, ML_XML_TEXT, ML_XML_END, ML_XML_BAD };

struct ml_xml {
    struct ml_str name; /* of OPEN and CLOSE */
    struct ml_buf text; /* of TEXT, entities undone */
    /* private */
    struct ml_str in;
    size_t at;
    struct ml_str open[ML_XML_DEPTH];
    size_t depth;
    bool close_next; /* <a/> is OPEN, then CLOSE */
    bool after_open;
    bool bad;
};

void ml_xml_init(struct ml_xml *x, struct ml_str in);
/* Text of blanks alone is told only where it is all that a tag holds. After BAD and END the same again. */
enum ml_xml_token ml_xml_next(struct ml_xml *x);
void ml_xml_release(struct ml_xml *x);

#endif
