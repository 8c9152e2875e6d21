// upstream.c - the LLM server behind the gateway while script/bench measures: one thread, epoll, no dependencies.
// It speaks just enough of OpenAI's chat completions to be proxied, and is lean enough not to be what is measured.
//
//   upstream [--listen HOST:PORT] [--tokens N] [--pace MS] [--delay MS] [--coalesce] [--lifetime SECONDS]
//
// Prints "listening PORT" once it accepts (port 0, the default, picks one). A request may override the flags by path
// segments, so that one process serves all scenarios: POST /pace-20/tokens-64/v1/chat/completions, and likewise
// /delay-100, /coalesce-1. Any POST is a completion, streamed when its body says `"stream": true`:
//
//   not streamed   about 1 KB of JSON with Content-Length, after --delay
//   streamed       head, N token events, a finish event, a usage event and [DONE] (N + 3 events). Each of them leaves
//                  in a write of its own, as real servers do it; --coalesce puts all that is due into one write.
//                  Tokens come as fast as the socket takes them, or every --pace ms; the last three follow the last token.
//
// GET /stats answers {"requests","streams_open","tokens","cancelled"}. GET anything else answers 200 with an empty body.
// Requests need Content-Length; chunked ones get 411. It ends on SIGTERM, with its parent, or after --lifetime.
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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16 * 1024, BODY_LIMIT = 32 * 1024 * 1024, WORDS = 64, EVENT_LIMIT = 512 };

