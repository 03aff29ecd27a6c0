#ifndef CARILLON_DASHBOARD_FILES_H
#define CARILLON_DASHBOARD_FILES_H

#include <stddef.h>
#include <stdint.h>

/// Answers the name of a file that this build carries, and where its text is; NULL once there are no more.
const char *carillon_dashboard_file(int32_t place, const uint8_t **bytes, size_t *count);

#endif
