/*
 * A foreign Tox peer for end-to-end tests: c-toxcore and nothing of the gateway's own code.
 *
 *   cc -std=c11 -Wall -Wextra -Werror -O1 -o foreign_peer foreign_peer.c -ltoxcore     (or: make)
 *
 *   foreign_peer HOST PORT KEY [TCPPORT] request ID MESSAGE     asks the gateway to become a friend
 *   foreign_peer HOST PORT KEY [TCPPORT] accept                 accepts every friend request
 *   foreign_peer HOST PORT KEY [TCPPORT] idle                   does only what it is told
 *
 * HOST is an IP address, KEY the bootstrap node's key (64 hex digits), TCPPORT its relay's.
 *
 * Events, one a line on standard output; TEXT has bytes outside of printable ASCII, and backslashes, as \xHH:
 *
 *   id ID76                       first line: the own Tox ID
 *   self-online | self-offline
 *   request KEY TEXT              a friend request came
 *   friend-online KEY | friend-offline KEY
 *   packet KEY HEX                a custom lossless packet
 *   lossy KEY HEX                 a custom lossy packet
 *   message KEY TEXT | name KEY TEXT | status KEY TEXT
 *   receipt KEY NUMBER
 *   ok COMMAND [NUMBER] | error COMMAND NUMBER     what became of a command; NUMBER is c-toxcore's
 *
 * Commands, one a line on standard input:
 *
 *   add ID MESSAGE | accept KEY | delete KEY | packet KEY HEX | lossy KEY HEX | message KEY TEXT | name TEXT
 *   garbage KEY                   random packets of every custom id, lossless 160..191 and lossy 192..254, at several
 *                                 lengths from 1 to 1373; answers "ok garbage COUNT" when all are sent
 *   quit                          ends cleanly; so does the end of the input
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tox/tox.h>
#include <unistd.h>

enum { LINE_BYTES = 8192, PACKET_BYTES = 1373 };

/* What the command "garbage" has still to send. */
struct garbage {
    bool active;
    uint32_t friend_number;
    unsigned id;
    size_t length_index;
    unsigned long sent;
};

struct peer {
    Tox *tox;
    bool accept_all;
    bool running;
    uint32_t random;
    struct garbage garbage;
};

static const size_t GARBAGE_LENGTHS[] = {1, 2, 3, 17, 100, 1000, 1372, PACKET_BYTES};
static const size_t GARBAGE_LENGTH_COUNT = sizeof(GARBAGE_LENGTHS) / sizeof(GARBAGE_LENGTHS[0]);

static void print_hex(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        printf("%02X", bytes[i]);
    }
}

static void print_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\') {
            putchar(bytes[i]);
        } else {
            printf("\\x%02X", bytes[i]);
        }
    }
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* Reads hex digits; returns the number of bytes, or -1 where the text is no hex or does not fit. */
static long parse_hex(const char *text, uint8_t *bytes, size_t capacity)
{
    const size_t digits = strlen(text);
    if (digits % 2 != 0 || digits / 2 > capacity) {
        return -1;
    }
    for (size_t i = 0; i < digits / 2; i++) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (long)(digits / 2);
}

static bool parse_port(const char *text, uint16_t *port)
{
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > 65535) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

/* An event of a friend, up to its content. False where the friend is gone. */
static bool print_event(Tox *tox, const char *event, uint32_t friend_number)
{
    uint8_t key[TOX_PUBLIC_KEY_SIZE];
    if (!tox_friend_get_public_key(tox, friend_number, key, NULL)) {
        return false;
    }
    printf("%s ", event);
    print_hex(key, sizeof(key));
    return true;
}

static void print_text_event(Tox *tox, const char *event, uint32_t friend_number, const uint8_t *text, size_t length)
{
    if (print_event(tox, event, friend_number)) {
        putchar(' ');
        print_text(text, length);
        putchar('\n');
    }
}

static void on_self_connection(Tox *tox, Tox_Connection status, void *data)
{
    (void)tox;
    (void)data;
    puts(status == TOX_CONNECTION_NONE ? "self-offline" : "self-online");
}

static void on_request(Tox *tox, const uint8_t *key, const uint8_t *message, size_t length, void *data)
{
    const struct peer *peer = data;
    printf("request ");
    print_hex(key, TOX_PUBLIC_KEY_SIZE);
    putchar(' ');
    print_text(message, length);
    putchar('\n');
    if (peer->accept_all) {
        tox_friend_add_norequest(tox, key, NULL);
    }
}

