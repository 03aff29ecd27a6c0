// Stands between the daemon and one program: starts it, keeps its output, ends it when told, and writes down how it
// ended. It needs nobody: the daemon may die, and the next one reads the status file. One line per step:
//
//     shim PID BOOT CODES FILE
//     start PID TICKS MICROSECONDS
//     end MICROSECONDS exit|signal|error NUMBER BYTES CANCELLED LOGFAULT [TEXT]
//
// An empty file means that nothing was started, a locked one that the shim lives.

#define _GNU_SOURCE

#include "child.h"
#include "line.h"
#include "order.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 64,
    EXIT_STATUS_FILE = 73,
    EXIT_TOO_LATE = 75,
    // A program that lives longer is announced; the end of a shorter one says that it started.
    ANNOUNCE_AFTER = 5,
};

static const long long NEVER = -1;

struct shim {
    struct order order;
    struct output output;
    int signals;
    pid_t child;
    bool ended;
    int ending;
    bool cancelled;
    /// Milliseconds of the monotonic clock.
    long long kill_at;
    long long announce_at;
};

static long long microseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static long long milliseconds(void) { return microseconds(CLOCK_MONOTONIC) / 1000; }

// The program itself is not waited for yet: as long as it is not, its number means nobody else, nor does its group's.
static void reap(struct shim *shim) {
    siginfo_t news;
    while (!shim->ended) {
        news.si_pid = 0;
        if (waitid(P_ALL, 0, &news, WEXITED | WNOHANG | WNOWAIT) != 0 || news.si_pid == 0) return;
        if (news.si_pid == shim->child) shim->ended = true;
        else waitpid(news.si_pid, NULL, WNOHANG);
    }
}

static void tell_program(const struct shim *shim, int signal) {
    kill(-shim->child, signal);
    // It may have left its group, for ours even, which must not be told.
    if (getpgid(shim->child) != shim->child) kill(shim->child, signal);
}

static void cancel(struct shim *shim, long long grace) {
    long long kill_at = milliseconds() + grace;
    if (shim->kill_at == NEVER || kill_at < shim->kill_at) shim->kill_at = kill_at;
    if (shim->cancelled) return;
    shim->cancelled = true;
    tell_program(shim, SIGTERM);
    // A stopped program notices the signal only when it goes on.
    tell_program(shim, SIGCONT);
}

static void take_signals(struct shim *shim) {
    struct signalfd_siginfo news[4];
    long long grace = NEVER;
    ssize_t size = read(shim->signals, news, sizeof news);
    for (size_t at = 0; (ssize_t)((at + 1) * sizeof *news) <= size; at++) {
        if (news[at].ssi_signo == SIGCHLD) continue;
        // The daemon says its grace with a signal that queues; SIGTERM is for everybody else.
        long long told = news[at].ssi_signo == (unsigned)SIGRTMIN ? news[at].ssi_int : shim->order.grace;
        if (grace == NEVER || told < grace) grace = told < 0 ? 0 : told;
    }
    // In this order: a program that ended by itself was not cancelled.
    reap(shim);
    if (grace != NEVER && !shim->ended) cancel(shim, grace);
}

static void take_time(struct shim *shim) {
    long long now = milliseconds();
    if (shim->announce_at != NEVER && now >= shim->announce_at) {
        futimens(STATUS_DESCRIPTOR, NULL);
        shim->announce_at = NEVER;
    }
    if (shim->kill_at != NEVER && now >= shim->kill_at) {
        tell_program(shim, SIGKILL);
        shim->kill_at = NEVER;
    }
}

static int time_left(const struct shim *shim) {
    long long next = shim->announce_at;
    if (shim->kill_at != NEVER && (next == NEVER || shim->kill_at < next)) next = shim->kill_at;
    if (next == NEVER) return -1;
    long long left = next - milliseconds();
    return left < 0 ? 0 : left > 86400000 ? 86400000 : (int)left;
}

static void attend(struct shim *shim) {
    while (!shim->ended) {
        struct pollfd polls[] = {{shim->signals, POLLIN, 0}, {shim->output.pipe, POLLIN, 0}};
        if (poll(polls, 2, time_left(shim)) > 0) {
            if (polls[1].revents != 0) output_copy(&shim->output);
            if (polls[0].revents != 0) take_signals(shim);
        }
        take_time(shim);
    }
}

