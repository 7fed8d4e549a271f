/* The rules of a bucket's lifecycle configuration, and what they say of a version. */
#ifndef AISLE_STORE_LOCAL_LIFECYCLE_RULES_H
#define AISLE_STORE_LOCAL_LIFECYCLE_RULES_H

#include "store/local/local_private.h"

#define LIFECYCLE_MOST_MOVES 16

/* When something is due: days after something else, or on a date. */
struct lifecycle_when {
    bool given;
    int64_t days;
    int64_t date_us; /* 0: by days */
};

struct lifecycle_move {
    struct lifecycle_when when;
    unsigned newer_kept; /* noncurrent ones: so many newer ones stay */
    unsigned class;      /* number of the storage class */
};

struct lifecycle_rule {
    const char *prefix;
    struct store_field *tags;
    size_t tag_count;
    uint64_t larger_than, smaller_than; /* bytes; smaller_than UINT64_MAX: no bound */
    bool sized;                         /* one of them was given */

    struct lifecycle_when expire;
    bool expired_marker; /* a delete marker that hides nothing goes */
    struct lifecycle_when noncurrent;
    unsigned noncurrent_kept;
    struct lifecycle_when abort;
    struct lifecycle_move moves[LIFECYCLE_MOST_MOVES], noncurrent_moves[LIFECYCLE_MOST_MOVES];
    size_t move_count, noncurrent_move_count;
};

struct lifecycle_rules {
    struct lifecycle_rule *rules; /* those that are enabled */
    size_t count;
};

/* Reads {"Rules": [...]}; memory from the arena. ERROR_INVALID with S3's MalformedXML for what is no such document. */
bool lifecycle_rules_read(const char *json, struct arena *arena, struct lifecycle_rules *rules, struct error *error);

/* A version as rules look at it. */
struct lifecycle_version {
    const char *key;
    const struct object_row *row;
    bool current;
    bool alone;            /* no other version of the key */
    unsigned newer;        /* noncurrent ones that are newer, of one that is noncurrent */
    int64_t noncurrent_us; /* since when it is noncurrent */
};

enum lifecycle_verdict {
    LIFECYCLE_KEEP,
    LIFECYCLE_EXPIRE, /* the current version: deleted, or hidden by a delete marker */
    LIFECYCLE_REMOVE, /* a noncurrent version, or a delete marker that hides nothing */
    LIFECYCLE_MOVE,   /* to the storage class `class` */
};
enum lifecycle_verdict lifecycle_judge(const struct lifecycle_rules *rules, const struct lifecycle_version *version,
                                       int64_t now_us, unsigned *class);

/* What is so many days after a moment is due at the next midnight (UTC), as in S3. */
bool lifecycle_due(const struct lifecycle_when *when, int64_t since_us, int64_t now_us);

#endif
