#ifndef CARILLON_CPROCESS_H
#define CARILLON_CPROCESS_H

#include <stddef.h>
#include <sys/types.h>

/// Opens /dev/null on descriptors 0 to 2 as far as they are closed, so that no file of ours ever has one of these numbers:
/// 0 or an errno.
int cprocess_secure_descriptors(void);

/// As the first process of a container, goes on in a child, and stays behind to pass signals on and to wait for the
/// processes that lose their parent, which nobody else does; it ends as the child ends.
///
/// Only while there is one thread. Answers 0 or an errno.
int cprocess_leave_first_place(void);

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

/// Whether such a process has ended, waiting at most so many milliseconds for it.
int cprocess_has_ended(int process, int milliseconds);

/// A timer that is readable once it has run out (timerfd_create(2)); -1 with errno. Reading never waits.
int cprocess_timer(void);

/// Has such a timer run out in so many milliseconds, whatever it was set to.
void cprocess_set_timer(int timer, int milliseconds);

/// Kills the process behind such a descriptor: 0 or an errno.
int cprocess_kill_open(int process);

/// Writes a byte to a file without a name in a directory: 0, or the errno that another file would meet as well.
int cprocess_try_writing(int directory);

/// Sends SIGRTMIN with a number to the process behind such a descriptor, or to a child not yet waited for; one that was
/// stopped goes on.
///
/// Real-time signals queue, so that none is lost behind another (signal(7)). Answers 0 or an errno.
int cprocess_cancel_open(int process, int number);
int cprocess_cancel_child(pid_t child, int number);

#endif
