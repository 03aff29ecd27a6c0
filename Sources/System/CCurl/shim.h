#ifndef CARILLON_CCURL_SHIM_H
#define CARILLON_CCURL_SHIM_H

// The checking macros take the place of functions, and know constant options alone.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stddef.h>

// What an option takes depends on the option, and Swift cannot call a function with "..."; each of these has one type.

typedef size_t (*carillon_curl_data)(char *bytes, size_t size, size_t count, void *context);
typedef int (*carillon_curl_progress)(void *context, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
typedef int (*carillon_curl_listener)(CURL *, curl_infotype kind, char *bytes, size_t count, void *context);

static inline CURLcode carillon_curl_set_text(CURL *handle, CURLoption option, const char *text) {
    return curl_easy_setopt(handle, option, text);
}

static inline CURLcode carillon_curl_set_number(CURL *handle, CURLoption option, long number) {
    return curl_easy_setopt(handle, option, number);
}

static inline CURLcode carillon_curl_set_size(CURL *handle, CURLoption option, curl_off_t size) {
    return curl_easy_setopt(handle, option, size);
}

static inline CURLcode carillon_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *list) {
    return curl_easy_setopt(handle, option, list);
}

static inline CURLcode carillon_curl_set_error_buffer(CURL *handle, char *buffer) {
    return curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

static inline CURLcode carillon_curl_set_source(CURL *handle, carillon_curl_data call, void *context) {
    curl_easy_setopt(handle, CURLOPT_READDATA, context);
    return curl_easy_setopt(handle, CURLOPT_READFUNCTION, call);
}

static inline CURLcode carillon_curl_set_progress(CURL *handle, carillon_curl_progress call, void *context) {
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, call);
}

// Mail alone, also after whatever a server might answer.
static inline CURLcode carillon_curl_allow_mail(CURL *handle) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
    return curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
}

// One recipient who is refused keeps the mail from none of the others. (A later release spells the option better.)
static inline CURLcode carillon_curl_allow_refusals(CURL *handle) {
    return curl_easy_setopt(handle, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
}

// Where the conversation is told, command by command and reply by reply.
static inline CURLcode carillon_curl_set_listener(CURL *handle, carillon_curl_listener call, void *context) {
    curl_easy_setopt(handle, CURLOPT_DEBUGDATA, context);
    curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, call);
    return curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
}

#endif
