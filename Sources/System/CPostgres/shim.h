#ifndef CARILLON_CPOSTGRES_SHIM_H
#define CARILLON_CPOSTGRES_SHIM_H

#include <libpq-fe.h>

// What postgres_ext.h has as character constants, which Swift would see as numbers of another type.

static inline const char *carillon_postgres_severity(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

static inline const char *carillon_postgres_sqlstate(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

static inline const char *carillon_postgres_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

#endif
