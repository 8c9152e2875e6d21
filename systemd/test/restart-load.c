// restart-load.c - clients that count what a restart does to them. One thread, epoll, no dependencies, no code of the product.
//
//   restart-load PORT RATE CONNECTIONS STREAMS
//
// Sends RATE requests a second to /invoke over CONNECTIONS kept connections, and keeps STREAMS streams of /slow/stream
// open. A connection is closed when an answer says so, and made anew; nothing is ever sent twice. On SIGTERM whatever is under way
// comes to its end, one line is printed, and the exit status is 0 when nothing failed:
//
//   requests=60123 failed=0 streams=812 cut=0 refused=0 told_to_go=96
//
// failed: a request without a whole answer of status 200. cut: a stream without its end event and last chunk. refused: a
// connection that could not be made.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 2048, TAIL = 1024 };

struct client {
    int fd;             // -1: none
    bool streams;       // of the kind that reads streams
    bool connecting, busy, closes, has_end_event;
    size_t head_size;   // bytes of the head so far; 0 once it is read
    bool in_body;
    size_t rest;        // bytes of the body that are still to come
    char head[HEAD];
    char tail[TAIL];    // the last bytes of a stream
    size_t tail_size;
};

static unsigned long requests, failed, streams, cut, refused, told_to_go;
static volatile sig_atomic_t is_over;
static struct sockaddr_in address;
static int queue;
static char invoke[512], stream[512];

