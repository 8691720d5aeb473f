/* Drives an IRC server and checks every delivery.
 *
 *     load PORT CLIENTS ROOMS AT_ONCE PREFIX [gather]
 *
 * CLIENTS connect to 127.0.0.1:PORT, register, and join the room "number modulo ROOMS"; AT_ONCE of them may
 * be on their way, which should be no more than the server lets wait to be accepted. Nicknames and rooms begin with
 * PREFIX, so that several of these can run at once. Then standard input says what to do, a line each, and standard output answers with a JSON object a line:
 *
 *     talk RATE SECONDS WARM_UP_SECONDS    {"event": "measuring"}, then {"event": "done", ...}
 *     end of input                         everybody leaves without a word
 *
 * While it talks, RATE messages a second are sent, the clients taking turns, whether or not the server
 * keeps up (an open loop). A message says its sender, the sender's counter and when it was due, so that
 * latency includes the time by which a sender is late. Every client keeps, for every other member of its
 * room, the next counter that it expects: a higher one means that some were lost or overtaken, a lower one
 * that it came twice or late.
 *
 * With "gather" all talk to room 0, in which only the first client is; it lets anybody talk to it.
 *
 * Nothing is allocated for a message; the generator's own processor time is part of what it prints.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,    /* one buffer for all clients */
    LINE_BYTES_MAX = 16 * 1024, /* a line is at most 8.7 KB with its tags */
    LOOK_US = 500,              /* at the latest, look again at what has come */
    SENDS_PER_LOOK = 16,        /* messages sent between two looks at what has come */
    STEP_US = 50,               /* of the histogram of latencies */
    STEPS = 400000,             /* up to 20 s */
    JOIN_SECONDS_MAX = 180,
    WRITE_SECONDS_MAX = 5,
    QUIET_SECONDS_MAX = 5       /* without any delivery, then what is missing counts as lost */
};

enum stage { REGISTERING, REGISTERED, JOINED };

struct client {
    int descriptor;
    enum stage stage;
    uint32_t sent;
    uint32_t *expected; /* the next counter, by the sender's number within the room */
    char *rest;         /* the beginning of a line whose end has not come yet */
    int rest_bytes;
};

struct tally {
    uint64_t delivered, gaps, repeats, unsent;
    uint64_t measured; /* deliveries whose message was due since the measuring began */
    uint32_t histogram[STEPS];
};

static struct client *clients;
static struct tally tally;
static int client_count, room_count, is_gathering, at_once, poller, started, joined;
static uint64_t measured_from;
static const char *prefix;
static char input[LINE_BYTES_MAX + READ_BYTES];

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void fail(const char *what, int number) {
    fprintf(stderr, "load: client %d: %s%s%s\n", number, what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

/* Writes a line; 0 when the server reads so little that not even a part of it can be written. */
static int write_line(int number, const char *line, int length) {
    int descriptor = clients[number].descriptor;
    int written = 0;
    while (written < length) {
        errno = 0;
        ssize_t n = send(descriptor, line + written, (size_t)(length - written), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            written += (int)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
            if (!written) return 0;
            if (poll(&wait, 1, WRITE_SECONDS_MAX * 1000) != 1) fail("cannot write the rest of a line", number);
        } else {
            fail("cannot write", number);
        }
    }
    return 1;
}

static void say(int number, const char *format, const char *text) {
    char line[1024];
    int length = snprintf(line, sizeof line, format, text);
    if (!write_line(number, line, length)) fail("the server does not read", number);
}

static int room_of(int number) { return is_gathering ? 0 : number % room_count; }
static int rank_of(int number) { return is_gathering ? number : number / room_count; }

static int others_in(int room) {
    if (is_gathering) return 1;
    return (client_count - room + room_count - 1) / room_count - 1;
}

static void begin(int number, int port) {
    struct client *c = &clients[number];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    char line[128];
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (c->descriptor < 0) fail("cannot make a socket", number);
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address)) fail("cannot connect", number);
    setsockopt(c->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->descriptor, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->descriptor, &event)) fail("cannot poll", number);
    sprintf(line, "NICK %su%d\r\nUSER load 0 * :load\r\n", prefix, number);
    say(number, "%s", line);
}

static void enter(int number) {
    char name[32];
    sprintf(name, "%sr%d", prefix, room_of(number));
    if (is_gathering && number) {
        clients[number].stage = JOINED;
        joined++;
        return;
    }
    say(number, "JOIN #%s\r\n", name);
    if (is_gathering) say(number, "MODE #%s -nt\r\n", name);
}

