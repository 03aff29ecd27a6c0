#define _GNU_SOURCE

#include "child.h"

#include "line.h"
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// posix_spawn(3) of glibc leaves its own two signals ignored; sigaction(3) does not know them.
static void restore_internal_signals(void) {
    static const unsigned long kernel_default[4];
    for (int number = 32; number <= 33; number++) syscall(SYS_rt_sigaction, number, kernel_default, NULL, 8);
}

static void become(const struct order *order, int output, volatile struct failure *failure) {
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    failure->stage = STAGE_USER;
    // The pipe as well, so that the program may open /dev/stdout by its name.
    if (order->switches_user
        && (fchown(output, order->user, order->group) != 0
            || setgroups(order->group_count, order->groups) != 0 || setgid(order->group) != 0
            || setuid(order->user) != 0))
        return;
    failure->stage = STAGE_DIRECTORY;
    if (chdir(order->directory) != 0 && (!order->directory_may_be_missing || chdir("/") != 0)) return;
    failure->stage = STAGE_PROGRAM;
    restore_internal_signals();
    sigprocmask(SIG_SETMASK, &none, NULL);
    search_and_run(order->program);
}

pid_t child_start(const struct order *order, int output, volatile struct failure *failure) {
    // The child borrows our memory until it runs its program: what went wrong is simply there afterwards.
    pid_t child = vfork();
    if (child == 0) {
        become(order, output, failure);
        failure->error = errno;
        _exit(127);
    }
    if (child < 0) {
        failure->stage = STAGE_FORK;
        failure->error = errno;
    } else if (failure->error != 0) {
        waitpid(child, NULL, 0);
        child = -1;
    }
    return child;
}

unsigned long long child_start_ticks(pid_t child) {
    struct line path = {0};
    char text[1024];
    line_prose(&path, "/proc/");
    // A number starts with a space when it is not the line's first word.
    struct line number = {0};
    line_number(&number, child);
    line_prose(&path, number.text);
    line_prose(&path, "/stat");
    int file = open(path.text, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return 0;
    text[count] = '\0';
    // The second field, the program's name, may hold anything; field 3 follows its last parenthesis.
    char *field = strrchr(text, ')');
    for (int at = 2; field != NULL && at < 22; at++) field = strchr(field + 1, ' ');
    if (field == NULL) return 0;
    const char *ticks = field + 1;
    return line_read_number(&ticks);
}

// As the subreaper of all that the program started (prctl(2)) we are the parent of every process it abandoned, also of
// those that left its group; killing one makes its own children ours.
static bool kill_children(pid_t group) {
    static char text[65536];
    int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return true;
    text[count] = '\0';
    for (const char *at = text; *at != '\0'; at++) {
        pid_t child = (pid_t)line_read_number(&at);
        if (child <= 1) break;
        // A group with a child of ours in it is ours, and goes at one blow.
        if (getpgid(child) == group) kill(-group, SIGKILL);
        kill(child, SIGKILL);
        if (*at == '\0') break;
    }
    return true;
}

void child_kill_rest(pid_t group) {
    bool sees_all;
    do {
        // A kernel without that list leaves us the group, which has been told.
        sees_all = kill_children(group);
    } while (waitpid(sees_all ? -1 : -group, NULL, 0) > 0 || errno == EINTR);
}
