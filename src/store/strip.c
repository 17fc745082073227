/* store/strip.c -- encoding and decoding columns. SPDX-License-Identifier: MIT
 *
 * An encoded strip, integers little-endian:
 *
 *   0  u8  encoding          4  u32 rows
 *   1  u8  flags             8  u32 payload bytes, unpacked
 *   2  u16 0                12  payload; zstd-compressed if flag PACKED
 *
 *   payload = nulls (a byte a row) if flag NULLS, then
 *     PLAIN8  i64 or double a row
 *     OFFSET  i64 base | u8 width | a row: value - base in width bytes (0, 1, 2, 4)
 *     DELTA   i64 first | i64 smallest step | u8 width | a row but the first: step - smallest
 *     TEXT    u8 width | a row: length in width bytes (1, 2, 4) | the bytes
 *     DICT    u32 entries | u8 width of a code (0, 1, 2) | u8 width of a length | lengths | codes | bytes
 *     GUID    16 bytes a row, text 8-4-4-4-12 in lower case
 *
 * The trade: these shapes first take out what zstd cannot see (steps, dictionaries, hexadecimal), so
 * that level 1 is enough; unpacking runs at about a gigabyte a second. */
#include "store/strip.h"

#include "base/map.h"
#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <string.h>
#include <zstd.h>

enum { ENC_PLAIN8 = 1, ENC_OFFSET, ENC_DELTA, ENC_TEXT, ENC_DICT, ENC_GUID };
enum { FLAG_PACKED = 1, FLAG_NULLS = 2 };

#define HEAD_BYTES 12
#define DICT_MAX 4096          /* entries; beyond that plain text packs as well */
#define PAYLOAD_MAX (1u << 30) /* a segment holds at most 128 MiB of cells */
#define PACK_LEVEL 1

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

static bool is_text(enum ml_store_type t)
{
    return t == ML_STORE_STRING || t == ML_STORE_DYNAMIC;
}

/* -- Cells -- */

static void add_null_flag(struct ml__cells *c, bool null)
{
    if (!null && c->nulls.n == 0)
        return;
    if (c->nulls.n < c->rows)
        ml_buf_fill(&c->nulls, 0, c->rows - c->nulls.n);
    ml_buf_char(&c->nulls, null);
}

void ml__cells_text(struct ml__cells *c, struct ml_str s)
{
    ml_buf_str(&c->values, s);
    uint32_t end = (uint32_t)c->values.n;
    if (c->values.n > PAYLOAD_MAX / 2)
        c->values.status = ML_ELIMIT;
    ml_buf_add(&c->offsets, &end, sizeof end);
    c->rows++;
}

void ml__cells_i64(struct ml__cells *c, int64_t v)
{
    add_null_flag(c, false);
    ml_buf_add(&c->values, &v, sizeof v);
    c->rows++;
}

void ml__cells_f64(struct ml__cells *c, double v)
{
    add_null_flag(c, false);
    ml_buf_add(&c->values, &v, sizeof v);
    c->rows++;
}

void ml__cells_none(struct ml__cells *c)
{
    if (is_text(c->type)) {
        ml__cells_text(c, (struct ml_str){0});
        return;
    }
    add_null_flag(c, true);
    ml_buf_fill(&c->values, 0, 8);
    c->rows++;
}

int ml__cells_status(const struct ml__cells *c)
{
    if (c->values.status != ML_OK)
        return c->values.status;
    return c->offsets.status != ML_OK ? c->offsets.status : c->nulls.status;
}

void ml__cells_free(struct ml__cells *c)
{
    ml_buf_free(&c->values);
    ml_buf_free(&c->offsets);
    ml_buf_free(&c->nulls);
    c->rows = 0;
}

static struct ml_str text_at(const struct ml__cells *c, uint32_t row)
{
    const uint32_t *ends = (const void *)c->offsets.p;
    uint32_t from = row == 0 ? 0 : ends[row - 1];
    return (struct ml_str){c->values.p + from, ends[row] - from};
}

static int64_t i64_at(const struct ml__cells *c, uint32_t row)
{
    int64_t v;
    memcpy(&v, c->values.p + (size_t)row * 8, 8);
    return v;
}

static uint32_t row_of(const uint32_t *order, uint32_t i)
{
    return order != NULL ? order[i] : i;
}

