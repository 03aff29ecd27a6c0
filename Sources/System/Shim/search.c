#include "search.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *value(const char *name) {
    size_t length = strlen(name);
    for (char **at = environ; *at != NULL; at++) {
        size_t same = 0;
        while (same < length && (*at)[same] == name[same]) same++;
        if (same == length && (*at)[same] == '=') return *at + length + 1;
    }
    return NULL;
}

static void run(const char *path, char *const words[]) {
    execve(path, words, environ);
    if (errno != ENOEXEC) return;
    size_t count = 0;
    while (words[count] != NULL) count++;
    // Our process is the parent's until it runs something, so this must be the stack's.
    const char *script[count + 2];
    script[0] = "/bin/sh";
    script[1] = path;
    for (size_t at = 1; at <= count; at++) script[at + 1] = words[at];
    execve(script[0], (char *const *)script, environ);
}

void search_and_run(char *const words[]) {
    const char *name = words[0];
    if (strchr(name, '/') != NULL) {
        run(name, words);
        return;
    }
    const char *path = value("PATH");
    size_t length = strlen(name);
    bool was_denied = false;
    if (path == NULL) path = "/bin:/usr/bin";
    errno = ENOENT;
    for (const char *end; path != NULL; path = *end == '\0' ? NULL : end + 1) {
        char file[PATH_MAX];
        for (end = path; *end != ':' && *end != '\0';) end++;
        size_t place = (size_t)(end - path);
        if (place + length + 2 > sizeof file) continue;
        memcpy(file, path, place);
        // An empty place is the working directory.
        if (place > 0) file[place++] = '/';
        memcpy(file + place, name, length + 1);
        run(file, words);
        if (errno == EACCES) was_denied = true;
        else if (errno != ENOENT && errno != ENOTDIR) return;
    }
    errno = was_denied ? EACCES : ENOENT;
}