static void die(const char *what) {
    fprintf(stderr, "upstream: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ---------------------------------------------------------------- the timer wheel

/// One wheel for all pacing: 2^16 slots of 100 us, so 6.5 s a round; a bitmap finds the next slot that is in use.
/// Starting streams at different times spreads their tokens over the slots as real traffic would be.
enum { TICK_NS = 100000, SLOTS = 1 << 16 };
struct timer {
    struct timer *next, **previous;  // `previous` is the pointer that points here; NULL when not armed
    uint64_t tick;
};
static struct timer *slots[SLOTS];
static uint64_t in_use[SLOTS / 64];
static uint64_t wheel_tick;  // the last tick that has been run

static void timer_disarm(struct timer *t) {
    if (!t->previous) return;
    *t->previous = t->next;
    if (t->next) t->next->previous = t->previous;
    t->previous = NULL;
    unsigned slot = (unsigned)(t->tick % SLOTS);
    if (!slots[slot]) in_use[slot / 64] &= ~(1ull << (slot % 64));
}

static void timer_arm(struct timer *t, uint64_t at_ns) {
    timer_disarm(t);
    uint64_t tick = (at_ns + TICK_NS - 1) / TICK_NS;
    if (tick <= wheel_tick) tick = wheel_tick + 1;
    t->tick = tick;
    unsigned slot = (unsigned)(tick % SLOTS);
    t->next = slots[slot];
    t->previous = &slots[slot];
    if (t->next) t->next->previous = &t->next;
    slots[slot] = t;
    in_use[slot / 64] |= 1ull << (slot % 64);
}

/// Nanoseconds until the next slot in use, at most a second.
static uint64_t wheel_wait(uint64_t now) {
    for (uint64_t tick = wheel_tick + 1; tick <= wheel_tick + 10000;) {
        unsigned slot = (unsigned)(tick % SLOTS);
        uint64_t rest = in_use[slot / 64] >> (slot % 64);
        if (rest) {
            uint64_t at = (tick + (unsigned)__builtin_ctzll(rest)) * TICK_NS;
            return at > now ? at - now : 0;
        }
        tick += 64 - slot % 64;
    }
    return 1000000000;
}

// ---------------------------------------------------------------- connections

struct connection {
    struct timer timer;  // first, so that a timer is its connection
    struct connection *next_free;
    int fd;
    bool busy;          // an answer is going on; later requests wait in `in`
    bool streaming, coalesce, wants_write;
    unsigned tokens, event;  // of the stream: how many, and the next one to send; event 0 is the head
    unsigned offset;         // bytes of that event (or of the JSON answer) already sent
    uint64_t pace_ns, start;
    char *in;
    size_t in_length, in_capacity;
};

static int epfd;
static struct connection *free_connections;
static struct {
    unsigned tokens;
    uint64_t pace_ns, delay_ns;
    bool coalesce;
} defaults = {.tokens = 64};
static struct {
    uint64_t requests, streams_open, tokens, cancelled;
} stats;

// The answers, made once.
struct text {
    unsigned length;
    char bytes[EVENT_LIMIT];
};
static struct text stream_head, token_events[WORDS], finish_event, usage_event, done_event;
static char json_answer[2048];
static unsigned json_length;

/// An event as one HTTP chunk.
static void make_event(struct text *t, const char *data) {
    unsigned length = (unsigned)strlen(data) + 8;  // "data: " and two line feeds
    t->length = (unsigned)snprintf(t->bytes, sizeof t->bytes, "%x\r\ndata: %s\n\n\r\n", length, data);
    if (t->length >= sizeof t->bytes) die("an event does not fit");
}

#define CHUNK_START "{\"id\":\"chatcmpl-bench000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"bench\","
#define USAGE "\"usage\":{\"prompt_tokens\":160,\"completion_tokens\":64,\"total_tokens\":224}"

static void make_answers(void) {
    char data[EVENT_LIMIT];
    for (int i = 0; i < WORDS; i++) {
        snprintf(data, sizeof data, CHUNK_START "\"choices\":[{\"index\":0,\"delta\":{%s\"content\":\" word%d\"},"
                 "\"logprobs\":null,\"finish_reason\":null}]}", i == 0 ? "\"role\":\"assistant\"," : "", i);
        make_event(&token_events[i], data);
    }
    make_event(&finish_event, CHUNK_START "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}");
    make_event(&usage_event, CHUNK_START "\"choices\":[]," USAGE "}");
    make_event(&done_event, "[DONE]");
    // The last chunk leaves with [DONE].
    memcpy(done_event.bytes + done_event.length, "0\r\n\r\n", 5);
    done_event.length += 5;
    stream_head.length = (unsigned)snprintf(stream_head.bytes, sizeof stream_head.bytes,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");

    char content[800] = "", body[1400];
    for (int i = 0; strlen(content) < 690; i++) {
        char word[16];
        snprintf(word, sizeof word, "%sword%d", i ? " " : "", i);
        strcat(content, word);
    }
    int length = snprintf(body, sizeof body,
        "{\"id\":\"chatcmpl-bench000000000000\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"bench\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"logprobs\":null,"
        "\"finish_reason\":\"stop\"}]," USAGE ",\"system_fingerprint\":\"bench\"}", content);
    json_length = (unsigned)snprintf(json_answer, sizeof json_answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
}

/// Event number `index` of a stream: the head, the tokens, and the three last ones.
static const struct text *event_at(const struct connection *c, unsigned index) {
    if (index == 0) return &stream_head;
    if (index <= c->tokens) return &token_events[(index - 1) % WORDS];
    switch (index - c->tokens) {
        case 1: return &finish_event;
        case 2: return &usage_event;
        case 3: return &done_event;
        default: return NULL;
    }
}

static void watch(struct connection *c, bool write) {
    if (c->wants_write == write) return;
    c->wants_write = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &event) != 0) die("epoll_ctl");
}

static void take_requests(struct connection *c);

static void close_connection(struct connection *c) {
    if (c->busy) {
        stats.cancelled++;
        if (c->streaming) stats.streams_open--;
    }
    timer_disarm(&c->timer);
    close(c->fd);
    c->fd = -1;
    free(c->in);
    c->in = NULL;
    c->next_free = free_connections;
    free_connections = c;
}

/// Writes bytes; false when the socket is full (EPOLLOUT is armed then) or gone (the read event will tell).
static bool put(struct connection *c, const char *bytes, unsigned length, unsigned *offset) {
    while (*offset < length) {
        ssize_t n = send(c->fd, bytes + *offset, length - *offset, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) watch(c, true);
            return false;
        }
        *offset += (unsigned)n;
    }
    *offset = 0;
    return true;
}

/// How many events may have left by now: the head and the first token at once, then one token each `pace`.
static unsigned events_due(const struct connection *c, uint64_t now) {
    unsigned all = c->tokens + 4;
    if (c->pace_ns == 0) return all;
    uint64_t due = 2 + (now - c->start) / c->pace_ns;
    return due > c->tokens ? all : (unsigned)due;
}

/// All due events in one write. False when it could not be finished.
static bool put_coalesced(struct connection *c, unsigned due) {
    while (c->event < due) {
        struct iovec parts[256];
        unsigned count = 0;
        for (unsigned i = c->event; i < due && count < 256; i++, count++) {
            const struct text *t = event_at(c, i);
            unsigned skip = count == 0 ? c->offset : 0;
            parts[count] = (struct iovec){(void *)(t->bytes + skip), t->length - skip};
        }
        ssize_t n = writev(c->fd, parts, (int)count);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) watch(c, true);
            return false;
        }
        for (size_t left = (size_t)n; left > 0;) {
            unsigned rest = event_at(c, c->event)->length - c->offset;
            if (left < rest) {
                c->offset += (unsigned)left;
                break;
            }
            left -= rest;
            c->offset = 0;
            c->event++;
        }
    }
    return true;
}

