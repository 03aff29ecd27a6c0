#include "line.h"

#include <errno.h>
#include <unistd.h>

static void put(struct line *line, char byte) {
    // The last place is kept for the line's end.
    if (line->length < sizeof line->text - 1) line->text[line->length++] = byte;
}

static void separate(struct line *line) {
    if (line->length > 0) put(line, ' ');
}

void line_word(struct line *line, const char *word) {
    separate(line);
    while (*word != '\0') put(line, *word++);
}

void line_number(struct line *line, long long number) {
    char digits[20];
    size_t count = 0;
    unsigned long long rest = number < 0 ? -(unsigned long long)number : (unsigned long long)number;
    separate(line);
    if (number < 0) put(line, '-');
    do digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    while (count > 0) put(line, digits[--count]);
}

void line_prose(struct line *line, const char *prose) {
    for (; *prose != '\0'; prose++) put(line, (unsigned char)*prose < 0x20 || *prose == 0x7f ? '?' : *prose);
}

unsigned long long line_read_number(const char **text) {
    unsigned long long number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) number = number * 10 + (unsigned long long)(**text - '0');
    return number;
}

bool line_write(struct line *line, int descriptor) {
    line->text[line->length++] = '\n';
    ssize_t written;
    do written = write(descriptor, line->text, line->length);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)line->length;
}
