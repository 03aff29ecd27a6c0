#include "dashboard-files.h"

// C23, which the compiler knows in every language mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t style[] = {
#embed "carillon.css"
};
static const uint8_t script[] = {
#embed "carillon.js"
};
static const uint8_t icon[] = {
#embed "icon.svg"
};
static const uint8_t layout[] = {
#embed "layout.mustache"
};
static const uint8_t runs_table[] = {
#embed "runs-table.mustache"
};
static const uint8_t job_runs[] = {
#embed "job-runs.mustache"
};
static const uint8_t now[] = {
#embed "now.mustache"
};
static const uint8_t jobs[] = {
#embed "jobs.mustache"
};
static const uint8_t job[] = {
#embed "job.mustache"
};
static const uint8_t gone[] = {
#embed "gone.mustache"
};
static const uint8_t runs[] = {
#embed "runs.mustache"
};
static const uint8_t run[] = {
#embed "run.mustache"
};
static const uint8_t why[] = {
#embed "why.mustache"
};
static const uint8_t editor[] = {
#embed "editor.mustache"
};
static const uint8_t operation_row[] = {
#embed "operation-row.mustache"
};
static const uint8_t operation[] = {
#embed "operation.mustache"
};
static const uint8_t operations[] = {
#embed "operations.mustache"
};
static const uint8_t backfill[] = {
#embed "backfill.mustache"
};
static const uint8_t forecast[] = {
#embed "forecast.mustache"
};
static const uint8_t system_[] = {
#embed "system.mustache"
};
static const uint8_t login[] = {
#embed "login.mustache"
};
static const uint8_t refusal[] = {
#embed "refusal.mustache"
};

#define FILE(name, text) {name, text, sizeof(text)}

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t count;
} files[] = {
    FILE("carillon.css", style),
    FILE("carillon.js", script),
    FILE("icon.svg", icon),
    FILE("layout.mustache", layout),
    FILE("runs-table.mustache", runs_table),
    FILE("job-runs.mustache", job_runs),
    FILE("now.mustache", now),
    FILE("jobs.mustache", jobs),
    FILE("job.mustache", job),
    FILE("gone.mustache", gone),
    FILE("runs.mustache", runs),
    FILE("run.mustache", run),
    FILE("why.mustache", why),
    FILE("editor.mustache", editor),
    FILE("operation-row.mustache", operation_row),
    FILE("operation.mustache", operation),
    FILE("operations.mustache", operations),
    FILE("backfill.mustache", backfill),
    FILE("forecast.mustache", forecast),
    FILE("system.mustache", system_),
    FILE("login.mustache", login),
    FILE("refusal.mustache", refusal),
};

const char *carillon_dashboard_file(int32_t place, const uint8_t **bytes, size_t *count) {
    if (place < 0 || (size_t)place >= sizeof(files) / sizeof(files[0])) return NULL;
    *bytes = files[place].bytes;
    *count = files[place].count;
    return files[place].name;
}
