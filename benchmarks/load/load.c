/* Drives a chat server and checks every delivery.
 *
 *     load PORT CLIENTS ROOMS AT_ONCE PREFIX [tls] [xmpp] [gather] [apart] [lossy]
 *
 * CLIENTS connect to 127.0.0.1:PORT, register, and join the room "number modulo ROOMS"; AT_ONCE of them may
 * be on their way, which should be no more than the server lets wait to be accepted. Nicknames and rooms begin with
 * PREFIX, so that several of these can run at once. Then standard input says what to do, a line each, and standard
 * output answers with a JSON object a line:
 *
 *     talk RATE SECONDS WARM_UP_SECONDS    {"event": "measuring"}, then {"event": "done", ...}
 *     join                                 {"event": "stormed", ...}: with "apart", all join at once
 *     end of input                         everybody leaves without a word
 *
 * While it talks, RATE messages a second are sent, the clients taking turns, whether or not the server
 * keeps up (an open loop). A message says its sender, the sender's counter and when it was due, so that
 * latency includes the time by which a sender is late. Every client keeps, for every other member of its
 * room, the next counter that it expects: a higher one means that some were lost or overtaken, a lower one
 * that it came twice or late.
 *
 * "tls" is TLS as OpenSSL does it by default, "xmpp" speaks XMPP instead of IRC. With "gather" all talk to room 0, in
 * which only the first client is; it lets anybody talk to it. With "apart" nobody joins before the order to. With
 * "lossy" a client may be disconnected: that is counted, and what it would have been sent is missing.
 *
 * Nothing is allocated for a message; the generator's own processor time is part of what it prints.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum {
    LINE_BYTES_MAX = 16 * 1024, /* a line is at most 8.7 KB with its tags */
    LOOK_US = 500,              /* at the latest, look again at what has come */
    SENDS_PER_LOOK = 16,        /* messages sent between two looks at what has come */
    STEP_US = 50,               /* of the histogram of latencies */
    STEPS = 400000,             /* up to 20 s */
    JOIN_SECONDS_MAX = 180,
    STORM_SECONDS_MAX = 300,
    STORM_QUIET_SECONDS_MAX = 30,
    STORM_END_SECONDS = 2,
    QUIET_SECONDS_MAX = 5       /* without any delivery, then what is missing counts as lost */
};

struct tally {
    uint64_t delivered, gaps, repeats, unsent;
    uint64_t measured; /* deliveries whose message was due since the measuring began */
    uint32_t histogram[STEPS];
};

struct client *clients;
int is_gathering;
uint64_t joins_seen;
const char *prefix;
static const struct protocol *protocol = &irc;
static struct tally tally;
static int client_count, room_count, at_once, poller, started, arrived, joined, cut_off, is_apart, is_lossy;
static uint64_t measured_from;
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

static void lose(int number) {
    struct client *c = &clients[number];
    if (!is_lossy) fail("was disconnected", number);
    wire_close(&c->wire);
    c->is_gone = 1;
    cut_off++;
}

/* Writes a line; 0 when the server reads so little that not even a part of it can be written. */
static int write_line(int number, const char *line, int length) {
    if (clients[number].is_gone) return 0;
    int n = wire_send(&clients[number].wire, line, length);
    if (n >= 0) return n;
    if (!is_lossy) fail("cannot write", number);
    lose(number);
    return 0;
}

void say(int number, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (!write_line(number, line, length) && !is_lossy) fail("the server does not read", number);
}

void refused(int number, const char *line, int length) {
    if (is_lossy) return; /* the end follows */
    fprintf(stderr, "load: client %d: %.*s\n", number, length, line);
    exit(1);
}

int room_of(int number) { return is_gathering ? 0 : number % room_count; }
static int rank_of(int number) { return is_gathering ? number : number / room_count; }

static int others_in(int room) {
    if (is_gathering) return 1;
    return (client_count - room + room_count - 1) / room_count - 1;
}

static void introduce(int number) {
    clients[number].stage = REGISTERING;
    protocol->introduce(number);
}

static void begin(int number, int port) {
    struct client *c = &clients[number];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    errno = 0;
    if (!wire_open(&c->wire, port)) fail("cannot connect", number);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->wire.descriptor, &event)) fail("cannot poll", number);
    if (wire_is_ready(&c->wire)) introduce(number);
}

void is_joined(int number) {
    clients[number].stage = JOINED;
    joined++;
    arrived++;
}

void is_registered(int number) {
    clients[number].stage = REGISTERED;
    if (is_apart)
        arrived++;
    else if (is_gathering && number)
        is_joined(number);
    else
        protocol->enter(number);
}

