/* host/storage_list.c -- see storage_list.h. SPDX-License-Identifier: MIT */
#include "host/storage_list.h"

#include "host/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 4096, PROPERTIES_MAX = 100 };

static int bad(struct ml_error *e, const char *what)
{
    return ml_fail(e, ML_EFORMAT, "the storage service answered %s that cannot be read", what);
}

/* After OPEN of a leaf: its text into b, up to its CLOSE. Tags inside are passed over. */
static bool leaf(struct ml_xml *x, struct ml_buf *b)
{
    size_t depth = x->depth;
    ml_buf_clear(b);
    ml_buf_cstr(b, "");
    for (;;) {
        switch (ml_xml_next(x)) {
        case ML_XML_TEXT:
            if (x->depth == depth)
                ml_buf_str(b, ml_buf_view(&x->text));
            break;
        case ML_XML_CLOSE:
            if (x->depth < depth)
                return b->status == ML_OK;
            break;
        case ML_XML_OPEN:
            break;
        default:
            return false;
        }
    }
}

static bool is(const struct ml_xml *x, const char *name)
{
    return ml_str_eq(x->name, ml_str_of(name));
}

/* -- messages ------------------------------------------------------------------------------------ */

enum { M_ID, M_RECEIPT, M_TEXT, M_INSERTED, M_EXPIRES, M_VISIBLE, M_COUNT, M_FIELDS };

static const char *const message_tags[M_FIELDS] = {
    "MessageId",      "PopReceipt",      "MessageText", "InsertionTime",
    "ExpirationTime", "TimeNextVisible", "DequeueCount"};

/* After OPEN of QueueMessage. */
static bool read_message(struct ml_xml *x, struct ml_buf fields[M_FIELDS])
{
    size_t depth = x->depth;
    struct ml_buf other = {.max = ML_XML_TEXT_MAX};
    bool ok = true;
    for (int i = 0; i < M_FIELDS; i++)
        ml_buf_clear(&fields[i]);
    while (ok) {
        enum ml_xml_token t = ml_xml_next(x);
        if (t == ML_XML_CLOSE && x->depth < depth)
            break;
        ok = t == ML_XML_OPEN || t == ML_XML_TEXT;
        if (t != ML_XML_OPEN)
            continue;
        struct ml_buf *b = &other;
        for (int i = 0; i < M_FIELDS; i++)
            if (is(x, message_tags[i]))
                b = &fields[i];
        ok = leaf(x, b);
    }
    ml_buf_free(&other);
    return ok && fields[M_ID].n != 0 && fields[M_RECEIPT].n != 0;
}

int ml_queue_messages_read(struct ml_str xml,
                           void (*each)(void *user, const struct ml_queue_message *m), void *user,
                           struct ml_error *e)
{
    struct ml_xml x;
    struct ml_buf f[M_FIELDS] = {0};
    enum ml_xml_token t;
    bool ok = true;
    for (int i = 0; i < M_FIELDS; i++)
        f[i].max = ML_XML_TEXT_MAX;
    ml_xml_init(&x, xml);
    while (ok && (t = ml_xml_next(&x)) != ML_XML_END) {
        ok = t != ML_XML_BAD;
        if (t != ML_XML_OPEN || !is(&x, "QueueMessage"))
            continue;
        ok = read_message(&x, f);
        if (!ok)
            break;
        const struct ml_queue_message m = {
            .id = ml_buf_view(&f[M_ID]),
            .receipt = ml_buf_view(&f[M_RECEIPT]),
            .text = ml_buf_view(&f[M_TEXT]),
            .inserted = ml_buf_view(&f[M_INSERTED]),
            .expires = ml_buf_view(&f[M_EXPIRES]),
            .next_visible = ml_buf_view(&f[M_VISIBLE]),
            .dequeue_count = f[M_COUNT].n != 0 ? strtoll(f[M_COUNT].p, NULL, 10) : 0,
        };
        each(user, &m);
    }
    ml_xml_release(&x);
    for (int i = 0; i < M_FIELDS; i++)
        ml_buf_free(&f[i]);
    return ok ? ML_OK : bad(e, "a list of messages");
}

/* -- blobs --------------------------------------------------------------------------------------- */

struct blob {
    struct ml_buf name;
    struct ml_buf etag;
    struct ml_buf created;
    struct ml_buf modified;
    struct ml_buf value;
    json_t *properties;
    json_t *metadata;
};

/* "Content-Length" -> "ContentLength", as the classes of Azure's libraries call them. */
static void property_name(struct ml_str tag, char out[64])
{
    size_t n = 0;
    for (size_t i = 0; i < tag.n && n < 63; i++)
        if (tag.p[i] != '-')
            out[n++] = tag.p[i];
    out[n] = '\0';
    if (strcmp(out, "Etag") == 0)
        out[1] = 'T';
    else if (strcmp(out, "CreationTime") == 0)
        (void)snprintf(out, 64, "CreatedOn");
}

