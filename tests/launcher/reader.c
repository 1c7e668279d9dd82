/* The least that reading files takes: opens, reads once and closes each file that argv[1] lists. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char path[4096], text[4096];
    unsigned long bytes = 0;
    FILE *list = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!list) return 1;
    while (fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = 0;
        int file = open(path, O_RDONLY);
        if (file < 0) continue;
        ssize_t count = read(file, text, sizeof text);
        if (count > 0) bytes += (unsigned long)count;
        close(file);
    }
    return bytes == 0;
}
