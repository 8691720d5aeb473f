/* Clients that speak IRC. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

static void introduce(int number) { say(number, "NICK %su%d\r\nUSER load 0 * :load\r\n", prefix, number); }

static void enter(int number) {
    say(number, "JOIN #%sr%d\r\n", prefix, room_of(number));
    if (is_gathering) say(number, "MODE #%sr%d -nt\r\n", prefix, room_of(number));
}

/* Whether a line with a source, as servers send it, is of a command. */
static int is(const char *command, const char *line, int length) {
    const char *space = line[0] == ':' ? memchr(line, ' ', (size_t)length) : NULL;
    size_t wanted = strlen(command);
    return space && length - (space - line) > (long)wanted + 1 && !memcmp(space + 1, command, wanted) &&
           space[wanted + 1] == ' ';
}

static void take_line(int number, const char *line, int length, uint64_t now) {
    enum stage stage = clients[number].stage;
    const char *body = stage == JOINED ? memmem(line, (size_t)length, " :~", 3) : NULL;
    if (body) {
        take_delivery(number, body + 3, now);
    } else if (is("JOIN", line, length)) {
        joins_seen++;
    } else if (length > 4 && length < 512 && !memcmp(line, "PING", 4)) {
        say(number, "PONG%.*s\r\n", length - 4, line + 4);
    } else if (length >= 5 && !memcmp(line, "ERROR", 5)) {
        refused(number, line, length);
    } else if (stage == REGISTERING && is("001", line, length)) {
        is_registered(number);
    } else if (stage == REGISTERING && is("433", line, length)) {
        refused(number, line, length);
    } else if (stage == REGISTERED && is("366", line, length)) {
        is_joined(number);
    }
}

static int write_message(char *line, int room, int sender, uint32_t counter, uint64_t due) {
    return sprintf(line, "PRIVMSG #%sr%d :~%d %u %llu the quick brown fox jumps over the lazy dog\r\n", prefix, room,
                   sender, counter, (unsigned long long)due);
}

const struct protocol irc = {"irc", '\n', 0, introduce, enter, take_line, write_message};
