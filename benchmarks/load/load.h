/* What the parts of the load generator share; load.c describes what it does. */
#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>
#include <sys/types.h>

enum { READ_BYTES = 256 * 1024 }; /* the most that is read from a client at once */

/* wire.c: a client's connection, with or without TLS. */

struct wire {
    int descriptor;
    void *tls; /* OpenSSL's SSL; NULL without TLS */
};

/* Prepares for TLS. */
void wire_use_tls(void);
/* Connects, and begins the handshake with TLS; 0 when it cannot, and errno says why. */
int wire_open(struct wire *wire, int port);
/* Whether something can be sent: always without TLS, after the handshake with it. */
int wire_is_ready(struct wire *wire);
/* Like recv: -1 and EAGAIN when nothing has come, 0 at the end. `into` holds READ_BYTES. */
ssize_t wire_receive(struct wire *wire, char *into);
/* Sends all of it; 0 when the server reads so little that not even a part can be sent, -1 at an error. */
int wire_send(struct wire *wire, const char *data, int length);
void wire_close(struct wire *wire);

/* load.c: the clients. */

enum stage { CONNECTING, REGISTERING, REGISTERED, JOINED };

struct client {
    struct wire wire;
    enum stage stage;
    int step;           /* of the registration, for protocols that need several */
    int is_gone;        /* was disconnected, which only "lossy" allows */
    uint32_t sent;
    uint32_t *expected; /* the next counter, by the sender's number within the room */
    char *rest;         /* the beginning of a line whose end has not come yet */
    int rest_bytes;
};

extern struct client *clients;
extern int is_gathering;
extern uint64_t joins_seen;
extern const char *prefix;

int room_of(int number);
/* Sends a formatted line, which has to be taken. */
void say(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A client is known to the server; it enters its room unless it is to wait. */
void is_registered(int number);
void is_joined(int number);
/* Counts a delivery; `body` begins behind the "~". */
void take_delivery(int number, const char *body, uint64_t now);
/* Ends everything, and shows what the server said. */
void refused(int number, const char *line, int length);

/* irc.c and xmpp.c: how clients speak. */

struct protocol {
    const char *name;
    char end;         /* what ends a line, or what is taken for one */
    int founds_rooms; /* whether a room has to be made before others join it at once */
    void (*introduce)(int number);
    void (*enter)(int number);
    void (*take_line)(int number, const char *line, int length, uint64_t now);
    /* Writes a message to a room, and gives its length. */
    int (*write_message)(char *line, int room, int sender, uint32_t counter, uint64_t due);
};

extern const struct protocol irc, xmpp;

#endif
