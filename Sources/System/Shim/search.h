#ifndef CARILLON_SEARCH_H
#define CARILLON_SEARCH_H

/// Runs a program as execvp(3) does: without a slash it is looked up in `PATH`, and a file that is neither binary nor
/// names its interpreter goes to the shell. Comes back, with errno, only when nothing could be run.
void search_and_run(char *const words[]);

#endif
