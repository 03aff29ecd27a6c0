// The few functions of the C library the shim needs, straight on the kernel.
//
// The C library's start asks the processor for its features, some dozen instructions that a virtual machine answers at
// length: it takes longer than all that the shim does. Without the library a shim also stays at a few pages of memory.

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    xor %ebp, %ebp\n"
    "    mov (%rsp), %edi\n"
    "    lea 8(%rsp), %rsi\n"
    "    lea 16(%rsp,%rdi,8), %rdx\n"
    "    and $-16, %rsp\n"
    "    call shim_run\n"
    "    hlt\n"
    // The child returns first, on our stack, and would leave its own return address there: it is kept in a register.
    ".globl vfork\n"
    "vfork:\n"
    "    pop %rdx\n"
    "    mov $58, %eax\n"
    "    syscall\n"
    "    push %rdx\n"
    "    mov %rax, %rdi\n"
    "    jmp shim_answer\n");

static long call(long number, long a, long b, long c, long d, long e) {
    long answer;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(answer)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return answer;
}

#elif defined(__aarch64__)

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    mov x29, #0\n"
    "    mov x30, #0\n"
    "    ldr x0, [sp]\n"
    "    add x1, sp, #8\n"
    "    add x2, x1, x0, lsl #3\n"
    "    add x2, x2, #8\n"
    "    bl shim_run\n"
    "    brk #0\n"
    // CLONE_VM, CLONE_VFORK and SIGCHLD.
    ".globl vfork\n"
    "vfork:\n"
    "    mov x8, #220\n"
    "    mov x0, #0x4111\n"
    "    mov x1, #0\n"
    "    mov x2, #0\n"
    "    mov x3, #0\n"
    "    mov x4, #0\n"
    "    svc #0\n"
    "    b shim_answer\n");

static long call(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
    return x0;
}

#else
#error "the shim knows the system calls of x86_64 and aarch64"
#endif

// Bytes of the kernel's signal set; the C library's is larger.
enum { SIGNAL_SET = 8 };

static int error;
char **environ;

int main(int count, char **words);

__attribute__((used, noreturn)) void shim_run(int count, char **words, char **environment) {
    environ = environment;
    _exit(main(count, words));
}

__attribute__((used)) long shim_answer(long answer) {
    if (answer >= 0 || answer < -4095) return answer;
    error = (int)-answer;
    return -1;
}

#define ASK(name, a, b, c, d, e) shim_answer(call(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e)))

int *__errno_location(void) { return &error; }

void _exit(int code) {
    for (;;) call(SYS_exit_group, code, 0, 0, 0, 0);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return (int)ASK(openat, AT_FDCWD, path, flags, mode, 0);
}

int fcntl(int file, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return (int)ASK(fcntl, file, command, argument, 0, 0);
}

int ioctl(int file, unsigned long command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return (int)ASK(ioctl, file, command, argument, 0, 0);
}

int prctl(int option, ...) {
    va_list rest;
    va_start(rest, option);
    long argument = va_arg(rest, long);
    va_end(rest);
    return (int)ASK(prctl, option, argument, 0, 0, 0);
}

long syscall(long number, ...) {
    va_list rest;
    va_start(rest, number);
    long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long), d = va_arg(rest, long);
    va_end(rest);
    return shim_answer(call(number, a, b, c, d, 0));
}

int poll(struct pollfd *files, nfds_t count, int milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    return (int)ASK(ppoll, files, count, milliseconds < 0 ? NULL : &time, NULL, SIGNAL_SET);
}

