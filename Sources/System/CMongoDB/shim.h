#ifndef CARILLON_CMONGODB_SHIM_H
#define CARILLON_CMONGODB_SHIM_H

#include <stdlib.h>

#include <mongoc/mongoc.h>

// What Swift would see as a tuple of characters, cannot look into because it is aligned by more than Swift aligns anything
// (so its pointers are opaque), or cannot set to nothing.

/// The text of an error, which lasts as long as the error.
static inline const char *carillon_mongo_text(const bson_error_t *error) { return error->message; }

/// Starts the library; it writes nothing to stderr then, where an option's value might be shown.
static inline void carillon_mongo_start(void) {
    mongoc_log_set_handler(NULL, NULL);
    mongoc_init();
}

// Memory for a document inside of another one, and for a reader of one; to be freed with free(3).
static inline bson_t *carillon_bson_inner(void) { return (bson_t *) aligned_alloc(128, sizeof(bson_t)); }
static inline bson_iter_t *carillon_bson_reader(void) { return (bson_iter_t *) aligned_alloc(128, sizeof(bson_iter_t)); }

/// Bytes of a document.
static inline uint32_t carillon_bson_size(const bson_t *document) { return document->len; }

/// Whether a reader stopped at what it did not understand.
static inline bool carillon_bson_is_corrupt(const bson_iter_t *reader) { return reader->err_off != 0; }

#endif
