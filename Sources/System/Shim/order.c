#include "order.h"

#include <stdlib.h>
#include <string.h>

static bool read_ids(struct order *order, const char *text) {
    if (strcmp(text, "-") == 0) return true;
    char *rest;
    order->switches_user = true;
    order->user = (uid_t)strtoul(text, &rest, 10);
    if (*rest != ':') return false;
    order->group = (gid_t)strtoul(rest + 1, &rest, 10);
    if (*rest != ':') return false;
    while (*rest != '\0' && rest[1] != '\0') {
        if (order->group_count == MOST_GROUPS) return false;
        order->groups[order->group_count++] = (gid_t)strtoul(rest + 1, &rest, 10);
        if (*rest != ',' && *rest != '\0') return false;
    }
    return true;
}

bool order_read(struct order *order, int count, char **words) {
    if (count < 9) return false;
    order->boot = words[1];
    order->codes = words[2];
    order->log = words[3];
    order->cap = atoll(words[4]);
    order->grace = atoll(words[5]);
    order->directory_may_be_missing = words[6][0] == '?';
    order->directory = words[6] + 1;
    order->program = words + 8;
    return (words[6][0] == '?' || words[6][0] == '=') && read_ids(order, words[7]);
}