static void on_friend_connection(Tox *tox, uint32_t friend_number, Tox_Connection status, void *data)
{
    (void)data;
    if (print_event(tox, status == TOX_CONNECTION_NONE ? "friend-offline" : "friend-online", friend_number)) {
        putchar('\n');
    }
}

static void print_packet(Tox *tox, const char *event, uint32_t friend_number, const uint8_t *bytes, size_t length)
{
    if (print_event(tox, event, friend_number)) {
        putchar(' ');
        print_hex(bytes, length);
        putchar('\n');
    }
}

static void on_packet(Tox *tox, uint32_t friend_number, const uint8_t *bytes, size_t length, void *data)
{
    (void)data;
    print_packet(tox, "packet", friend_number, bytes, length);
}

static void on_lossy(Tox *tox, uint32_t friend_number, const uint8_t *bytes, size_t length, void *data)
{
    (void)data;
    print_packet(tox, "lossy", friend_number, bytes, length);
}

static void on_message(Tox *tox, uint32_t friend_number, Tox_Message_Type type, const uint8_t *text, size_t length,
                       void *data)
{
    (void)type;
    (void)data;
    print_text_event(tox, "message", friend_number, text, length);
}

static void on_name(Tox *tox, uint32_t friend_number, const uint8_t *text, size_t length, void *data)
{
    (void)data;
    print_text_event(tox, "name", friend_number, text, length);
}

static void on_status(Tox *tox, uint32_t friend_number, const uint8_t *text, size_t length, void *data)
{
    (void)data;
    print_text_event(tox, "status", friend_number, text, length);
}

static void on_receipt(Tox *tox, uint32_t friend_number, uint32_t message, void *data)
{
    (void)data;
    if (print_event(tox, "receipt", friend_number)) {
        printf(" %lu\n", (unsigned long)message);
    }
}

static void answer(const char *command, bool done, unsigned long number)
{
    printf("%s %s %lu\n", done ? "ok" : "error", command, number);
}

/* The friend with this key; false, and an answer, if there is none. */
static bool find_friend(const struct peer *peer, const char *command, const char *hex, uint32_t *number)
{
    uint8_t key[TOX_PUBLIC_KEY_SIZE];
    Tox_Err_Friend_By_Public_Key error = TOX_ERR_FRIEND_BY_PUBLIC_KEY_NOT_FOUND;
    if (hex != NULL && parse_hex(hex, key, sizeof(key)) == (long)sizeof(key)) {
        *number = tox_friend_by_public_key(peer->tox, key, &error);
    }
    if (error != TOX_ERR_FRIEND_BY_PUBLIC_KEY_OK) {
        answer(command, false, (unsigned long)error);
        return false;
    }
    return true;
}

static void add(struct peer *peer, const char *hex, const char *message)
{
    uint8_t id[TOX_ADDRESS_SIZE];
    Tox_Err_Friend_Add error = TOX_ERR_FRIEND_ADD_NULL;
    if (hex != NULL && message != NULL && parse_hex(hex, id, sizeof(id)) == (long)sizeof(id)) {
        tox_friend_add(peer->tox, id, (const uint8_t *)message, strlen(message), &error);
    }
    answer("add", error == TOX_ERR_FRIEND_ADD_OK, (unsigned long)error);
}

static void accept_key(struct peer *peer, const char *hex)
{
    uint8_t key[TOX_PUBLIC_KEY_SIZE];
    Tox_Err_Friend_Add error = TOX_ERR_FRIEND_ADD_NULL;
    if (hex != NULL && parse_hex(hex, key, sizeof(key)) == (long)sizeof(key)) {
        tox_friend_add_norequest(peer->tox, key, &error);
    }
    answer("accept", error == TOX_ERR_FRIEND_ADD_OK, (unsigned long)error);
}

static void send_packet(struct peer *peer, const char *command, bool lossless, const char *hex_key, const char *hex)
{
    uint32_t number = 0;
    uint8_t bytes[PACKET_BYTES];
    if (!find_friend(peer, command, hex_key, &number)) {
        return;
    }
    const long length = hex == NULL ? -1 : parse_hex(hex, bytes, sizeof(bytes));
    Tox_Err_Friend_Custom_Packet error = TOX_ERR_FRIEND_CUSTOM_PACKET_INVALID;
    if (length > 0 && lossless) {
        tox_friend_send_lossless_packet(peer->tox, number, bytes, (size_t)length, &error);
    } else if (length > 0) {
        tox_friend_send_lossy_packet(peer->tox, number, bytes, (size_t)length, &error);
    }
    answer(command, error == TOX_ERR_FRIEND_CUSTOM_PACKET_OK, (unsigned long)error);
}