static void take_delivery(struct client *c, const char *body, uint64_t now) {
    char *end;
    uint32_t sender = (uint32_t)strtoul(body, &end, 10);
    uint32_t counter = (uint32_t)strtoul(end, &end, 10);
    uint64_t due = strtoull(end, NULL, 10);
    if (sender >= (uint32_t)client_count) return;
    uint32_t *expected = &c->expected[rank_of((int)sender)];
    if (counter < *expected) {
        tally.repeats++;
    } else {
        tally.gaps += counter - *expected;
        *expected = counter + 1;
    }
    tally.delivered++;
    if (due < measured_from) return;
    uint64_t step = (now - due) / STEP_US;
    tally.histogram[step < STEPS ? step : STEPS - 1]++;
    tally.measured++;
}

static void take_line(int number, const char *line, int length, uint64_t now) {
    struct client *c = &clients[number];
    const char *body = c->stage == JOINED ? memmem(line, (size_t)length, " :~", 3) : NULL;
    if (body) {
        take_delivery(c, body + 3, now);
    } else if (length > 4 && length < 512 && !memcmp(line, "PING", 4)) {
        char origin[600];
        sprintf(origin, "%.*s", length - 4, line + 4);
        say(number, "PONG%s\r\n", origin);
    } else if (length >= 5 && !memcmp(line, "ERROR", 5)) {
        fprintf(stderr, "load: client %d: %.*s\n", number, length, line);
        exit(1);
    } else if (c->stage == REGISTERING && memmem(line, (size_t)length, " 001 ", 5)) {
        c->stage = REGISTERED;
        enter(number);
    } else if (c->stage == REGISTERED && memmem(line, (size_t)length, " 366 ", 5)) {
        c->stage = JOINED;
        joined++;
    }
}

static void take_input(int number) {
    struct client *c = &clients[number];
    char *at = input;
    errno = 0;
    if (c->rest_bytes) memcpy(input, c->rest, (size_t)c->rest_bytes);
    ssize_t n = recv(c->descriptor, input + c->rest_bytes, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) fail("was disconnected", number);
    char *stop = input + c->rest_bytes + n, *newline;
    uint64_t now = now_us();
    while ((newline = memchr(at, '\n', (size_t)(stop - at)))) {
        int length = (int)(newline - at);
        if (length && at[length - 1] == '\r') length--;
        *newline = 0;
        if (length) take_line(number, at, length, now);
        at = newline + 1;
    }
    c->rest_bytes = (int)(stop - at);
    if (c->rest_bytes > LINE_BYTES_MAX) fail("was sent an endless line", number);
    if (c->rest_bytes) {
        if (!c->rest && !(c->rest = malloc(LINE_BYTES_MAX))) fail("no memory", number);
        memcpy(c->rest, at, (size_t)c->rest_bytes);
    }
}

/* Takes what has come, then sleeps for at most so long. It looks at a pace of its own and is not woken by
 * what comes: clients on other machines cost a server no waking of them either. */
static void turn(uint64_t wait_us) {
    static struct epoll_event events[1024];
    if (wait_us > LOOK_US) wait_us = LOOK_US;
    struct timespec wait = {.tv_nsec = (long)wait_us * 1000};
    if (wait_us) nanosleep(&wait, NULL);
    int n = epoll_wait(poller, events, 1024, 0);
    for (int i = 0; i < n; i++) take_input((int)events[i].data.u32);
}

static void join_all(int port) {
    uint64_t limit = now_us() + JOIN_SECONDS_MAX * 1000000ull;
    while (joined < client_count) {
        while (started < client_count && started - joined < at_once) begin(started++, port);
        turn(LOOK_US);
        if (now_us() > limit) {
            fprintf(stderr, "load: only %d of %d clients could join\n", joined, client_count);
            exit(1);
        }
    }
}

/* Sends at the rate; gives how many deliveries there have to be. */
static uint64_t send_all(double rate, double warm_up, double seconds) {
    static uint64_t turns_taken; /* the clients go on taking turns where they stopped */
    uint64_t count = (uint64_t)(rate * (warm_up + seconds)), expected = 0, begun = now_us();
    int is_measuring = 0;
    char line[160];
    measured_from = begun + (uint64_t)(warm_up * 1e6);
    for (uint64_t i = 0; i < count;) {
        uint64_t due = begun + (uint64_t)((double)i * 1e6 / rate), now = now_us();
        if (!is_measuring && now >= measured_from) {
            is_measuring = 1;
            printf("{\"event\": \"measuring\", \"delivered\": %llu}\n", (unsigned long long)tally.delivered);
            fflush(stdout);
        }
        if (due > now) {
            turn(due - now);
            continue;
        }
        int number = (int)(turns_taken++ % (uint64_t)client_count), room = room_of(number);
        if (is_gathering && number == 0) continue; /* it listens */
        int length = sprintf(line, "PRIVMSG #%sr%d :~%d %u %llu the quick brown fox jumps over the lazy dog\r\n",
                             prefix, room, number, clients[number].sent, (unsigned long long)due);
        i++;
        if (write_line(number, line, length)) {
            clients[number].sent++;
            expected += (uint64_t)others_in(room);
        } else {
            tally.unsent++;
        }
        if (i % SENDS_PER_LOOK == 0) turn(0);
    }
    return expected;
}

