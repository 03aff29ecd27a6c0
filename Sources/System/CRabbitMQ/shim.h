#ifndef CARILLON_CRABBITMQ_SHIM_H
#define CARILLON_CRABBITMQ_SHIM_H

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

// What Swift cannot call: functions with a variable list of arguments, unions, and macros with casts.

/// Logs in by PLAIN (RFC 4616), and asks to be told when the broker blocks whoever publishes, and when a queue that is consumed is deleted.
static inline amqp_rpc_reply_t carillon_amqp_login(
    amqp_connection_state_t connection, const char *vhost, int heartbeat, const char *user, const char *password) {
    amqp_table_entry_t able[2] = {
        {.key = amqp_cstring_bytes("connection.blocked")}, {.key = amqp_cstring_bytes("consumer_cancel_notify")}};
    for (int each = 0; each < 2; each++) {
        able[each].value.kind = AMQP_FIELD_KIND_BOOLEAN;
        able[each].value.value.boolean = 1;
    }
    amqp_table_entry_t entries[2] = {
        {.key = amqp_cstring_bytes("capabilities")}, {.key = amqp_cstring_bytes("product")}};
    entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[0].value.value.table.num_entries = 2;
    entries[0].value.value.table.entries = able;
    entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
    entries[1].value.value.bytes = amqp_cstring_bytes("Carillon");
    amqp_table_t properties = {2, entries};
    return amqp_login_with_properties(
        connection, vhost, 0, 131072, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user, password);
}

/// The method of a frame, 0 for a frame of another type, and what it says.
static inline uint32_t carillon_amqp_method(const amqp_frame_t *frame, const void **decoded) {
    if (frame->frame_type != AMQP_FRAME_METHOD) return 0;
    *decoded = frame->payload.method.decoded;
    return frame->payload.method.id;
}

static inline amqp_table_t carillon_amqp_no_table(void) { return amqp_empty_table; }
static inline amqp_bytes_t carillon_amqp_no_bytes(void) { return amqp_empty_bytes; }

#endif