static bool write_claim(const struct shim *shim) {
    struct line line = {0};
    line_word(&line, "shim");
    line_number(&line, getpid());
    line_word(&line, shim->order.boot);
    line_word(&line, shim->order.codes);
    line_word(&line, shim->order.file);
    return line_write(&line, STATUS_DESCRIPTOR);
}

static void write_start(const struct shim *shim) {
    struct line line = {0};
    line_word(&line, "start");
    line_number(&line, shim->child);
    line_number(&line, (long long)child_start_ticks(shim->child));
    line_number(&line, microseconds(CLOCK_REALTIME));
    line_write(&line, STATUS_DESCRIPTOR);
}

static void begin_end(const struct shim *shim, struct line *line, const char *how, int number) {
    line_word(line, "end");
    line_number(line, microseconds(CLOCK_REALTIME));
    line_word(line, how);
    line_number(line, number);
    line_number(line, shim->output.total);
    line_number(line, shim->cancelled);
    line_number(line, shim->output.fault);
}

static void write_end(const struct shim *shim) {
    struct line line = {0};
    bool exited = WIFEXITED(shim->ending);
    begin_end(shim, &line, exited ? "exit" : "signal", exited ? WEXITSTATUS(shim->ending) : WTERMSIG(shim->ending));
    line_write(&line, STATUS_DESCRIPTOR);
}

static void write_failure(const struct shim *shim, enum stage stage, int error) {
    struct line line = {0};
    const char *program = shim->order.program[0];
    // The daemon puts the errno into words; this one would mislead.
    bool lacks_interpreter =
        stage == STAGE_PROGRAM && error == ENOENT && program[0] == '/' && access(program, F_OK) == 0;
    begin_end(shim, &line, "error", lacks_interpreter ? 0 : error);
    switch (stage) {
    case STAGE_USER: line_word(&line, "cannot become the user"); break;
    case STAGE_DIRECTORY:
        line_word(&line, "cannot enter directory ");
        line_prose(&line, shim->order.directory);
        break;
    case STAGE_PROGRAM:
        line_word(&line, "cannot run ");
        line_prose(&line, program);
        if (lacks_interpreter) line_prose(&line, ": its interpreter does not exist");
        break;
    default: line_word(&line, "cannot start a process"); break;
    }
    line_write(&line, STATUS_DESCRIPTOR);
}

static struct shim shim;

int main(int count, char **words) {
    if (!order_read(&shim.order, count, words)) return EXIT_USAGE;
    // Somebody else may have taken it for lost by now.
    if (shim.order.start_by != 0 && microseconds(CLOCK_BOOTTIME) > shim.order.start_by) return EXIT_TOO_LATE;
    sigset_t all, heard;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    // The lock must not outlive us in the program.
    if (fcntl(STATUS_DESCRIPTOR, F_SETFD, FD_CLOEXEC) != 0 || !write_claim(&shim)) return EXIT_STATUS_FILE;

    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGRTMIN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    int ends[2] = {-1, -1};
    volatile struct failure failure = {STAGE_FORK, 0};
    shim.child = -1;
    shim.signals = signalfd(-1, &heard, SFD_CLOEXEC);
    if (shim.signals < 0 || pipe2(ends, O_CLOEXEC) != 0)
        failure.error = errno;
    else
        shim.child = child_start(&shim.order, ends[1], &failure);
    if (shim.child < 0) {
        write_failure(&shim, failure.stage, failure.error);
        return 0;
    }
    close(ends[1]);
    shim.output = (struct output){.pipe = ends[0], .path = shim.order.log, .cap = shim.order.cap, .log = -1};
    write_start(&shim);
    shim.kill_at = NEVER;
    shim.announce_at = milliseconds() + ANNOUNCE_AFTER;

    attend(&shim);
    if (shim.cancelled) kill(-shim.child, SIGKILL);
    waitpid(shim.child, &shim.ending, 0);
    if (shim.cancelled) child_kill_rest(shim.child);
    output_finish(&shim.output);
    write_end(&shim);
    return 0;
}