static double percentile_ms(double share) {
    uint64_t seen = 0, wanted = (uint64_t)((double)tally.measured * share);
    for (int i = 0; i < STEPS; i++)
        if ((seen += tally.histogram[i]) > wanted) return (i + 1) * STEP_US / 1000.0;
    return 0;
}

static double own_seconds(void) {
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
           (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
}

static void talk(double rate, double seconds, double warm_up) {
    memset(&tally, 0, sizeof tally);
    double own_before = own_seconds();
    uint64_t begun = now_us(), expected = send_all(rate, warm_up, seconds), sent_after = now_us() - begun;
    uint64_t last = tally.delivered, quiet_since = now_us();
    while (tally.delivered < expected && now_us() - quiet_since < QUIET_SECONDS_MAX * 1000000ull) {
        turn(LOOK_US);
        if (tally.delivered != last) {
            last = tally.delivered;
            quiet_since = now_us();
        }
    }
    int64_t missing = (int64_t)expected - (int64_t)tally.delivered;
    printf("{\"event\": \"done\", \"expected\": %llu, \"delivered\": %llu, \"missing\": %lld, \"gaps\": %llu, "
           "\"repeats\": %llu, \"unsent\": %llu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, "
           "\"send_seconds\": %.3f, \"seconds\": %.3f, \"own_seconds\": %.3f}\n",
           (unsigned long long)expected, (unsigned long long)tally.delivered, (long long)missing,
           (unsigned long long)tally.gaps, (unsigned long long)tally.repeats, (unsigned long long)tally.unsent,
           percentile_ms(0.5), percentile_ms(0.99), percentile_ms(1 - 1e-9), (double)sent_after / 1e6,
           (double)(now_us() - begun) / 1e6, own_seconds() - own_before);
    fflush(stdout);
}

/* Answers pings, and whatever else comes, until there is something to do; 0 when there is nothing more. */
static int wait_for_order(char *order, int size) {
    struct pollfd waits[2] = {{.fd = 0, .events = POLLIN}, {.fd = poller, .events = POLLIN}};
    for (;;) {
        if (poll(waits, 2, -1) < 0 && errno != EINTR) fail("cannot wait", -1);
        if (waits[1].revents) turn(LOOK_US);
        if (waits[0].revents) return fgets(order, size, stdin) != NULL;
    }
}

int main(int argc, char **argv) {
    char order[200];
    if (argc != 6 && !(argc == 7 && !strcmp(argv[6], "gather"))) {
        fprintf(stderr, "usage: load PORT CLIENTS ROOMS AT_ONCE PREFIX [gather]\n");
        return 2;
    }
    client_count = atoi(argv[2]);
    room_count = atoi(argv[3]);
    at_once = atoi(argv[4]);
    prefix = argv[5];
    is_gathering = argc == 7;
    if (strlen(prefix) > 8 || client_count < 2 || room_count < 1 || at_once < 1) {
        fprintf(stderr, "load: at least two clients, one room, one at once, and a short prefix are needed\n");
        return 2;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* else an order could wait here unseen */
    struct rlimit files = {(rlim_t)client_count + 100, (rlim_t)client_count + 100};
    if (setrlimit(RLIMIT_NOFILE, &files)) fail("cannot have so many files", client_count);
    poller = epoll_create1(0);
    clients = calloc((size_t)client_count, sizeof *clients);
    size_t members = is_gathering ? (size_t)client_count : (size_t)(client_count / room_count + 1);
    for (int i = 0; i < client_count; i++)
        if (!is_gathering || i == 0) clients[i].expected = calloc(members, sizeof(uint32_t));
    uint64_t begun = now_us();
    join_all(atoi(argv[1]));
    printf("{\"event\": \"joined\", \"seconds\": %.3f}\n", (double)(now_us() - begun) / 1e6);
    fflush(stdout);
    while (wait_for_order(order, sizeof order)) {
        double rate, seconds, warm_up;
        if (sscanf(order, "talk %lf %lf %lf", &rate, &seconds, &warm_up) != 3 || rate <= 0 || seconds <= 0) {
            fprintf(stderr, "load: not understood: %s", order);
            return 2;
        }
        talk(rate, seconds, warm_up);
    }
    return 0;
}
