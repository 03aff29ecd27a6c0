#define _XOPEN_SOURCE 700

#include "CTerminal.h"

#include <locale.h>
#include <wchar.h>

int cterminal_width(uint32_t scalar) {
    static locale_t unicode;
    // Whoever comes first makes it; a second one made beside it does no harm.
    if (!unicode) unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!unicode) return 1;
    locale_t before = uselocale(unicode);
    int width = wcwidth((wchar_t)scalar);
    uselocale(before);
    return width;
}