/* -- Allocation -- */

/* Arrays in falling order of alignment; text gets 16 bytes more, for vector reads past its end. */
static struct ml__strip *strip_new(enum ml_store_type type, uint32_t rows, uint32_t n_offsets,
                                   size_t text_bytes, bool nulls, bool codes)
{
    size_t fixed = is_text(type) ? 0 : (size_t)rows * 8;
    size_t offsets = (size_t)n_offsets * 4;
    size_t code_bytes = codes ? (size_t)rows * 4 : 0;
    size_t head_bytes = is_text(type) && !codes ? (size_t)rows * 4 : 0;
    size_t text = is_text(type) ? text_bytes + 16 : 0;
    size_t head = (sizeof(struct ml__strip) + 15) & ~(size_t)15;
    size_t bytes = head + fixed + offsets + code_bytes + head_bytes + (nulls ? rows : 0) + text;
    char *p = ml_realloc(NULL, bytes, 1);
    if (p == NULL)
        return NULL;
    ml_mem_large(p, bytes);
    struct ml__strip *s = (void *)p;
    memset(s, 0, sizeof *s);
    s->type = type;
    s->rows = rows;
    s->bytes = bytes;
    atomic_init(&s->refs, 1);
    p += head;
    if (fixed != 0)
        s->fixed = p;
    p += fixed;
    if (is_text(type))
        s->offsets = (void *)p;
    p += offsets;
    if (codes)
        s->codes = (void *)p;
    p += code_bytes;
    if (head_bytes != 0)
        s->heads = (void *)p;
    p += head_bytes;
    if (nulls)
        s->nulls = (void *)p;
    p += nulls ? rows : 0;
    if (is_text(type)) {
        s->text = p;
        memset(p + text_bytes, 0, 16);
    }
    return s;
}

/* The text is in place; reads past a short row end in the next row, or in the 16 bytes. */
static void fill_heads(struct ml__strip *s)
{
    for (uint32_t i = 0; i < s->rows; i++) {
        uint32_t n = s->offsets[i + 1] - s->offsets[i];
        uint32_t v;
        memcpy(&v, s->text + s->offsets[i], 4);
        s->heads[i] = n >= 4 ? v : v & ((1u << 8 * n) - 1);
    }
}

