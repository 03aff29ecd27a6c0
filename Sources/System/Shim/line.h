#ifndef CARILLON_LINE_H
#define CARILLON_LINE_H

#include <stdbool.h>
#include <stddef.h>

/// One line under construction; what does not fit is cut.
struct line {
    size_t length;
    char text[1024];
};

void line_word(struct line *line, const char *word);
void line_number(struct line *line, long long number);

/// Text a person reads: control characters become question marks.
void line_prose(struct line *line, const char *prose);

/// Reads a number without a sign, and moves past it; 0 where none stands.
unsigned long long line_read_number(const char **text);

/// Ends the line and appends it to the file in one write(2).
bool line_write(struct line *line, int descriptor);

#endif
