#ifndef CARILLON_OUTPUT_H
#define CARILLON_OUTPUT_H

#include <stdbool.h>

/// The pipe of the program's two output streams, and the log it is copied to.
struct output {
    /// The end we read; -1 once nobody writes any more.
    int pipe;
    const char *path;
    long long cap;
    /// -1 until the first byte.
    int log;
    /// The errno of the first write that failed; the log ends there, the program does not notice.
    int fault;
    long long total;
};

/// Copies what one read(2) gives; blocks when the pipe is empty.
void output_copy(struct output *output);

/// Copies what the pipe holds now, without waiting for whoever still has it open, and ends the log.
void output_finish(struct output *output);

#endif