struct ml__strip *ml__strip_ref(struct ml__strip *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void ml__strip_drop(struct ml__strip *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        ml_free(s);
}

int ml__strip_build(const struct ml__cells *c, struct ml__strip **out)
{
    int rc = ml__cells_status(c);
    if (rc != ML_OK)
        return rc;
    bool text = is_text(c->type);
    struct ml__strip *s = strip_new(c->type, c->rows, text ? c->rows + 1 : 0, c->values.n,
                                    c->nulls.n != 0, false);
    if (s == NULL)
        return ML_ENOMEM;
    if (text) {
        s->offsets[0] = 0;
        if (c->rows != 0)
            memcpy(s->offsets + 1, c->offsets.p, (size_t)c->rows * 4);
    }
    if (c->values.n != 0)
        memcpy(text ? (void *)s->text : s->fixed, c->values.p, c->values.n);
    if (s->nulls != NULL)
        memcpy(s->nulls, c->nulls.p, c->rows);
    if (s->heads != NULL)
        fill_heads(s);
    *out = s;
    return ML_OK;
}

/* -- Encoding -- */

static void add_u32(struct ml_buf *b, uint32_t v)
{
    ml_buf_add(b, &v, 4);
}

static void add_u64(struct ml_buf *b, uint64_t v)
{
    ml_buf_add(b, &v, 8);
}

/* The low width bytes of v. */
static void add_narrow(struct ml_buf *b, uint64_t v, unsigned width)
{
    ml_buf_add(b, &v, width);
}

static unsigned width_for(uint64_t max)
{
    if (max == 0)
        return 0;
    if (max <= UINT8_MAX)
        return 1;
    if (max <= UINT16_MAX)
        return 2;
    return max <= UINT32_MAX ? 4 : 8;
}

static void encode_nulls(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    for (uint32_t i = 0; c->nulls.n != 0 && i < c->rows; i++)
        ml_buf_char(b, c->nulls.p[row_of(order, i)]);
}

static int encode_plain8(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    for (uint32_t i = 0; i < c->rows; i++)
        add_u64(b, (uint64_t)i64_at(c, row_of(order, i)));
    return ENC_PLAIN8;
}

/* Steps between neighbours, for columns that rise steadily (timestamp is sorted). */
static bool encode_delta(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    int64_t last = i64_at(c, row_of(order, 0));
    for (uint32_t i = 1; i < c->rows; i++) {
        int64_t v = i64_at(c, row_of(order, i));
        int64_t step;
        if (__builtin_sub_overflow(v, last, &step))
            return false;
        low = step < low ? step : low;
        high = step > high ? step : high;
        last = v;
    }
    if (c->rows < 2)
        low = high = 0;
    uint64_t range = (uint64_t)high - (uint64_t)low;
    unsigned width = width_for(range);
    if (width > 4)
        return false;
    last = i64_at(c, row_of(order, 0));
    add_u64(b, (uint64_t)last);
    add_u64(b, (uint64_t)low);
    ml_buf_char(b, (char)width);
    for (uint32_t i = 1; i < c->rows; i++) {
        int64_t v = i64_at(c, row_of(order, i));
        add_narrow(b, (uint64_t)(v - last) - (uint64_t)low, width);
        last = v;
    }
    return true;
}

static int encode_i64(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v = i64_at(c, i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    if (c->rows == 0)
        low = high = 0;
    unsigned width = width_for((uint64_t)high - (uint64_t)low);
    if (width > 2 && c->nulls.n == 0 && encode_delta(c, order, b))
        return ENC_DELTA;
    if (width > 4)
        return encode_plain8(c, order, b);
    add_u64(b, (uint64_t)low);
    ml_buf_char(b, (char)width);
    for (uint32_t i = 0; width != 0 && i < c->rows; i++)
        add_narrow(b, (uint64_t)i64_at(c, row_of(order, i)) - (uint64_t)low, width);
    return ENC_OFFSET;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* 36 characters to 16 bytes; false: not a GUID in its one canonical spelling. */
static bool pack_guid(struct ml_str s, unsigned char out[16])
{
    if (s.n != 36)
        return false;
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && s.p[at++] != '-')
            return false;
        int high = hex_digit(s.p[at]);
        int low = hex_digit(s.p[at + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return true;
}

static bool encode_guids(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    unsigned char guid[16];
    if (c->rows == 0 || !pack_guid(text_at(c, 0), guid))
        return false;
    for (uint32_t i = 0; i < c->rows; i++) {
        if (!pack_guid(text_at(c, row_of(order, i)), guid))
            return false;
        ml_buf_add(b, guid, 16);
    }
    return true;
}

struct dict {
    struct ml_map index; /* text -> code */
    struct ml_buf codes; /* uint32_t a row, in stored order */
    struct ml_buf text;  /* entries, one behind the other */
    struct ml_buf lens;  /* uint32_t an entry */
    uint32_t n;
    uint32_t longest;
};

static void dict_release(struct dict *d)
{
    ml_map_free(&d->index);
    ml_buf_free(&d->codes);
    ml_buf_free(&d->text);
    ml_buf_free(&d->lens);
}

/* ML_ELIMIT: too many different texts for a dictionary to pay. */
static int dict_fill(struct dict *d, const struct ml__cells *c, const uint32_t *order)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct ml_str s = text_at(c, row_of(order, i));
        uint64_t *known = ml_map_find(&d->index, s);
        uint32_t code = known != NULL ? (uint32_t)*known : d->n;
        if (known == NULL) {
            if (d->n == DICT_MAX || d->n > 512 + i / 4)
                return ML_ELIMIT;
            uint32_t n = (uint32_t)s.n;
            if (ml_map_put(&d->index, s, code) != ML_OK)
                return ML_ENOMEM;
            ml_buf_str(&d->text, s);
            add_u32(&d->lens, n);
            d->longest = n > d->longest ? n : d->longest;
            d->n++;
        }
        add_u32(&d->codes, code);
    }
    if (d->codes.status != ML_OK || d->lens.status != ML_OK)
        return ML_ENOMEM;
    return d->text.status;
}

static void dict_write(const struct dict *d, uint32_t rows, struct ml_buf *b)
{
    unsigned code_width = d->n < 2 ? 0 : width_for(d->n - 1);
    unsigned len_width = d->longest == 0 ? 1 : width_for(d->longest);
    const uint32_t *lens = (const void *)d->lens.p;
    const uint32_t *codes = (const void *)d->codes.p;
    add_u32(b, d->n);
    ml_buf_char(b, (char)code_width);
    ml_buf_char(b, (char)len_width);
    for (uint32_t i = 0; i < d->n; i++)
        add_narrow(b, lens[i], len_width);
    for (uint32_t i = 0; code_width != 0 && i < rows; i++)
        add_narrow(b, codes[i], code_width);
    ml_buf_str(b, ml_buf_view(&d->text));
}

static void encode_plain_text(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    size_t longest = 1;
    for (uint32_t i = 0; i < c->rows; i++) {
        size_t n = text_at(c, i).n;
        longest = n > longest ? n : longest;
    }
    unsigned width = width_for(longest);
    ml_buf_char(b, (char)width);
    for (uint32_t i = 0; i < c->rows; i++)
        add_narrow(b, text_at(c, row_of(order, i)).n, width);
    for (uint32_t i = 0; i < c->rows; i++)
        ml_buf_str(b, text_at(c, row_of(order, i)));
}

/* The encoding chosen, or an ML_E code. */
static int encode_text(const struct ml__cells *c, const uint32_t *order, struct ml_buf *b)
{
    struct dict d = {0};
    int rc = dict_fill(&d, c, order);
    if (rc == ML_OK) {
        dict_write(&d, c->rows, b);
        rc = ENC_DICT;
    } else if (rc == ML_ELIMIT) {
        size_t start = b->n;
        rc = ENC_GUID;
        if (!encode_guids(c, order, b)) {
            b->n = start;
            encode_plain_text(c, order, b);
            rc = ENC_TEXT;
        }
    }
    dict_release(&d);
    return rc;
}

/* Random bytes (GUIDs) do not pack; then the payload is stored as it is. */
static int pack(const struct ml_buf *payload, struct ml_buf *out, bool *packed)
{
    size_t bound = ZSTD_compressBound(payload->n);
    char *p = ml_buf_reserve(out, bound);
    if (p == NULL)
        return ML_ENOMEM;
    size_t n = ZSTD_compress(p, bound, payload->p, payload->n, PACK_LEVEL);
    *packed = !ZSTD_isError(n) && n < payload->n;
    if (*packed)
        out->n += n;
    else
        ml_buf_str(out, ml_buf_view(payload));
    return out->status;
}

int ml__strip_encode(const struct ml__cells *c, const uint32_t *order, struct ml_buf *out)
{
    struct ml_buf payload = {.max = PAYLOAD_MAX};
    int rc = ml__cells_status(c);
    if (rc != ML_OK)
        return rc;
    encode_nulls(c, order, &payload);
    int encoding;
    if (is_text(c->type))
        encoding = encode_text(c, order, &payload);
    else if (c->type == ML_STORE_REAL)
        encoding = encode_plain8(c, order, &payload);
    else
        encoding = encode_i64(c, order, &payload);
    rc = encoding < 0 ? encoding : payload.status;
    size_t start = out->n;
    if (rc == ML_OK) {
        unsigned char head[HEAD_BYTES] = {(unsigned char)encoding};
        uint32_t raw = (uint32_t)payload.n;
        bool packed = false;
        memcpy(head + 4, &c->rows, 4);
        memcpy(head + 8, &raw, 4);
        ml_buf_add(out, head, sizeof head);
        rc = pack(&payload, out, &packed);
        if (rc == ML_OK)
            out->p[start + 1] = (char)((packed ? FLAG_PACKED : 0) |
                                       (c->nulls.n != 0 ? FLAG_NULLS : 0));
    }
    ml_buf_free(&payload);
    return rc;
}

/* -- Decoding -- */

/* Unread payload; after running short, every take answers NULL or 0 and bad stays true. */
struct input {
    const unsigned char *p;
    size_t n;
    bool bad;
};

static const unsigned char *take(struct input *in, size_t n)
{
    if (in->bad || n > in->n) {
        in->bad = true;
        return NULL;
    }
    const unsigned char *p = in->p;
    in->p += n;
    in->n -= n;
    return p;
}

static uint64_t take_u(struct input *in, size_t width)
{
    uint64_t v = 0;
    const unsigned char *p = take(in, width);
    if (p != NULL)
        memcpy(&v, p, width);
    return v;
}

static uint64_t narrow_at(const unsigned char *p, size_t i, unsigned width)
{
    switch (width) {
    case 1:
        return p[i];
    case 2: {
        uint16_t v;
        memcpy(&v, p + i * 2, 2);
        return v;
    }
    case 4: {
        uint32_t v;
        memcpy(&v, p + i * 4, 4);
        return v;
    }
    default:
        return 0;
    }
}

static unsigned take_width(struct input *in)
{
    unsigned width = (unsigned)take_u(in, 1);
    if (width > 4 || width == 3)
        in->bad = true;
    return width;
}

static bool decode_plain8(struct input *in, struct ml__strip *s)
{
    const unsigned char *p = take(in, (size_t)s->rows * 8);
    if (p != NULL)
        memcpy(s->fixed, p, (size_t)s->rows * 8);
    return p != NULL;
}

/* Sums wrap on purpose: a damaged file gives wrong numbers, not undefined behaviour. */
static bool decode_offset(struct input *in, struct ml__strip *s)
{
    uint64_t base = take_u(in, 8);
    unsigned width = take_width(in);
    const unsigned char *p = take(in, (size_t)s->rows * width);
    uint64_t *out = s->fixed;
    if (in->bad)
        return false;
    for (uint32_t i = 0; i < s->rows; i++)
        out[i] = base + narrow_at(p, i, width);
    return true;
}

static bool decode_delta(struct input *in, struct ml__strip *s)
{
    uint64_t v = take_u(in, 8);
    uint64_t low = take_u(in, 8);
    unsigned width = take_width(in);
    const unsigned char *p = take(in, s->rows == 0 ? 0 : (size_t)(s->rows - 1) * width);
    uint64_t *out = s->fixed;
    if (in->bad || s->rows == 0)
        return false;
    out[0] = v;
    for (uint32_t i = 1; i < s->rows; i++) {
        v += low + narrow_at(p, i - 1, width);
        out[i] = v;
    }
    return true;
}

/* n lengths to n + 1 offsets; false: they do not add up to total. */
static bool offsets_from(const unsigned char *lens, uint32_t n, unsigned width, size_t total,
                         uint32_t *offsets)
{
    uint64_t at = 0;
    offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        at += narrow_at(lens, i, width);
        if (at > total)
            return false;
        offsets[i + 1] = (uint32_t)at;
    }
    return at == total;
}

static int decode_text(struct input *in, enum ml_store_type type, uint32_t rows,
                       struct ml__strip **out)
{
    unsigned width = take_width(in);
    const unsigned char *lens = take(in, (size_t)rows * width);
    size_t total = in->n;
    const unsigned char *text = take(in, total);
    if (in->bad)
        return ML_EFORMAT;
    struct ml__strip *s = strip_new(type, rows, rows + 1, total, false, false);
    if (s == NULL)
        return ML_ENOMEM;
    if (!offsets_from(lens, rows, width, total, s->offsets)) {
        ml__strip_drop(s);
        return ML_EFORMAT;
    }
    memcpy(s->text, text, total);
    fill_heads(s);
    *out = s;
    return ML_OK;
}

static int decode_dict(struct input *in, enum ml_store_type type, uint32_t rows,
                       struct ml__strip **out)
{
    uint32_t entries = (uint32_t)take_u(in, 4);
    unsigned code_width = take_width(in);
    unsigned len_width = take_width(in);
    if (entries == 0 || entries > DICT_MAX || code_width > 2 || (code_width == 0 && entries != 1))
        return ML_EFORMAT;
    const unsigned char *lens = take(in, (size_t)entries * len_width);
    const unsigned char *codes = take(in, (size_t)rows * code_width);
    size_t total = in->n;
    const unsigned char *text = take(in, total);
    if (in->bad)
        return ML_EFORMAT;
    struct ml__strip *s = strip_new(type, rows, entries + 1, total, false, true);
    if (s == NULL)
        return ML_ENOMEM;
    bool good = offsets_from(lens, entries, len_width, total, s->offsets);
    for (uint32_t i = 0; good && i < rows; i++) {
        s->codes[i] = (uint32_t)narrow_at(codes, i, code_width);
        good = s->codes[i] < entries;
    }
    if (!good) {
        ml__strip_drop(s);
        return ML_EFORMAT;
    }
    s->n_entries = entries;
    memcpy(s->text, text, total);
    *out = s;
    return ML_OK;
}

static void unpack_guid(const unsigned char *guid, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[guid[i] >> 4];
        *out++ = hex[guid[i] & 15];
    }
}

