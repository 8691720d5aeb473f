/* Clients that speak XMPP (RFC 6120) in rooms (XEP-0045).
 *
 * Everything up to a ">" is taken for a line: a tag, or a text and the tag that ends it. So the body of a message
 * begins a line, and nothing else that begins with "~" is sent. Accounts are PREFIX, "u" and the number; the
 * password of all is "secret". A room shows its senders their own messages, too, which are not counted. Servers of
 * a cluster that are asked to make one room at once make several, so the first member of each joins before others.
 */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPENED, AUTHENTICATING, OPENED_AGAIN, BINDING };

static const char *const stream = "<?xml version='1.0'?><stream:stream to='bench' xmlns='jabber:client' "
                                  "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

static void introduce(int number) {
    clients[number].step = OPENED;
    say(number, "%s", stream);
}

static void base64(char *out, const unsigned char *in, int length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < length; i += 3) {
        int left = length - i;
        unsigned three = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[three & 63] : '=';
    }
    *out = 0;
}

static void authenticate(int number) {
    unsigned char plain[64];
    char encoded[128];
    int length = sprintf((char *)plain, "%c%su%d%csecret", 0, prefix, number, 0);
    base64(encoded, plain, length);
    say(number, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", encoded);
}

static void enter(int number) {
    say(number,
        "<presence to='%sr%d@conference.bench/%su%d'><x xmlns='http://jabber.org/protocol/muc'>"
        "<history maxstanzas='0'/></x></presence>",
        prefix, room_of(number), prefix, number);
}

static int has(const char *line, int length, const char *part) {
    return memmem(line, (size_t)length, part, strlen(part)) != NULL;
}

static void take_line(int number, const char *line, int length, uint64_t now) {
    struct client *c = &clients[number];
    if (line[0] == '~') {
        if (c->stage == JOINED && atoi(line + 1) != number) take_delivery(number, line + 1, now);
    } else if (has(line, length, "<failure") || has(line, length, "stream:error") || has(line, length, "type='error'")) {
        refused(number, line, length);
    } else if (c->stage == REGISTERING) {
        if (c->step == OPENED && has(line, length, "</stream:features")) {
            c->step = AUTHENTICATING;
            authenticate(number);
        } else if (c->step == AUTHENTICATING && has(line, length, "<success")) {
            c->step = OPENED_AGAIN;
            say(number, "%s", stream);
        } else if (c->step == OPENED_AGAIN && has(line, length, "</stream:features")) {
            c->step = BINDING;
            say(number, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        } else if (c->step == BINDING && has(line, length, "</iq")) {
            say(number, "<presence/>");
            is_registered(number);
        }
    } else if (c->stage == REGISTERED && has(line, length, "code='110'")) {
        is_joined(number);
    }
}

static int write_message(char *line, int room, int sender, uint32_t counter, uint64_t due) {
    return sprintf(line,
                   "<message to='%sr%d@conference.bench' type='groupchat' id='%u'><body>~%d %u %llu "
                   "the quick brown fox jumps over the lazy dog</body></message>",
                   prefix, room, counter, sender, counter, (unsigned long long)due);
}

const struct protocol xmpp = {"xmpp", '>', 1, introduce, enter, take_line, write_message};
