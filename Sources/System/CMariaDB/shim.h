#ifndef CARILLON_CMARIADB_SHIM_H
#define CARILLON_CMARIADB_SHIM_H

#include <errmsg.h>
#include <mysql.h>
#include <stddef.h>

// What an option points to depends on the option; each of these has one type, so that no caller can take the wrong one.
// All answer 0 for done.

static inline int carillon_mariadb_set_text(MYSQL *handle, enum mysql_option option, const char *text) {
    return mysql_options(handle, option, text);
}

static inline int carillon_mariadb_set_number(MYSQL *handle, enum mysql_option option, unsigned int number) {
    return mysql_options(handle, option, &number);
}

static inline int carillon_mariadb_set_size(MYSQL *handle, enum mysql_option option, unsigned long size) {
    return mysql_options(handle, option, &size);
}

static inline int carillon_mariadb_set_flag(MYSQL *handle, enum mysql_option option, int is_on) {
    my_bool flag = is_on != 0;
    return mysql_options(handle, option, &flag);
}

// mysql_library_init is a macro; once in a process, before any other call.
static inline int carillon_mariadb_begin(void) { return mysql_library_init(0, NULL, NULL); }

#endif
