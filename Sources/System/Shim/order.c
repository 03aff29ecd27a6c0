#include "order.h"

#include "line.h"

static bool read_ids(struct order *order, const char *text) {
    if (text[0] == '-' && text[1] == '\0') return true;
    order->switches_user = true;
    order->user = (uid_t)line_read_number(&text);
    if (*text++ != ':') return false;
    order->group = (gid_t)line_read_number(&text);
    if (*text++ != ':') return false;
    while (*text != '\0') {
        if (order->group_count == MOST_GROUPS) return false;
        order->groups[order->group_count++] = (gid_t)line_read_number(&text);
        if (*text == ',') text++;
        else if (*text != '\0') return false;
    }
    return true;
}

bool order_read(struct order *order, int count, char **words) {
    if (count < 11) return false;
    order->boot = words[1];
    order->codes = words[2];
    order->file = words[3];
    order->log = words[4];
    const char *cap = words[5], *grace = words[6], *start_by = words[7];
    order->cap = (long long)line_read_number(&cap);
    order->grace = (long long)line_read_number(&grace);
    order->start_by = (long long)line_read_number(&start_by);
    order->directory_may_be_missing = words[8][0] == '?';
    order->directory = words[8] + 1;
    order->program = words + 10;
    return (words[8][0] == '?' || words[8][0] == '=') && read_ids(order, words[9]);
}