static int decode_guids(struct input *in, enum ml_store_type type, uint32_t rows,
                        struct ml__strip **out)
{
    const unsigned char *guids = take(in, (size_t)rows * 16);
    if (guids == NULL)
        return ML_EFORMAT;
    struct ml__strip *s = strip_new(type, rows, rows + 1, (size_t)rows * 36, false, false);
    if (s == NULL)
        return ML_ENOMEM;
    for (uint32_t i = 0; i <= rows; i++)
        s->offsets[i] = i * 36;
    for (uint32_t i = 0; i < rows; i++)
        unpack_guid(guids + (size_t)i * 16, s->text + (size_t)i * 36);
    fill_heads(s);
    *out = s;
    return ML_OK;
}

static int decode_fixed(struct input *in, int encoding, enum ml_store_type type, uint32_t rows,
                        const unsigned char *nulls, struct ml__strip **out)
{
    struct ml__strip *s = strip_new(type, rows, 0, 0, nulls != NULL, false);
    if (s == NULL)
        return ML_ENOMEM;
    bool good = encoding == ENC_PLAIN8   ? decode_plain8(in, s)
                : encoding == ENC_OFFSET ? decode_offset(in, s)
                : encoding == ENC_DELTA  ? decode_delta(in, s)
                                         : false;
    for (uint32_t i = 0; nulls != NULL && i < rows; i++)
        s->nulls[i] = nulls[i] != 0;
    if (!good) {
        ml__strip_drop(s);
        return ML_EFORMAT;
    }
    *out = s;
    return ML_OK;
}

