#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("aisle " AISLE_VERSION);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: aisle --version | --help");
        return 0;
    }
    fputs("aisle: no such command; aisle --help lists what there is\n", stderr);
    return 2;
}
