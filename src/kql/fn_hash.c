/* kql/fn_hash.c -- hash (xxHash64), hash_md5, hash_sha1, hash_sha256; see func.def.
 *
 * Written from the published descriptions: RFC 1321, FIPS 180-4, the xxHash specification. Values that are no strings are
 * hashed by their text for the digests. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/text.h"

#include <math.h>

static uint32_t rol(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load32(const unsigned char *p, bool big)
{
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

typedef void block_fn(uint32_t *h, const uint32_t w[16]);

/* The padding that the three digests share: 0x80, zeros, the length in bits. */
static void digest(struct ml_str s, bool big, block_fn *block, uint32_t *h)
{
    uint64_t bits = (uint64_t)s.n * 8;
    size_t blocks = (s.n + 8) / 64 + 1;
    for (size_t k = 0; k < blocks; k++) {
        unsigned char b[64] = {0};
        uint32_t w[16];
        size_t from = k * 64;
        size_t n = from < s.n ? s.n - from : 0;
        n = n < 64 ? n : 64;
        if (n > 0)
            memcpy(b, s.p + from, n);
        if (n < 64 && from + n == s.n)
            b[n] = 0x80;
        if (k == blocks - 1)
            for (unsigned i = 0; i < 8; i++)
                b[56 + i] = (unsigned char)(bits >> (big ? 56 - 8 * i : 8 * i));
        for (unsigned i = 0; i < 16; i++)
            w[i] = load32(b + 4 * i, big);
        block(h, w);
    }
}

static struct ml_val hex_text(struct ml_fcx *f, const uint32_t *h, unsigned words, bool big)
{
    struct ml_buf b = {0};
    for (unsigned i = 0; i < words; i++)
        ml_buf_printf(&b, "%08x", big ? h[i] : __builtin_bswap32(h[i]));
    return ml__f_text(f, &b);
}

static struct ml_str bytes_of(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_text(f->arena, a, f->types[0] == ML_T_DYNAMIC);
}

static void md5_block(uint32_t *h, const uint32_t w[16])
{
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = h[0];
    uint32_t b = h[1];
    uint32_t c = h[2];
    uint32_t d = h[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t k = (uint32_t)(int64_t)floor(4294967296.0 * fabs(sin(i + 1)));
        uint32_t f = i < 16   ? (b & c) | (~b & d)
                     : i < 32 ? (d & b) | (~d & c)
                     : i < 48 ? b ^ c ^ d
                              : c ^ (b | ~d);
        unsigned g = i < 16   ? i
                     : i < 32 ? (5 * i + 1) % 16
                     : i < 48 ? (3 * i + 5) % 16
                              : 7 * i % 16;
        uint32_t next = b + rol(a + f + k + w[g], shifts[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

static void sha1_block(uint32_t *h, const uint32_t w[16])
{
    static const uint32_t k[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t x[80];
    uint32_t v[5];
    memcpy(x, w, 64);
    memcpy(v, h, sizeof v);
    for (unsigned i = 16; i < 80; i++)
        x[i] = rol(x[i - 3] ^ x[i - 8] ^ x[i - 14] ^ x[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (v[1] & v[2]) | (~v[1] & v[3])
                     : i < 40 ? v[1] ^ v[2] ^ v[3]
                     : i < 60 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])
                              : v[1] ^ v[2] ^ v[3];
        uint32_t t = rol(v[0], 5) + f + v[4] + k[i / 20] + x[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = rol(v[1], 30);
        v[1] = v[0];
        v[0] = t;
    }
    for (int i = 0; i < 5; i++)
        h[i] += v[i];
}

static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static void sha256_block(uint32_t *h, const uint32_t w[16])
{
    uint32_t x[64];
    uint32_t v[8];
    memcpy(x, w, 64);
    memcpy(v, h, sizeof v);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t s0 = ror(x[i - 15], 7) ^ ror(x[i - 15], 18) ^ x[i - 15] >> 3;
        uint32_t s1 = ror(x[i - 2], 17) ^ ror(x[i - 2], 19) ^ x[i - 2] >> 10;
        x[i] = x[i - 16] + s0 + x[i - 7] + s1;
    }
    for (unsigned i = 0; i < 64; i++) {
        uint32_t s1 = ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_k[i] + x[i];
        uint32_t s0 = ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

struct ml_val ml__fn_md5(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    digest(bytes_of(f, a), false, md5_block, h);
    return hex_text(f, h, 4, false);
}

struct ml_val ml__fn_sha1(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    digest(bytes_of(f, a), true, sha1_block, h);
    return hex_text(f, h, 5, true);
}

struct ml_val ml__fn_sha256(struct ml_fcx *f, const struct ml_val *a)
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    digest(bytes_of(f, a), true, sha256_block, h);
    return hex_text(f, h, 8, true);
}

/* --- xxHash64, seed 0 --- */

static const uint64_t P1 = 11400714785074694791ULL;
static const uint64_t P2 = 14029467366897019727ULL;
static const uint64_t P3 = 1609587929392839161ULL;
static const uint64_t P4 = 9650029242287828579ULL;
static const uint64_t P5 = 2870177450012600261ULL;

static uint64_t rol64(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static uint64_t load64(const unsigned char *p)
{
    return (uint64_t)load32(p + 4, false) << 32 | load32(p, false);
}

static uint64_t lane(uint64_t acc, uint64_t v)
{
    return rol64(acc + v * P2, 31) * P1;
}

static uint64_t xxhash64(const unsigned char *p, size_t n)
{
    uint64_t h = P5;
    size_t left = n;
    if (n >= 32) {
        uint64_t v[4] = {P1 + P2, P2, 0, 0 - P1};
        for (; left >= 32; left -= 32)
            for (int i = 0; i < 4; i++, p += 8)
                v[i] = lane(v[i], load64(p));
        h = rol64(v[0], 1) + rol64(v[1], 7) + rol64(v[2], 12) + rol64(v[3], 18);
        for (int i = 0; i < 4; i++)
            h = (h ^ lane(0, v[i])) * P1 + P4;
    }
    h += n;
    for (; left >= 8; left -= 8, p += 8)
        h = rol64(h ^ lane(0, load64(p)), 27) * P1 + P4;
    if (left >= 4) {
        h = rol64(h ^ load32(p, false) * P1, 23) * P2 + P3;
        p += 4;
        left -= 4;
    }
    for (; left > 0; left--, p++)
        h = rol64(h ^ *p * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/* Strings by their bytes, numbers and times by their eight bytes. */
struct ml_val ml__fn_hash(struct ml_fcx *f, const struct ml_val *a)
{
    int64_t h;
    if (a->type == ML_T_STRING || a->type == ML_T_ARRAY || a->type == ML_T_BAG) {
        struct ml_str s = bytes_of(f, a);
        h = (int64_t)xxhash64((const unsigned char *)s.p, s.n);
    } else {
        h = (int64_t)xxhash64((const unsigned char *)&a->i, a->type == ML_T_INT    ? 4
                                                            : a->type == ML_T_BOOL ? 1
                                                            : a->type == ML_T_GUID ? 16
                                                                                   : 8);
    }
    if (f->n < 2)
        return ml_val_long(h);
    if (a[1].i <= 0)
        return ml_val_null(ML_T_LONG);
    int64_t m = h % a[1].i;
    return ml_val_long(m < 0 ? m + a[1].i : m);
}
