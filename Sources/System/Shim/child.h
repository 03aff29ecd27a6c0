#ifndef CARILLON_CHILD_H
#define CARILLON_CHILD_H

#include "order.h"

/// What a child could not do before its program ran.
enum stage { STAGE_NONE, STAGE_FORK, STAGE_USER, STAGE_DIRECTORY, STAGE_PROGRAM };

struct failure {
    enum stage stage;
    int error;
};

/// Starts the program in a process group of its own; -1 with `failure` filled when it never ran.
pid_t child_start(const struct order *order, int output, volatile struct failure *failure);

/// Clock ticks since boot at which a process started (proc(5), stat, field 22); 0 when it cannot be read.
unsigned long long child_start_ticks(pid_t child);

/// Kills whatever the program left behind, however deep and in whatever group, and waits until it is gone.
void child_kill_rest(pid_t group);

#endif
