#define _GNU_SOURCE

#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

int cprocess_spawn(
    const char *program, char *const words[], char *const environment[], int input, int null, int status,
    pid_t *child) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t all;
    sigfillset(&all);
    int error = posix_spawnattr_init(&attributes);
    if (error != 0) return error;
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &all);
        if ((error = posix_spawn_file_actions_adddup2(&actions, input, 0)) == 0
            && (error = posix_spawn_file_actions_adddup2(&actions, null, 1)) == 0
            && (error = posix_spawn_file_actions_adddup2(&actions, null, 2)) == 0
            && (error = posix_spawn_file_actions_adddup2(&actions, status, 3)) == 0
            && (error = posix_spawn_file_actions_addclosefrom_np(&actions, 4)) == 0)
            error = posix_spawn(child, program, &actions, &attributes, words, environment);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

int cprocess_memory_file(const void *bytes, size_t count) {
    int file = memfd_create("carillon-input", MFD_CLOEXEC);
    const char *rest = bytes;
    while (file >= 0 && count > 0) {
        ssize_t written = write(file, rest, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            int error = errno;
            close(file);
            errno = error;
            return -1;
        }
        rest += written;
        count -= (size_t)written;
    }
    if (file >= 0) lseek(file, 0, SEEK_SET);
    return file;
}

int cprocess_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int cprocess_has_ended(int process, int milliseconds) {
    struct pollfd end = {process, POLLIN, 0};
    return poll(&end, 1, milliseconds) > 0;
}

int cprocess_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

void cprocess_set_timer(int timer, int milliseconds) {
    struct itimerspec end = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000L}};
    timerfd_settime(timer, 0, &end, NULL);
}

int cprocess_kill_open(int process) {
    return syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == 0 ? 0 : errno;
}

int cprocess_try_writing(int directory) {
    int file = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    // A file system without such files leaves us the permissions.
    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        return faccessat(directory, ".", W_OK | X_OK, 0) == 0 ? 0 : errno;
    if (file < 0) return errno;
    int error = write(file, "", 1) == 1 ? 0 : errno;
    close(file);
    return error;
}

int cprocess_cancel_open(int process, int number) {
    siginfo_t information;
    memset(&information, 0, sizeof information);
    information.si_signo = SIGRTMIN;
    information.si_code = SI_QUEUE;
    information.si_pid = getpid();
    information.si_uid = getuid();
    information.si_value.sival_int = number;
    int error = syscall(SYS_pidfd_send_signal, process, SIGRTMIN, &information, 0) == 0 ? 0 : errno;
    if (error == 0) syscall(SYS_pidfd_send_signal, process, SIGCONT, NULL, 0);
    return error;
}

int cprocess_cancel_child(pid_t child, int number) {
    union sigval value = {.sival_int = number};
    int error = sigqueue(child, SIGRTMIN, value) == 0 ? 0 : errno;
    if (error == 0) kill(child, SIGCONT);
    return error;
}
