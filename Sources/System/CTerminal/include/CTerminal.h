#ifndef CARILLON_CTERMINAL_H
#define CARILLON_CTERMINAL_H

#include <stdint.h>

/// How many cells of a terminal a character takes, 0 to 2, or -1 for one that is not to be printed: wcwidth(3), which knows
/// Unicode only once the process has a locale of it.
int cterminal_width(uint32_t scalar);

#endif