static void finished(struct connection *c) {
    if (c->streaming) stats.streams_open--;
    c->busy = c->streaming = false;
}

static void advance_stream(struct connection *c) {
    unsigned due = events_due(c, now_ns()), before = c->event, all = c->tokens + 4;
    bool flowing = true;
    if (c->coalesce) {
        flowing = put_coalesced(c, due);
    } else {
        while (flowing && c->event < due) {
            const struct text *t = event_at(c, c->event);
            flowing = put(c, t->bytes, t->length, &c->offset);
            if (flowing) c->event++;
        }
    }
    // Tokens are the events 1 ... tokens.
    unsigned sent = c->event > c->tokens + 1 ? c->tokens + 1 : c->event;
    unsigned counted = before > c->tokens + 1 ? c->tokens + 1 : before < 1 ? 1 : before;
    if (sent > counted) stats.tokens += sent - counted;
    if (!flowing) return;  // EPOLLOUT goes on
    watch(c, false);
    if (c->event == all)
        finished(c);
    else
        timer_arm(&c->timer, c->start + (uint64_t)(c->event - 1) * c->pace_ns);
}

static void send_json(struct connection *c) {
    if (!put(c, json_answer, json_length, &c->offset)) return;
    watch(c, false);
    finished(c);
}

/// Goes on with the answer: its timer has fired, or the socket takes bytes again.
static void advance(struct connection *c) {
    if (c->streaming)
        advance_stream(c);
    else
        send_json(c);
    if (!c->busy && c->in_length > 0) take_requests(c);
}

// ---------------------------------------------------------------- requests

/// The number after `name` in the path, or `otherwise`.
static unsigned path_number(const char *path, size_t n, const char *name, unsigned otherwise) {
    const char *hit = memmem(path, n, name, strlen(name));
    return hit ? (unsigned)strtoul(hit + strlen(name), NULL, 10) : otherwise;
}

static void answer_get(struct connection *c, const char *path) {
    char body[256] = "", answer[512];
    if (strncmp(path, "/stats ", 7) == 0)
        snprintf(body, sizeof body, "{\"requests\":%llu,\"streams_open\":%llu,\"tokens\":%llu,\"cancelled\":%llu}\n",
                 (unsigned long long)stats.requests, (unsigned long long)stats.streams_open,
                 (unsigned long long)stats.tokens, (unsigned long long)stats.cancelled);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    if (send(c->fd, answer, (size_t)length, MSG_NOSIGNAL) != length) shutdown(c->fd, SHUT_RDWR);
}

static void begin_answer(struct connection *c, const char *head, size_t head_length, const char *body, size_t length) {
    const char *path = memchr(head, ' ', head_length);
    if (!path) {
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    path++;
    if (memcmp(head, "POST", 4) != 0) return answer_get(c, path);
    size_t path_length = (size_t)((const char *)memchr(path, '\r', head_length) - path);
    stats.requests++;
    c->busy = true;
    c->offset = 0;
    c->start = now_ns();
    const char *stream = memmem(body, length, "\"stream\":", 9);
    if (stream && strncmp(stream + 9 + strspn(stream + 9, " "), "true", 4) == 0) {
        c->streaming = true;
        stats.streams_open++;
        c->event = 0;
        c->tokens = path_number(path, path_length, "/tokens-", defaults.tokens);
        c->pace_ns = 1000000ull * path_number(path, path_length, "/pace-", (unsigned)(defaults.pace_ns / 1000000));
        c->coalesce = path_number(path, path_length, "/coalesce-", defaults.coalesce) != 0;
        return advance_stream(c);
    }
    uint64_t delay = 1000000ull * path_number(path, path_length, "/delay-", (unsigned)(defaults.delay_ns / 1000000));
    if (delay > 0)
        timer_arm(&c->timer, c->start + delay);
    else
        send_json(c);
}

/// Content-Length of a head; -1 when there is none.
static long body_length(const char *head, size_t n) {
    const char *end = head + n, *line = memchr(head, '\n', n);
    for (line++; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1)
        if ((*line | 0x20) == 'c' && strncasecmp(line, "content-length:", 15) == 0) return strtol(line + 15, NULL, 10);
    return -1;
}

/// Answers the requests that have come in whole, one after the other.
static void take_requests(struct connection *c) {
    while (!c->busy && c->in_length > 0) {
        char *blank = memmem(c->in, c->in_length, "\r\n\r\n", 4);
        if (!blank) {
            if (c->in_length > HEAD_LIMIT) shutdown(c->fd, SHUT_RDWR);
            return;
        }
        size_t head = (size_t)(blank - c->in) + 4;
        long length = body_length(c->in, head);
        if (length < 0 && memcmp(c->in, "POST", 4) == 0) {
            static const char refused[] = "HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            send(c->fd, refused, sizeof refused - 1, MSG_NOSIGNAL);
            shutdown(c->fd, SHUT_RDWR);
            return;
        }
        if (length < 0) length = 0;
        if (length > BODY_LIMIT) {
            shutdown(c->fd, SHUT_RDWR);
            return;
        }
        size_t total = head + (size_t)length;
        if (c->in_length < total) return;
        c->in[c->in_length] = 0;  // there is always room for it; strtoul and strspn stop here
        begin_answer(c, c->in, head, c->in + head, (size_t)length);
        c->in_length -= total;
        memmove(c->in, c->in + total, c->in_length);
    }
}

static void readable(struct connection *c) {
    if (c->in_capacity - c->in_length < 4096) {
        c->in_capacity = c->in_capacity * 2 + 8192;
        c->in = realloc(c->in, c->in_capacity + 1);
        if (!c->in) die("realloc");
    }
    ssize_t n = recv(c->fd, c->in + c->in_length, c->in_capacity - c->in_length, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return close_connection(c);
    c->in_length += (size_t)n;
    take_requests(c);
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN) return;
            die("accept");
        }
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        // Closed connections are used again but never freed: an event of this turn may still point to one.
        struct connection *c = free_connections;
        if (c) free_connections = c->next_free;
        else if (!(c = malloc(sizeof *c))) die("malloc");
        *c = (struct connection){.fd = fd};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    }
}

