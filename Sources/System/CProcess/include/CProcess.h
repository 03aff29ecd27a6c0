#ifndef CARILLON_CPROCESS_H
#define CARILLON_CPROCESS_H

#include <stddef.h>
#include <sys/types.h>

/// Starts a program with exactly four descriptors: input as 0, null as 1 and 2, status as 3.
///
/// It leads a session of its own, with every signal blocked and no disposition inherited. Answers 0 or an errno
/// (posix_spawn(3)); then `child` is untouched.
int cprocess_spawn(
    const char *program, char *const words[], char *const environment[], int input, int null, int status, pid_t *child);

/// A file in memory that holds these bytes and is read from its beginning (memfd_create(2)); -1 with errno.
int cprocess_memory_file(const void *bytes, size_t count);

/// A descriptor that means this process and never another (pidfd_open(2)); -1 with errno.
int cprocess_open(pid_t process);

/// Sends SIGRTMIN with a number to the process behind such a descriptor, or to a child not yet waited for.
///
/// Real-time signals queue, so that none is lost behind another (signal(7)). Answers 0 or an errno.
int cprocess_cancel_open(int process, int number);
int cprocess_cancel_child(pid_t child, int number);

#endif