static json_t *property_value(const char *name, const struct ml_buf *b)
{
    char date[32];
    if (strcmp(name, "ContentLength") == 0)
        return json_integer(strtoll(b->p, NULL, 10));
    if (ml_storage_iso_date(ml_buf_view(b), date))
        return json_string(date);
    return json_stringn(b->p, b->n);
}

/* After OPEN of Properties or Metadata: each child is a member. */
static bool read_members(struct ml_xml *x, struct blob *b, bool properties)
{
    size_t depth = x->depth;
    json_t *to = properties ? b->properties : b->metadata;
    for (;;) {
        char name[64];
        enum ml_xml_token t = ml_xml_next(x);
        if (t == ML_XML_CLOSE && x->depth < depth)
            return true;
        if (t == ML_XML_TEXT)
            continue;
        if (t != ML_XML_OPEN)
            return false;
        struct ml_str tag = x->name;
        if (!leaf(x, &b->value))
            return false;
        if (properties) {
            property_name(tag, name);
            if (strcmp(name, "ETag") == 0)
                ml_buf_str(&b->etag, ml_buf_view(&b->value));
            else if (strcmp(name, "CreatedOn") == 0)
                ml_buf_str(&b->created, ml_buf_view(&b->value));
            else if (strcmp(name, "LastModified") == 0)
                ml_buf_str(&b->modified, ml_buf_view(&b->value));
        } else {
            (void)snprintf(name, sizeof name, "%.*s", (int)(tag.n < 63 ? tag.n : 63), tag.p);
        }
        if (json_object_size(to) < PROPERTIES_MAX)
            (void)json_object_set_new(
                to, name,
                properties ? property_value(name, &b->value)
                           : json_stringn(b->value.p, b->value.n)); /* not UTF-8: left out */
    }
}

static void blob_clear(struct blob *b)
{
    ml_buf_clear(&b->name);
    ml_buf_clear(&b->etag);
    ml_buf_clear(&b->created);
    ml_buf_clear(&b->modified);
    json_decref(b->properties);
    json_decref(b->metadata);
    b->properties = json_object();
    b->metadata = json_object();
}

/* After OPEN of Blob. */
static bool read_blob(struct ml_xml *x, struct blob *b)
{
    size_t depth = x->depth;
    blob_clear(b);
    for (;;) {
        enum ml_xml_token t = ml_xml_next(x);
        bool ok = true;
        if (t == ML_XML_CLOSE && x->depth < depth)
            return b->name.n != 0 && b->name.n <= NAME_MAX_BYTES && b->properties != NULL &&
                   b->metadata != NULL;
        if (t == ML_XML_TEXT)
            continue;
        if (t != ML_XML_OPEN)
            return false;
        if (is(x, "Name"))
            ok = leaf(x, &b->name);
        else if (is(x, "Properties") || is(x, "Metadata"))
            ok = read_members(x, b, is(x, "Properties"));
        else
            ok = leaf(x, &b->value);
        if (!ok)
            return false;
    }
}

static void blob_release(struct blob *b)
{
    ml_buf_free(&b->name);
    ml_buf_free(&b->etag);
    ml_buf_free(&b->created);
    ml_buf_free(&b->modified);
    ml_buf_free(&b->value);
    json_decref(b->properties);
    json_decref(b->metadata);
}

int ml_blob_list_read(struct ml_str xml, void (*each)(void *user, const struct ml_blob_item *b),
                      void *user, struct ml_buf *marker, struct ml_error *e)
{
    struct ml_xml x;
    struct blob b = {.value = {.max = ML_XML_TEXT_MAX}};
    enum ml_xml_token t;
    bool ok = true;
    ml_xml_init(&x, xml);
    while (ok && (t = ml_xml_next(&x)) != ML_XML_END) {
        ok = t != ML_XML_BAD;
        if (t != ML_XML_OPEN)
            continue;
        if (is(&x, "NextMarker")) {
            ok = leaf(&x, marker);
        } else if (is(&x, "Blob")) {
            ok = read_blob(&x, &b);
            if (!ok)
                break;
            const struct ml_blob_item item = {
                .name = ml_buf_view(&b.name),
                .etag = ml_buf_view(&b.etag),
                .created = ml_buf_view(&b.created),
                .modified = ml_buf_view(&b.modified),
                .properties = b.properties,
                .metadata = b.metadata,
            };
            each(user, &item);
        }
    }
    ml_xml_release(&x);
    blob_release(&b);
    return ok ? ML_OK : bad(e, "a list of blobs");
}

bool ml_storage_iso_date(struct ml_str s, char out[32])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40], month[4];
    int day, year, h, m, sec, used = 0;
    if (s.n == 0 || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month, &year, &h,
               &m, &sec, &used) != 6 ||
        used == 0 || text[used] != '\0')
        return false;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (at == NULL || (at - months) % 3 != 0 || day < 1 || year < 0 || h < 0 || m < 0 || sec < 0)
        return false;
    (void)snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u+00:00", (unsigned)year % 10000,
                   (unsigned)(at - months) / 3 % 12 + 1, (unsigned)day % 100, (unsigned)h % 100,
                   (unsigned)m % 100, (unsigned)sec % 100);
    return true;
}