static void send_message(struct peer *peer, const char *hex_key, const char *text)
{
    uint32_t number = 0;
    if (!find_friend(peer, "message", hex_key, &number)) {
        return;
    }
    Tox_Err_Friend_Send_Message error = TOX_ERR_FRIEND_SEND_MESSAGE_EMPTY;
    uint32_t id = 0;
    if (text != NULL) {
        id = tox_friend_send_message(peer->tox, number, TOX_MESSAGE_TYPE_NORMAL, (const uint8_t *)text, strlen(text),
                                     &error);
    }
    const bool done = error == TOX_ERR_FRIEND_SEND_MESSAGE_OK;
    answer("message", done, done ? (unsigned long)id : (unsigned long)error);
}

static void start_garbage(struct peer *peer, const char *hex_key)
{
    uint32_t number = 0;
    if (find_friend(peer, "garbage", hex_key, &number)) {
        peer->garbage = (struct garbage) {.active = true, .friend_number = number, .id = 160};
    }
}

/* Reproducible, which a test wants; not for secrets (xorshift). */
static uint8_t random_byte(struct peer *peer)
{
    peer->random ^= peer->random << 13;
    peer->random ^= peer->random >> 17;
    peer->random ^= peer->random << 5;
    return (uint8_t)(peer->random >> 24);
}

/* Sends garbage until the queue is full; goes on at the next turn. */
static void send_garbage(struct peer *peer)
{
    struct garbage *garbage = &peer->garbage;
    while (garbage->active) {
        uint8_t bytes[PACKET_BYTES];
        const size_t length = GARBAGE_LENGTHS[garbage->length_index];
        bytes[0] = (uint8_t)garbage->id;
        for (size_t i = 1; i < length; i++) {
            bytes[i] = random_byte(peer);
        }
        Tox_Err_Friend_Custom_Packet error = TOX_ERR_FRIEND_CUSTOM_PACKET_OK;
        if (garbage->id < 192) {
            tox_friend_send_lossless_packet(peer->tox, garbage->friend_number, bytes, length, &error);
        } else {
            tox_friend_send_lossy_packet(peer->tox, garbage->friend_number, bytes, length, &error);
        }
        if (error == TOX_ERR_FRIEND_CUSTOM_PACKET_SENDQ) {
            return;
        }
        if (error == TOX_ERR_FRIEND_CUSTOM_PACKET_FRIEND_NOT_CONNECTED
                || error == TOX_ERR_FRIEND_CUSTOM_PACKET_FRIEND_NOT_FOUND) {
            garbage->active = false;
            answer("garbage", false, (unsigned long)error);
            return;
        }
        garbage->sent += error == TOX_ERR_FRIEND_CUSTOM_PACKET_OK ? 1 : 0;
        garbage->length_index = (garbage->length_index + 1) % GARBAGE_LENGTH_COUNT;
        if (garbage->length_index == 0) {
            garbage->id++;
        }
        if (garbage->id > 254) {
            garbage->active = false;
            answer("garbage", true, garbage->sent);
        }
    }
}

/* Cuts the first word off; NULL where there is none. */
static char *next_word(char **rest)
{
    if (*rest == NULL || **rest == '\0') {
        return NULL;
    }
    char *word = *rest;
    char *space = strchr(word, ' ');
    if (space == NULL) {
        *rest = NULL;
    } else {
        *space = '\0';
        *rest = space + 1;
    }
    return word;
}

static void run_command(struct peer *peer, char *line)
{
    char *rest = line;
    const char *command = next_word(&rest);
    if (command == NULL) {
        return;
    }
    if (strcmp(command, "quit") == 0) {
        peer->running = false;
    } else if (strcmp(command, "name") == 0) {
        const char *name = rest == NULL ? "" : rest;
        answer("name", tox_self_set_name(peer->tox, (const uint8_t *)name, strlen(name), NULL), 0);
    } else {
        const char *key = next_word(&rest);
        if (strcmp(command, "add") == 0) {
            add(peer, key, rest);
        } else if (strcmp(command, "accept") == 0) {
            accept_key(peer, key);
        } else if (strcmp(command, "delete") == 0) {
            uint32_t number = 0;
            if (find_friend(peer, "delete", key, &number)) {
                answer("delete", tox_friend_delete(peer->tox, number, NULL), 0);
            }
        } else if (strcmp(command, "packet") == 0) {
            send_packet(peer, "packet", true, key, rest);
        } else if (strcmp(command, "lossy") == 0) {
            send_packet(peer, "lossy", false, key, rest);
        } else if (strcmp(command, "message") == 0) {
            send_message(peer, key, rest);
        } else if (strcmp(command, "garbage") == 0) {
            start_garbage(peer, key);
        } else {
            puts("error unknown 0");
        }
    }
}

