#ifndef CARILLON_ORDER_H
#define CARILLON_ORDER_H

#include <stdbool.h>
#include <sys/types.h>

enum {
    STATUS_DESCRIPTOR = 3,
    MOST_GROUPS = 1024,
};

/// What the daemon asks for, word by word:
///
///     carillon-shim BOOT CODES FILE LOG CAP GRACE START_BY DIRECTORY IDS PROGRAM [ARGUMENT]...
///
/// The environment is the program's own, descriptor 0 its standard input, descriptor 3 the status file: created, empty,
/// locked with flock(2) and opened with O_APPEND.
struct order {
    /// The boot's id, the exit codes of success and which file the status file is; written there as they are.
    const char *boot;
    const char *codes;
    const char *file;
    /// Where output goes, and how many bytes of its beginning are kept.
    const char *log;
    long long cap;
    /// Milliseconds between SIGTERM and SIGKILL when the signal says nothing else.
    long long grace;
    /// The last moment to start at, in microseconds of CLOCK_BOOTTIME; 0 for any.
    long long start_by;
    /// The working directory; when it may be missing, the root directory stands in.
    const char *directory;
    bool directory_may_be_missing;
    /// UID:GID:GROUP,GROUP... or a lone minus to stay who we are.
    bool switches_user;
    uid_t user;
    gid_t group;
    size_t group_count;
    gid_t groups[MOST_GROUPS];
    /// The program and its arguments, ended by NULL.
    char **program;
};

/// False when the words make no sense.
bool order_read(struct order *order, int count, char **words);

#endif