/// Runs the timers whose time has come.
static void run_wheel(uint64_t now) {
    uint64_t target = now / TICK_NS;
    while (wheel_tick < target) {
        unsigned slot = (unsigned)((wheel_tick + 1) % SLOTS);
        if (in_use[slot / 64] == 0 && slot % 64 == 0 && wheel_tick + 64 <= target) {
            wheel_tick += 64;
            continue;
        }
        wheel_tick++;
        struct timer *due[256];
        for (unsigned count = 256; count == 256;) {
            count = 0;
            // Collected first, for advance() may arm timers in this very slot a round later.
            for (struct timer *t = slots[slot]; t && count < 256; t = t->next)
                if (t->tick <= wheel_tick) due[count++] = t;
            for (unsigned i = 0; i < count; i++) timer_disarm(due[i]);
            for (unsigned i = 0; i < count; i++) advance((struct connection *)due[i]);
        }
    }
}

// ---------------------------------------------------------------- start

static int listen_on(const char *text) {
    char host[64] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host) {
        fprintf(stderr, "upstream: not HOST:PORT: %s\n", text);
        exit(64);
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    socklen_t length = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1) die(text);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0) die(text);
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) die("getsockname");
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static const char *read_arguments(int argc, char **argv) {
    const char *address = "127.0.0.1:0";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--coalesce") == 0) {
            defaults.coalesce = true;
            continue;
        }
        const char *name = argv[i], *value = i + 1 < argc ? argv[++i] : "";
        if (strcmp(name, "--listen") == 0) address = value;
        else if (strcmp(name, "--tokens") == 0) defaults.tokens = (unsigned)atoi(value);
        else if (strcmp(name, "--pace") == 0) defaults.pace_ns = strtoull(value, NULL, 10) * 1000000;
        else if (strcmp(name, "--delay") == 0) defaults.delay_ns = strtoull(value, NULL, 10) * 1000000;
        else if (strcmp(name, "--lifetime") == 0) alarm((unsigned)atoi(value));
        else {
            fprintf(stderr, "upstream: no such option: %s (see the head of upstream.c)\n", name);
            exit(64);
        }
    }
    return address;
}

int main(int argc, char **argv) {
    const char *address = read_arguments(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1ul);
    make_answers();
    epfd = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(address);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll");
    wheel_tick = now_ns() / TICK_NS;
    for (;;) {
        static struct epoll_event events[512];
        uint64_t wait = wheel_wait(now_ns());
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000)};
        int n = epoll_pwait2(epfd, events, 512, &timeout, NULL);
        if (n < 0 && errno != EINTR) die("epoll_pwait2");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
            if (c->fd >= 0 && events[i].events & EPOLLOUT && c->wants_write) advance(c);
        }
        run_wheel(now_ns());
    }
}