int futimens(int file, const struct timespec times[2]) { return (int)ASK(utimensat, file, NULL, times, 0, 0); }
int access(const char *path, int mode) { return (int)ASK(faccessat, AT_FDCWD, path, mode, 0, 0); }
int chdir(const char *path) { return (int)ASK(chdir, path, 0, 0, 0, 0); }
int clock_gettime(clockid_t clock, struct timespec *time) { return (int)ASK(clock_gettime, clock, time, 0, 0, 0); }
int close(int file) { return (int)ASK(close, file, 0, 0, 0, 0); }
int dup2(int from, int to) { return (int)ASK(dup3, from, to, 0, 0, 0); }
int execve(const char *path, char *const words[], char *const names[]) {
    return (int)ASK(execve, path, words, names, 0, 0);
}
int fchown(int file, uid_t user, gid_t group) { return (int)ASK(fchown, file, user, group, 0, 0); }
pid_t getpgid(pid_t process) { return (pid_t)ASK(getpgid, process, 0, 0, 0, 0); }
pid_t getpid(void) { return (pid_t)ASK(getpid, 0, 0, 0, 0, 0); }
int kill(pid_t process, int signal) { return (int)ASK(kill, process, signal, 0, 0, 0); }
int mkdir(const char *path, mode_t mode) { return (int)ASK(mkdirat, AT_FDCWD, path, mode, 0, 0); }
int pipe2(int ends[2], int flags) { return (int)ASK(pipe2, ends, flags, 0, 0, 0); }
ssize_t read(int file, void *bytes, size_t count) { return ASK(read, file, bytes, count, 0, 0); }
ssize_t write(int file, const void *bytes, size_t count) { return ASK(write, file, bytes, count, 0, 0); }
int setgid(gid_t group) { return (int)ASK(setgid, group, 0, 0, 0, 0); }
int setgroups(size_t count, const gid_t *groups) { return (int)ASK(setgroups, count, groups, 0, 0, 0); }
int setpgid(pid_t process, pid_t group) { return (int)ASK(setpgid, process, group, 0, 0, 0); }
int setuid(uid_t user) { return (int)ASK(setuid, user, 0, 0, 0, 0); }
int signalfd(int file, const sigset_t *signals, int flags) {
    return (int)ASK(signalfd4, file, signals, SIGNAL_SET, flags, 0);
}
int sigprocmask(int how, const sigset_t *signals, sigset_t *before) {
    return (int)ASK(rt_sigprocmask, how, signals, before, SIGNAL_SET, 0);
}
int waitid(idtype_t what, id_t number, siginfo_t *news, int options) {
    return (int)ASK(waitid, what, number, news, options, NULL);
}
pid_t waitpid(pid_t process, int *ending, int options) {
    return (pid_t)ASK(wait4, process, ending, options, NULL, 0);
}

// The first two real-time signals belong to the C library of the programs.
int __libc_current_sigrtmin(void) { return 34; }

__attribute__((no_builtin)) void *memset(void *bytes, int value, size_t count) {
    for (char *at = bytes; count > 0; count--) *at++ = (char)value;
    return bytes;
}

__attribute__((no_builtin)) void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    const char *source = from;
    for (char *at = to; count > 0; count--) *at++ = *source++;
    return to;
}

int sigemptyset(sigset_t *signals) {
    memset(signals, 0, sizeof *signals);
    return 0;
}

int sigfillset(sigset_t *signals) {
    memset(signals, 0xff, sizeof *signals);
    return 0;
}

int sigaddset(sigset_t *signals, int signal) {
    unsigned char *bytes = (unsigned char *)signals;
    bytes[(signal - 1) / 8] |= (unsigned char)(1 << (signal - 1) % 8);
    return 0;
}

__attribute__((no_builtin)) size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') length++;
    return length;
}

__attribute__((no_builtin)) char *strchr(const char *text, int wanted) {
    for (;; text++) {
        if (*text == (char)wanted) return (char *)text;
        if (*text == '\0') return NULL;
    }
}

__attribute__((no_builtin)) char *strrchr(const char *text, int wanted) {
    char *last = NULL;
    for (;; text++) {
        if (*text == (char)wanted) last = (char *)text;
        if (*text == '\0') return last;
    }
}
