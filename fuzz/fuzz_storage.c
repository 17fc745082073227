/* fuzz/fuzz_storage.c -- lists of messages and blobs from a service that nobody trusts, and the XML below them.
 * What is read has what makes it one; the reader ends, and says the same again after its end.
 *
 *   input:   XML bytes
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "host/storage_list.h"
#include "host/xml.h"

static void on_message(void *user, const struct ml_queue_message *m)
{
    (void)user;
    REQUIRE(m->id.n != 0 && m->receipt.n != 0 && m->text.n <= ML_XML_TEXT_MAX);
}

static void on_blob(void *user, const struct ml_blob_item *b)
{
    (void)user;
    REQUIRE(b->name.n != 0 && json_is_object(b->properties) && json_is_object(b->metadata));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_str xml = {(const char *)data, n};
    struct ml_buf marker = {0};
    struct ml_error e = {0};
    struct ml_xml x;
    enum ml_xml_token t;
    size_t depth = 0;
    ml_xml_init(&x, xml);
    while ((t = ml_xml_next(&x)) != ML_XML_END && t != ML_XML_BAD) {
        depth += t == ML_XML_OPEN;
        REQUIRE(t != ML_XML_CLOSE || depth-- > 0);
        REQUIRE(depth <= ML_XML_DEPTH);
    }
    REQUIRE(ml_xml_next(&x) == t && (t == ML_XML_BAD || depth == 0));
    ml_xml_release(&x);
    REQUIRE(ml_queue_messages_read(xml, on_message, NULL, &e) == ML_OK || e.text[0] != '\0');
    REQUIRE(ml_blob_list_read(xml, on_blob, NULL, &marker, &e) == ML_OK || e.text[0] != '\0');
    ml_buf_free(&marker);
    return 0;
}