void take_delivery(int number, const char *body, uint64_t now) {
    struct client *c = &clients[number];
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

static void take_input(int number) {
    struct client *c = &clients[number];
    char *at = input;
    if (c->is_gone) return;
    errno = 0;
    if (c->rest_bytes) memcpy(input, c->rest, (size_t)c->rest_bytes);
    ssize_t n = wire_receive(&c->wire, input + c->rest_bytes);
    int error = errno;
    if (c->stage == CONNECTING && wire_is_ready(&c->wire)) introduce(number);
    if (n < 0 && (error == EAGAIN || error == EINTR)) return;
    if (n <= 0) {
        errno = error;
        lose(number);
        return;
    }
    char *stop = input + c->rest_bytes + n, *newline;
    uint64_t now = now_us();
    while ((newline = memchr(at, protocol->end, (size_t)(stop - at)))) {
        int length = (int)(newline - at);
        if (length && at[length - 1] == '\r') length--;
        *newline = 0;
        if (length) protocol->take_line(number, at, length, now);
        if (c->is_gone) return;
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
    while (arrived < client_count) {
        int count = client_count;
        if (protocol->founds_rooms && arrived < room_count && room_count < count) count = room_count;
        while (started < count && started - arrived < at_once) begin(started++, port);
        turn(LOOK_US);
        if (now_us() > limit) {
            fprintf(stderr, "load: only %d of %d clients could join\n", arrived, client_count);
            exit(1);
        }
    }
}

/* Sends at the rate; gives how many deliveries there have to be. */
static uint64_t send_all(double rate, double warm_up, double seconds) {
    static uint64_t turns_taken; /* the clients go on taking turns where they stopped */
    uint64_t count = (uint64_t)(rate * (warm_up + seconds)), expected = 0, begun = now_us();
    int is_measuring = 0;
    char line[256];
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
        int length = protocol->write_message(line, room, number, clients[number].sent, due);
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
           "\"repeats\": %llu, \"unsent\": %llu, \"cut_off\": %d, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, "
           "\"send_seconds\": %.3f, \"seconds\": %.3f, \"own_seconds\": %.3f}\n",
           (unsigned long long)expected, (unsigned long long)tally.delivered, (long long)missing,
           (unsigned long long)tally.gaps, (unsigned long long)tally.repeats, (unsigned long long)tally.unsent,
           cut_off, percentile_ms(0.5), percentile_ms(0.99), percentile_ms(1 - 1e-9), (double)sent_after / 1e6,
           (double)(now_us() - begun) / 1e6, own_seconds() - own_before);
    fflush(stdout);
}

/* All join at once; done when everybody has seen everybody who came after it, and itself, and nothing more comes:
 * on several servers, two that join at once may both see the other one. */
static void storm(void) {
    double own_before = own_seconds();
    uint64_t begun = now_us(), last = 0, quiet_since = begun, all_in = 0, seen_at = begun;
    uint64_t expected = 0;
    for (int i = 0; i < client_count; i++) expected += (uint64_t)(1 + i / room_count);
    for (int i = 0; i < client_count; i++) {
        protocol->enter(i);
        if (i % SENDS_PER_LOOK == 0) turn(0);
    }
    for (;;) {
        uint64_t now = now_us();
        int is_whole = joined == client_count && joins_seen >= expected;
        if (now - quiet_since > (is_whole ? STORM_END_SECONDS : STORM_QUIET_SECONDS_MAX) * 1000000ull) break;
        if (now - begun > STORM_SECONDS_MAX * 1000000ull) break;
        turn(LOOK_US);
        if (!all_in && joined == client_count) all_in = now_us();
        if (joins_seen + (uint64_t)joined != last) {
            last = joins_seen + (uint64_t)joined;
            quiet_since = seen_at = now_us();
        }
    }
    if (!all_in) all_in = now_us();
    printf("{\"event\": \"stormed\", \"joined\": %d, \"expected\": %llu, \"seen\": %llu, "
           "\"joined_seconds\": %.3f, \"seconds\": %.3f, \"own_seconds\": %.3f}\n",
           joined, (unsigned long long)expected, (unsigned long long)joins_seen, (double)(all_in - begun) / 1e6,
           (double)(seen_at - begun) / 1e6, own_seconds() - own_before);
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

static int take_word(const char *word) {
    if (!strcmp(word, "tls"))
        wire_use_tls();
    else if (!strcmp(word, "xmpp"))
        protocol = &xmpp;
    else if (!strcmp(word, "gather"))
        is_gathering = 1;
    else if (!strcmp(word, "apart"))
        is_apart = 1;
    else if (!strcmp(word, "lossy"))
        is_lossy = 1;
    else
        return 0;
    return 1;
}

int main(int argc, char **argv) {
    char order[200];
    int is_understood = argc >= 6;
    for (int i = 6; i < argc; i++) is_understood &= take_word(argv[i]);
    if (!is_understood) {
        fprintf(stderr, "usage: load PORT CLIENTS ROOMS AT_ONCE PREFIX [tls] [xmpp] [gather] [apart] [lossy]\n");
        return 2;
    }
    client_count = atoi(argv[2]);
    room_count = atoi(argv[3]);
    at_once = atoi(argv[4]);
    prefix = argv[5];
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
        if (is_apart && !joined && !strcmp(order, "join\n")) {
            storm();
            continue;
        }
        if (sscanf(order, "talk %lf %lf %lf", &rate, &seconds, &warm_up) != 3 || rate <= 0 || seconds <= 0) {
            fprintf(stderr, "load: not understood: %s", order);
            return 2;
        }
        talk(rate, seconds, warm_up);
    }
    return 0;
}
