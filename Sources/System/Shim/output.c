#define _GNU_SOURCE

#include "output.h"

#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// Past the cap only the end is kept, in a ring.
enum { RING = 4096 };

static char buffer[65536];
static char ring[RING];

static int open_log(const char *path) {
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    int log = open(path, flags, 0600);
    char *slash = strrchr(path, '/');
    // Twice, because the daemon may just be removing the empty folder of a job.
    for (int tries = 0; log < 0 && errno == ENOENT && slash != NULL && tries < 2; tries++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
        log = open(path, flags, 0600);
    }
    return log;
}

static void save(struct output *output, const char *bytes, long long count) {
    if (output->fault != 0 || count <= 0) return;
    if (output->log < 0 && (output->log = open_log(output->path)) < 0) {
        output->fault = errno;
        return;
    }
    while (count > 0) {
        ssize_t written = write(output->log, bytes, (size_t)count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            output->fault = errno;
            return;
        }
        bytes += written;
        count -= written;
    }
}

static void take(struct output *output, const char *bytes, long long count) {
    long long room = output->cap > output->total ? output->cap - output->total : 0;
    long long kept = count < room ? count : room;
    save(output, bytes, kept);
    output->total += count;
    // The ring's write position is the number of bytes past the cap, so it needs no field of its own.
    long long position = output->total - output->cap - (count - kept);
    for (long long at = kept; at < count; at++) ring[position++ % RING] = bytes[at];
}

void output_copy(struct output *output) {
    ssize_t count = read(output->pipe, buffer, sizeof buffer);
    if (count > 0) {
        take(output, buffer, count);
    } else if (count == 0 || errno != EINTR) {
        close(output->pipe);
        output->pipe = -1;
    }
}

void output_finish(struct output *output) {
    int waiting = 0;
    if (output->pipe >= 0 && ioctl(output->pipe, FIONREAD, &waiting) == 0) {
        while (waiting > 0) {
            size_t most = (size_t)waiting < sizeof buffer ? (size_t)waiting : sizeof buffer;
            ssize_t count = read(output->pipe, buffer, most);
            if (count <= 0) break;
            take(output, buffer, count);
            waiting -= (int)count;
        }
    }
    long long past = output->total - output->cap;
    if (past > RING) {
        struct line note = {0};
        line_prose(&note, "[carillon:");
        line_number(&note, past - RING);
        line_word(&note, "bytes left out]");
        note.text[note.length++] = '\n';
        save(output, "\n", 1);
        save(output, note.text, (long long)note.length);
        save(output, ring + past % RING, RING - past % RING);
        save(output, ring, past % RING);
    } else {
        save(output, ring, past);
    }
}
