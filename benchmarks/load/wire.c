/* A client's connection. With TLS, OpenSSL neither reads nor writes the socket by itself: a whole buffer of
 * records is received with one call, as without TLS, and OpenSSL takes them from there. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORD_BYTES_MAX = 17 * 1024, /* OpenSSL may hold the beginning of one */
    WRITE_SECONDS_MAX = 5
};

static SSL_CTX *context;
static BIO_METHOD *method;
static char raw[READ_BYTES - RECORD_BYTES_MAX]; /* what was received for the client whose turn it is */
static size_t raw_from, raw_to;

/* Gives how much was sent; 0 for nothing, -1 at an error. */
static int send_all(int descriptor, const char *data, int length) {
    int written = 0;
    while (written < length) {
        ssize_t n = send(descriptor, data + written, (size_t)(length - written), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            written += (int)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
            if (!written) return 0;
            if (poll(&wait, 1, WRITE_SECONDS_MAX * 1000) != 1) return -1;
        } else {
            return -1;
        }
    }
    return written;
}

static int read_raw(BIO *bio, char *into, int size) {
    size_t length = raw_to - raw_from;
    BIO_clear_retry_flags(bio);
    if (!length) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (length > (size_t)size) length = (size_t)size;
    memcpy(into, raw + raw_from, length);
    raw_from += length;
    return (int)length;
}

/* A record that was begun has to be sent: so this waits, which wire_send avoids. */
static int write_raw(BIO *bio, const char *data, int length) {
    int descriptor = (int)(intptr_t)BIO_get_data(bio), n;
    BIO_clear_retry_flags(bio);
    while (!(n = send_all(descriptor, data, length))) {
        struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
        if (poll(&wait, 1, WRITE_SECONDS_MAX * 1000) != 1) return -1;
    }
    return n;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

void wire_use_tls(void) {
    context = SSL_CTX_new(TLS_client_method());
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "wire");
    if (!context || !method) {
        fprintf(stderr, "load: OpenSSL cannot be used\n");
        exit(1);
    }
    /* Nobody else can listen on loopback's ports: the server's certificate is not checked. */
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    BIO_meth_set_read(method, read_raw);
    BIO_meth_set_write(method, write_raw);
    BIO_meth_set_ctrl(method, control);
}

/* Goes on with the handshake; -1 when it failed. */
static int shake_hands(struct wire *wire) {
    int n = SSL_do_handshake(wire->tls);
    return n == 1 || SSL_get_error(wire->tls, n) == SSL_ERROR_WANT_READ ? 1 : -1;
}

int wire_open(struct wire *wire, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wire->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (wire->descriptor < 0) return 0;
    if (connect(wire->descriptor, (struct sockaddr *)&address, sizeof address)) return 0;
    setsockopt(wire->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(wire->descriptor, F_SETFL, O_NONBLOCK);
    if (!context) return 1;
    SSL *tls = wire->tls = SSL_new(context);
    BIO *bio = BIO_new(method);
    if (!tls || !bio) return 0;
    BIO_set_data(bio, (void *)(intptr_t)wire->descriptor);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls, bio, bio);
    SSL_set_connect_state(tls);
    raw_from = raw_to = 0;
    return shake_hands(wire) == 1;
}

int wire_is_ready(struct wire *wire) { return !wire->tls || SSL_is_init_finished(wire->tls); }

ssize_t wire_receive(struct wire *wire, char *into) {
    if (!wire->tls) return recv(wire->descriptor, into, READ_BYTES, 0);
    ssize_t n = recv(wire->descriptor, raw, sizeof raw, 0), total = 0;
    if (n <= 0) return n;
    raw_from = 0;
    raw_to = (size_t)n;
    if (!SSL_is_init_finished(wire->tls) && shake_hands(wire) < 0) {
        errno = EPROTO;
        return -1;
    }
    /* All of it fits: no record is longer than what it holds. */
    while ((n = SSL_read(wire->tls, into + total, (int)(READ_BYTES - total))) > 0) total += n;
    if (total) return total;
    int error = SSL_get_error(wire->tls, (int)n);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
    return -1;
}

int wire_send(struct wire *wire, const char *data, int length) {
    errno = 0;
    if (!wire->tls) {
        int n = send_all(wire->descriptor, data, length);
        return n > 0 ? 1 : n;
    }
    struct pollfd now = {.fd = wire->descriptor, .events = POLLOUT};
    if (poll(&now, 1, 0) != 1) return 0;
    return SSL_write(wire->tls, data, length) == length ? 1 : -1;
}

void wire_close(struct wire *wire) {
    if (wire->tls) SSL_free(wire->tls);
    close(wire->descriptor);
    *wire = (struct wire){.descriptor = -1};
}