static void over(int number) { (void)number, is_over = 1; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void complain(const char *what, const struct client *client) {
    static int lines;
    if (lines++ < 20)
        fprintf(stderr, "%s: errno %d (%s), head %zu, body %d, rest %zu\n", what, errno, strerror(errno), client->head_size,
            client->in_body, client->rest);
}

static void drop(struct client *client) {
    if (client->fd >= 0) close(client->fd);
    client->fd = -1;
    client->connecting = client->busy = false;
}

static void fail(struct client *client) {
    complain(client->streams ? "cut" : "failed", client);
    if (client->streams) cut++;
    else failed++;
    drop(client);
}

static void refuse(struct client *client) {
    complain("refused", client);
    refused++;
    drop(client);
}

static void watch(struct client *client, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(queue, operation, client->fd, &event);
}

static void ask(struct client *client) {
    const char *text = client->streams ? stream : invoke;
    client->busy = true;
    client->closes = client->in_body = client->has_end_event = false;
    client->head_size = client->rest = client->tail_size = 0;
    if (send(client->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) fail(client);
}

static void join(struct client *client) {
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->connecting = connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0;
    if (client->connecting && errno != EINPROGRESS) return refuse(client);
    watch(client, EPOLL_CTL_ADD, client->connecting ? EPOLLOUT : EPOLLIN);
}

static void finish(struct client *client) {
    client->busy = false;
    if (client->streams) streams++;
    else requests++;
    if (!client->closes) return;
    told_to_go++;
    drop(client);
}

static void take_body(struct client *client, const char *bytes, size_t size) {
    if (!client->streams) {
        if (size > client->rest) return fail(client);
        client->rest -= size;
        if (client->rest == 0) finish(client);
        return;
    }
    while (size > 0) {  // in parts, with the last of the bytes before them
        char window[TAIL + 512];
        size_t part = size < 512 ? size : 512;
        memcpy(window, client->tail, client->tail_size);
        memcpy(window + client->tail_size, bytes, part);
        size_t all = client->tail_size + part;
        if (memmem(window, all, "event: end", 10)) client->has_end_event = true;
        client->tail_size = all < TAIL ? all : TAIL;
        memcpy(client->tail, window + all - client->tail_size, client->tail_size);
        bytes += part, size -= part;
    }
    // The last chunk, perhaps with trailers behind it, and then an empty line.
    if (client->tail_size < 7 || memcmp(client->tail + client->tail_size - 4, "\r\n\r\n", 4) != 0) return;
    if (!memmem(client->tail, client->tail_size, "\r\n0\r\n", 5)) return;
    if (client->has_end_event) finish(client);
    else fail(client);
}

static void take(struct client *client, const char *bytes, size_t size) {
    while (size > 0 && !client->in_body) {
        if (client->head_size == HEAD - 1) return fail(client);
        client->head[client->head_size++] = *bytes++, size--;
        client->head[client->head_size] = 0;
        if (client->head_size < 4 || memcmp(client->head + client->head_size - 4, "\r\n\r\n", 4) != 0) continue;
        if (strncmp(client->head, "HTTP/1.1 200 ", 13) != 0) {
            fprintf(stderr, "%.*s\n", (int)strcspn(client->head, "\r"), client->head);
            return fail(client);
        }
        const char *length = strcasestr(client->head, "\r\ncontent-length:");
        client->rest = length ? strtoul(length + 17, NULL, 10) : 0;
        client->closes = strcasestr(client->head, "\r\nconnection: close") != NULL;
        client->in_body = true;
    }
    if (size > 0) take_body(client, bytes, size);
}

static void receive(struct client *client) {
    static char buffer[65536];
    ssize_t size = recv(client->fd, buffer, sizeof buffer, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0 && client->busy) return take(client, buffer, (size_t)size);
    if (size > 0 || client->busy) return fail(client);  // bytes nobody asked for, or an end inside an answer
    drop(client);  // an idle connection may end
}

static void happen(struct client *client, uint32_t events) {
    if (client->fd < 0) return;
    if (!client->connecting) return receive(client);
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0 || events & EPOLLERR) return refuse(client);
    client->connecting = false;
    watch(client, EPOLL_CTL_MOD, EPOLLIN);
}

int main(int count, char **arguments) {
    if (count != 5) return fprintf(stderr, "usage: restart-load PORT RATE CONNECTIONS STREAMS\n"), 64;
    double rate = atof(arguments[2]);
    int kept = atoi(arguments[3]), all = kept + atoi(arguments[4]);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const char *form = "POST %s HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"input\":\"hello\"}";
    snprintf(invoke, sizeof invoke, form, "/invoke");
    snprintf(stream, sizeof stream, form, "/slow/stream");
    signal(SIGTERM, over);
    queue = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc((size_t)all, sizeof *clients);
    for (int i = 0; i < all; i++) clients[i].fd = -1, clients[i].streams = i >= kept;
    double begin = now(), end = 0;
    unsigned long sent = 0;
    int next = 0;
    while (true) {
        struct epoll_event events[256];
        int ready = epoll_wait(queue, events, 256, 1);
        for (int i = 0; i < ready; i++) happen(events[i].data.ptr, events[i].events);
        int busy = 0;
        for (int i = 0; i < all; i++) {
            if (clients[i].fd < 0 && !is_over) join(&clients[i]);
            if (clients[i].streams && clients[i].fd >= 0 && !clients[i].connecting && !clients[i].busy && !is_over) ask(&clients[i]);
            busy += clients[i].busy;
        }
        if (is_over) {
            if (end == 0) end = now();
            if (busy == 0) break;
            if (now() - end > 30) {
                for (int i = 0; i < all; i++) if (clients[i].busy) errno = ETIMEDOUT, fail(&clients[i]);
                break;
            }
            continue;
        }
        unsigned long due = (unsigned long)((now() - begin) * rate);
        if (due > sent + (unsigned long)rate) sent = due - (unsigned long)rate;  // a machine that slept does not catch up for ever
        for (int tried = 0; sent < due && tried < kept; tried++) {
            struct client *client = &clients[next];
            next = (next + 1) % kept;
            if (client->fd < 0 || client->connecting || client->busy) continue;
            ask(client);
            sent++;
        }
    }
    printf("requests=%lu failed=%lu streams=%lu cut=%lu refused=%lu told_to_go=%lu rate=%.0f\n", requests, failed, streams, cut,
        refused, told_to_go, (double)requests / (end - begin));
    return failed + cut + refused > 0;
}