static int decode_payload(struct input *in, int encoding, bool has_nulls, enum ml_store_type type,
                          uint32_t rows, struct ml__strip **out)
{
    const unsigned char *nulls = has_nulls ? take(in, rows) : NULL;
    if (in->bad || (has_nulls && is_text(type)))
        return ML_EFORMAT;
    if (!is_text(type))
        return decode_fixed(in, encoding, type, rows, nulls, out);
    switch (encoding) {
    case ENC_TEXT:
        return decode_text(in, type, rows, out);
    case ENC_DICT:
        return decode_dict(in, type, rows, out);
    case ENC_GUID:
        return decode_guids(in, type, rows, out);
    default:
        return ML_EFORMAT;
    }
}

int ml__strip_decode(struct ml_str bytes, enum ml_store_type type, uint32_t rows,
                     struct ml__strip **out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < HEAD_BYTES)
        return ML_EFORMAT;
    uint32_t said_rows;
    uint32_t raw;
    memcpy(&said_rows, p + 4, 4);
    memcpy(&raw, p + 8, 4);
    /* The bound keeps a damaged length from asking for memory the content cannot fill: zstd packs
     * at most about 1:130,000 for runs; nothing we write exceeds PAYLOAD_MAX. */
    if (said_rows != rows || rows == 0 || raw > PAYLOAD_MAX)
        return ML_EFORMAT;
    struct input in = {p + HEAD_BYTES, bytes.n - HEAD_BYTES, false};
    char *unpacked = NULL;
    if ((p[1] & FLAG_PACKED) != 0) {
        if (ZSTD_getFrameContentSize(in.p, in.n) != raw)
            return ML_EFORMAT;
        unpacked = ml_realloc(NULL, raw != 0 ? raw : 1, 1);
        if (unpacked == NULL)
            return ML_ENOMEM;
        if (ZSTD_decompress(unpacked, raw, in.p, in.n) != raw) {
            ml_free(unpacked);
            return ML_EFORMAT;
        }
        in = (struct input){(unsigned char *)unpacked, raw, false};
    } else if (in.n != raw) {
        return ML_EFORMAT;
    }
    int rc = decode_payload(&in, p[0], (p[1] & FLAG_NULLS) != 0, type, rows, out);
    ml_free(unpacked);
    return rc;
}