/* Reads what there is, at most what fits, and runs the complete lines. False at the end of the input. */
static bool read_commands(struct peer *peer, char *buffer, size_t *used)
{
    const ssize_t got = read(STDIN_FILENO, buffer + *used, LINE_BYTES - *used);
    if (got < 0 && errno == EINTR) {
        return true;
    }
    if (got <= 0) {
        return false;
    }
    *used += (size_t)got;
    char *line = buffer;
    char *end = memchr(line, '\n', *used);
    while (end != NULL && peer->running) {
        *end = '\0';
        run_command(peer, line);
        *used -= (size_t)(end + 1 - line);
        line = end + 1;
        end = memchr(line, '\n', *used);
    }
    memmove(buffer, line, *used);
    if (*used == LINE_BYTES) {
        puts("error line-too-long 0");
        *used = 0;
    }
    return true;
}

static Tox *start(void)
{
    struct Tox_Options *options = tox_options_new(NULL);
    if (options == NULL) {
        return NULL;
    }
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    tox_options_set_hole_punching_enabled(options, false);
    Tox *tox = tox_new(options, NULL);
    tox_options_free(options);
    if (tox == NULL) {
        return NULL;
    }
    tox_callback_self_connection_status(tox, on_self_connection);
    tox_callback_friend_request(tox, on_request);
    tox_callback_friend_connection_status(tox, on_friend_connection);
    tox_callback_friend_lossless_packet(tox, on_packet);
    tox_callback_friend_lossy_packet(tox, on_lossy);
    tox_callback_friend_message(tox, on_message);
    tox_callback_friend_name(tox, on_name);
    tox_callback_friend_status_message(tox, on_status);
    tox_callback_friend_read_receipt(tox, on_receipt);
    return tox;
}

static void run(struct peer *peer)
{
    char buffer[LINE_BYTES];
    size_t used = 0;
    while (peer->running) {
        tox_iterate(peer->tox, peer);
        send_garbage(peer);
        fflush(stdout);
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&input, 1, (int)tox_iteration_interval(peer->tox)) > 0 && !read_commands(peer, buffer, &used)) {
            peer->running = false;
        }
    }
    fflush(stdout);
}

static int usage(void)
{
    fputs("usage: foreign_peer HOST PORT KEY [TCPPORT] (request ID MESSAGE | accept | idle)\n", stderr);
    return 2;
}

int main(int count, char **arguments)
{
    uint16_t port = 0;
    uint16_t tcp_port = 0;
    uint8_t key[TOX_PUBLIC_KEY_SIZE];
    int next = 4;
    if (count < 5 || !parse_port(arguments[2], &port)
            || parse_hex(arguments[3], key, sizeof(key)) != (long)sizeof(key)) {
        return usage();
    }
    if (parse_port(arguments[next], &tcp_port)) {
        next++;
    }
    const int left = count - next;
    const char *mode = left > 0 ? arguments[next] : "";
    const bool request = strcmp(mode, "request") == 0 && left == 3;
    const bool accept_all = strcmp(mode, "accept") == 0 && left == 1;
    if (!request && !accept_all && !(strcmp(mode, "idle") == 0 && left == 1)) {
        return usage();
    }

    struct peer peer = {.tox = start(), .accept_all = accept_all, .running = true, .random = 0x70781};
    if (peer.tox == NULL) {
        fputs("foreign_peer: c-toxcore did not start (no free port from 33445 to 33545?)\n", stderr);
        return 1;
    }
    uint8_t id[TOX_ADDRESS_SIZE];
    tox_self_get_address(peer.tox, id);
    printf("id ");
    print_hex(id, sizeof(id));
    putchar('\n');

    int status = 0;
    if (!tox_bootstrap(peer.tox, arguments[1], port, key, NULL)
            || (tcp_port != 0 && !tox_add_tcp_relay(peer.tox, arguments[1], tcp_port, key, NULL))) {
        fputs("foreign_peer: the bootstrap node's address cannot be used\n", stderr);
        status = 1;
    } else {
        if (request) {
            add(&peer, arguments[next + 1], arguments[next + 2]);
        }
        run(&peer);
    }
    tox_kill(peer.tox);
    return status;
}
