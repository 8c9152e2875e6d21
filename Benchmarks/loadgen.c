// loadgen.c - an HTTP/1.1 load generator for script/bench. One thread, epoll, no dependencies, no code of the product.
//
//   loadgen closed --to HOST:PORT --path P --body FILE --connections N --requests N [--ramp MS]
//       Every connection sends its next request when the last answer has ended. Streams are the same thing:
//       an answer is measured to the last byte of its chunked body.
//   loadgen open   ... --connections N --requests N --rate PER_SECOND
//       Requests are due at fixed times whatever the server does; latency counts from the time a request was due,
//       also when no connection was free (no coordinated omission).
//   loadgen hold   ... --levels 1000,5000 --rate OPENS_PER_SECOND
//       Opens streams and reads them until told to go on: at each level, once every stream has had its first token,
//       one JSON line is printed and a line is awaited on stdin. After the last level all connections are closed.
//
// Checks on every answer, for all modes: --mark S --marks N (the body contains S exactly N times; the first one is
// "the first token"), --last LINE (last line of an SSE body that is not blank), --timeout SECONDS for the whole run.
// Anything unexpected (status other than 200, bad framing, a close inside an answer, an SSE `error` event, a wrong
// count) ends the run at once with exit code 1 and the reason on stderr. Times are nanoseconds inside, microseconds out.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 4096, MARK_LIMIT = 64, LINE_PREFIX = 32, READ_SIZE = 256 * 1024, MAX_LEVELS = 16 };

// ---------------------------------------------------------------- time and histograms

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/// Log-linear histogram in the manner of HdrHistogram: 256 buckets per power of two, so a value is off by 0.4% at most.
enum { SUB_BITS = 8, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB };
struct histogram {
    uint64_t count, sum, max;
    uint64_t buckets[BUCKETS];
};

static unsigned bucket_of(uint64_t value) {
    if (value < SUB) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - (SUB_BITS - 1);
    return shift * (SUB / 2) + (unsigned)(value >> shift);
}

/// The middle of a bucket: the inverse of bucket_of.
static uint64_t value_of(unsigned bucket) {
    if (bucket < SUB) return bucket;
    unsigned shift = bucket / (SUB / 2) - 1;
    uint64_t low = (uint64_t)(bucket - shift * (SUB / 2)) << shift;
    return low + ((1ull << shift) >> 1);
}

static void record(struct histogram *h, uint64_t value) {
    h->count++;
    h->sum += value;
    if (value > h->max) h->max = value;
    h->buckets[bucket_of(value)]++;
}

static double percentile_us(const struct histogram *h, double fraction) {
    uint64_t rank = (uint64_t)(fraction * (double)h->count + 0.5), seen = 0;
    if (rank < 1) rank = 1;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            uint64_t value = value_of(i);
            return (double)(value < h->max ? value : h->max) / 1e3;
        }
    }
    return (double)h->max / 1e3;
}

static void print_histogram(const char *name, const struct histogram *h) {
    if (h->count == 0) {
        printf(",\"%s\":null", name);
        return;
    }
    printf(",\"%s\":{\"mean\":%.2f,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,\"max\":%.2f}", name,
           (double)h->sum / (double)h->count / 1e3, percentile_us(h, 0.50), percentile_us(h, 0.90),
           percentile_us(h, 0.99), percentile_us(h, 0.999), (double)h->max / 1e3);
}

// ---------------------------------------------------------------- state

enum mode { MODE_CLOSED, MODE_OPEN, MODE_HOLD };
enum phase { IDLE, HEAD, LENGTH_BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, TRAILER };

struct connection {
    int fd;                 // -1 before the first connect
    enum phase phase;
    bool wants_write;       // EPOLLOUT is armed: connecting, or the request did not fit
    bool closes;            // the answer said `Connection: close`
    bool sse, event_has_data;
    bool counted;           // hold: the first token has been counted towards the level
    uint64_t due;           // when the request was due; latency counts from here
    uint64_t last_read;
    size_t sent;            // bytes of the request written so far
    uint64_t remaining;     // of the body or the chunk
    uint64_t body_bytes, marks, events;
    unsigned digits;        // chunk size line: hex digits seen; trailer: characters on the line; data end: bytes seen
    bool in_extension;
    unsigned carry_length;  // the last bytes of the body, for marks cut by a read
    char carry[MARK_LIMIT];
    unsigned line_length;   // SSE: length of the current line, its beginning, and that of the last non-blank line
    char line[LINE_PREFIX], last_line[LINE_PREFIX];
    unsigned last_line_length;
    unsigned head_length;   // a head cut by a read waits here
    char head[HEAD_LIMIT];
};

static struct {
    enum mode mode;
    struct sockaddr_in address;
    const char *path, *mark, *last, *host;
    size_t mark_length, last_length;
    uint64_t marks;
    unsigned connections, level_count, levels[MAX_LEVELS];
    uint64_t requests, timeout_ns, ramp_ns;
    double rate;
    char *request;
    size_t request_length;
} opt = {.path = "/", .connections = 1, .requests = 1, .timeout_ns = 60000000000ull};

static int epfd;
static struct connection *connections;
static struct histogram latency, first_mark;
static uint64_t started, issued, completed, total_events, total_marks, total_bytes, reconnects, late;
static unsigned opened, with_first_token;
// Free connections, oldest first, so that an open loop uses all of them in turn.
static struct connection **free_ring;
static unsigned free_head, free_count;

static void fail(const struct connection *c, const char *format, ...) {
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "loadgen: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (c)
        fprintf(stderr, " (connection %ld, %llu body bytes, %llu events, %llu marks)", (long)(c - connections),
                (unsigned long long)c->body_bytes, (unsigned long long)c->events, (unsigned long long)c->marks);
    fprintf(stderr, "; %llu of %llu answers were complete\n", (unsigned long long)completed,
            (unsigned long long)opt.requests);
    exit(1);
}

// ---------------------------------------------------------------- sending

static void watch(struct connection *c, bool write) {
    if (c->wants_write == write) return;
    c->wants_write = write;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &event) != 0) fail(c, "epoll_ctl: %s", strerror(errno));
}

static void open_socket(struct connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail(c, "socket: %s", strerror(errno));
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&opt.address, sizeof opt.address) != 0 && errno != EINPROGRESS)
        fail(c, "connect: %s", strerror(errno));
    // EPOLLOUT tells when it is connected.
    c->wants_write = true;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &event) != 0) fail(c, "epoll_ctl: %s", strerror(errno));
}

static void flush(struct connection *c) {
    while (c->sent < opt.request_length) {
        ssize_t n = send(c->fd, opt.request + c->sent, opt.request_length - c->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == ENOTCONN) return watch(c, true);
            fail(c, "send: %s", strerror(errno));
        }
        c->sent += (size_t)n;
    }
    watch(c, false);
}

static void begin(struct connection *c, uint64_t due) {
    issued++;
    c->phase = HEAD;
    c->due = due;
    c->sent = 0;
    c->head_length = c->carry_length = c->line_length = c->last_line_length = 0;
    c->body_bytes = c->marks = c->events = 0;
    c->closes = c->sse = c->event_has_data = c->counted = false;
    if (c->fd < 0)
        open_socket(c);
    else
        flush(c);
}

// ---------------------------------------------------------------- reading

/// One line of an event stream has ended (its beginning is in c->line).
static void sse_line(struct connection *c) {
    unsigned length = c->line_length, kept = length < LINE_PREFIX ? length : LINE_PREFIX;
    c->line_length = 0;
    if (length > 0 && length <= LINE_PREFIX && c->line[length - 1] == '\r') length--, kept--;
    if (length == 0) {
        if (c->event_has_data) c->events++;
        c->event_has_data = false;
        return;
    }
    if (kept >= 5 && memcmp(c->line, "data:", 5) == 0) c->event_has_data = true;
    if (kept >= 12 && memcmp(c->line, "event: error", 12) == 0) fail(c, "an error event in the stream");
    memcpy(c->last_line, c->line, kept);
    c->last_line_length = length;
}

static void sse_bytes(struct connection *c, const char *data, size_t n) {
    while (n > 0) {
        const char *end = memchr(data, '\n', n);
        size_t part = end ? (size_t)(end - data) : n;
        if (c->line_length < LINE_PREFIX) {
            size_t room = LINE_PREFIX - c->line_length;
            memcpy(c->line + c->line_length, data, part < room ? part : room);
        }
        c->line_length += (unsigned)part;
        if (!end) return;
        sse_line(c);
        data += part + 1;
        n -= part + 1;
    }
}

static unsigned count_marks(const char *data, size_t n) {
    unsigned found = 0;
    const char *hit;
    while ((hit = memmem(data, n, opt.mark, opt.mark_length))) {
        found++;
        n -= (size_t)(hit - data) + opt.mark_length;
        data = hit + opt.mark_length;
    }
    return found;
}

/// Counts marks in this piece, and one that began in the piece before. (A mark must not overlap itself.)
static void scan_marks(struct connection *c, const char *data, size_t n, uint64_t now) {
    uint64_t before = c->marks;
    unsigned keep = (unsigned)opt.mark_length - 1;
    if (c->carry_length > 0) {
        char seam[2 * MARK_LIMIT];
        size_t head = n < keep ? n : keep;
        memcpy(seam, c->carry, c->carry_length);
        memcpy(seam + c->carry_length, data, head);
        c->marks += count_marks(seam, c->carry_length + head);
    }
    c->marks += count_marks(data, n);
    if (n >= keep) {
        memcpy(c->carry, data + n - keep, keep);
        c->carry_length = keep;
    } else {
        unsigned drop = c->carry_length + n > keep ? c->carry_length + (unsigned)n - keep : 0;
        memmove(c->carry, c->carry + drop, c->carry_length - drop);
        memcpy(c->carry + c->carry_length - drop, data, n);
        c->carry_length += (unsigned)n - drop;
    }
    if (before == 0 && c->marks > 0) {
        record(&first_mark, now - c->due);
        if (!c->counted) with_first_token++;
        c->counted = true;
    }
    total_marks += c->marks - before;
}

static void body(struct connection *c, const char *data, size_t n, uint64_t now) {
    c->body_bytes += n;
    total_bytes += n;
    uint64_t before = c->events;
    if (c->sse) sse_bytes(c, data, n);
    total_events += c->events - before;
    if (opt.mark) scan_marks(c, data, n, now);
}

static void issue_due(uint64_t now);

/// The answer has ended where its framing says so.
static void complete(struct connection *c, uint64_t now) {
    if (opt.mode == MODE_HOLD) fail(c, "a stream that was to be held has ended");
    if (opt.mark && c->marks != opt.marks)
        fail(c, "%llu marks in the answer instead of %llu", (unsigned long long)c->marks,
             (unsigned long long)opt.marks);
    if (opt.last) {
        if (!c->sse) fail(c, "the answer is no event stream");
        if (c->line_length > 0) fail(c, "the event stream ends inside a line");
        if (c->last_line_length != opt.last_length || memcmp(c->last_line, opt.last, opt.last_length) != 0)
            fail(c, "the event stream ends with '%.*s' instead of '%s'",
                 (int)(c->last_line_length < LINE_PREFIX ? c->last_line_length : LINE_PREFIX), c->last_line, opt.last);
    }
    record(&latency, now - c->due);
    completed++;
    c->phase = IDLE;
    if (c->closes) {
        close(c->fd);
        c->fd = -1;
        reconnects++;
    }
    free_ring[(free_head + free_count++) % opt.connections] = c;
    issue_due(now);
}

static const char *field(const char *line, const char *end, const char *name) {
    size_t n = strlen(name);
    if ((size_t)(end - line) < n || strncasecmp(line, name, n) != 0) return NULL;
    for (line += n; line < end && *line == ' ';) line++;
    return line;
}

/// Reads a complete head, blank line included, and sets the phase to that of the body.
static void parse_head(struct connection *c, const char *head, size_t n) {
    if (n < 13 || memcmp(head, "HTTP/1.1 ", 9) != 0) fail(c, "no HTTP/1.1 answer: %.*s", (int)(n < 60 ? n : 60), head);
    if (memcmp(head + 9, "200", 3) != 0) fail(c, "status is not 200: %.*s", (int)n, head);
    bool has_length = false, chunked = false;
    const char *end = head + n, *line = memchr(head, '\n', n);
    for (line++; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        const char *value;
        switch (*line | 0x20) {  // a glance at the first letter spares most comparisons
            case 'c':
                if ((value = field(line, end, "content-length:"))) {
                    c->remaining = strtoull(value, NULL, 10);
                    has_length = true;
                } else if ((value = field(line, end, "content-type:"))) {
                    c->sse = field(value, end, "text/event-stream") != NULL;
                } else if ((value = field(line, end, "connection:"))) {
                    c->closes = field(value, end, "close") != NULL;
                }
                break;
            case 't':
                if ((value = field(line, end, "transfer-encoding:"))) chunked = field(value, end, "chunked") != NULL;
                break;
            default: break;
        }
    }
    if (chunked == has_length) fail(c, "the answer has no clear framing: %.*s", (int)n, head);
    c->phase = chunked ? CHUNK_SIZE : LENGTH_BODY;
    c->digits = 0;
    c->in_extension = false;
    if (chunked) c->remaining = 0;
}

/// Takes the head from the data, or what there is of it; returns how many bytes were used.
static size_t take_head(struct connection *c, const char *data, size_t n) {
    if (c->head_length == 0) {  // the usual case: the whole head came in one read
        const char *end = memmem(data, n, "\r\n\r\n", 4);
        if (end) {
            size_t length = (size_t)(end - data) + 4;
            parse_head(c, data, length);
            return length;
        }
    }
    size_t used = 0;
    while (used < n) {
        if (c->head_length == HEAD_LIMIT) fail(c, "the head is longer than %d bytes", HEAD_LIMIT);
        c->head[c->head_length++] = data[used++];
        if (c->head_length >= 4 && memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) == 0) {
            parse_head(c, c->head, c->head_length);
            break;
        }
    }
    return used;
}

/// One byte of a chunk size line. Returns at its end with the next phase set.
static void chunk_size_byte(struct connection *c, char byte) {
    if (byte == '\n') {
        if (c->digits == 0) fail(c, "a chunk without a size");
        c->phase = c->remaining > 0 ? CHUNK_DATA : TRAILER;
        c->digits = 0;
        c->in_extension = false;
    } else if (byte == ';' || byte == '\r') {
        c->in_extension = true;
    } else if (!c->in_extension) {
        if (!isxdigit((unsigned char)byte) || ++c->digits > 8) fail(c, "a bad chunk size");
        c->remaining = c->remaining * 16 + (uint64_t)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
}

static void consume(struct connection *c, const char *data, size_t n, uint64_t now) {
    while (n > 0) {
        size_t used = 1;
        switch (c->phase) {
            case IDLE: fail(c, "bytes after the answer: %.*s", (int)(n < 60 ? n : 60), data); break;
            case HEAD: used = take_head(c, data, n); break;
            case CHUNK_SIZE: chunk_size_byte(c, *data); break;
            case LENGTH_BODY:
            case CHUNK_DATA:
                used = n < c->remaining ? n : (size_t)c->remaining;
                c->remaining -= used;
                body(c, data, used, now);
                if (c->remaining == 0 && c->phase == CHUNK_DATA) c->phase = CHUNK_DATA_END;
                break;
            case CHUNK_DATA_END:
                if (*data != "\r\n"[c->digits]) fail(c, "a chunk is longer than its size");
                if (++c->digits == 2) {
                    c->phase = CHUNK_SIZE;
                    c->digits = 0;
                }
                break;
            case TRAILER:  // counts the characters of a line; an empty line ends the body
                if (*data != '\n') {
                    if (*data != '\r') c->digits++;
                } else if (c->digits > 0) {
                    c->digits = 0;
                } else {
                    if (n != 1) fail(c, "bytes after the answer");
                    return complete(c, now);
                }
                break;
        }
        data += used;
        n -= used;
        if (c->phase == LENGTH_BODY && c->remaining == 0) {
            if (n > 0) fail(c, "bytes after the answer");
            return complete(c, now);
        }
    }
}

static void readable(struct connection *c) {
    static char buffer[READ_SIZE];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        fail(c, "recv: %s", strerror(errno));
    }
    uint64_t now = now_ns();
    if (n == 0) {
        if (c->phase != IDLE) fail(c, "closed inside an answer");
        // A server may close an idle connection; the next request opens another.
        close(c->fd);
        c->fd = -1;
        reconnects++;
        return;
    }
    c->last_read = now;
    consume(c, buffer, (size_t)n, now);
}

// ---------------------------------------------------------------- pacing

/// When request number `index` is due: at a fixed rate, spread over the ramp, or at once.
static uint64_t due_time(uint64_t index) {
    if (opt.mode != MODE_CLOSED) return started + (uint64_t)((double)index * 1e9 / opt.rate);
    if (index < opt.connections) return started + index * opt.ramp_ns / opt.connections;
    return 0;  // closed loop: as soon as a connection is free
}

static uint64_t limit(void) { return opt.mode == MODE_HOLD ? opened : opt.requests; }

static void issue_due(uint64_t now) {
    while (issued < limit() && free_count > 0) {
        uint64_t due = due_time(issued);
        if (due > now) return;
        struct connection *c = free_ring[free_head];
        free_head = (free_head + 1) % opt.connections;
        free_count--;
        if (opt.mode == MODE_OPEN && now - due > 1000000) late++;
        // A closed loop and a held stream start their clock when they send.
        begin(c, opt.mode == MODE_OPEN ? due : now);
    }
}

/// Waits for sockets, or until the next request is due.
static void turn(void) {
    static struct epoll_event events[512];
    uint64_t now = now_ns(), wait = 100000000;
    if (now - started > opt.timeout_ns) fail(NULL, "the run took longer than its limit");
    if (issued < limit() && free_count > 0) {
        uint64_t due = due_time(issued);
        wait = due > now ? due - now : 0;
        if (wait > 100000000) wait = 100000000;
    }
    struct timespec timeout = {.tv_sec = 0, .tv_nsec = (long)wait};
    int n = epoll_pwait2(epfd, events, 512, &timeout, NULL);
    if (n < 0 && errno != EINTR) fail(NULL, "epoll_pwait2: %s", strerror(errno));
    issue_due(now_ns());
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (!c || c->fd < 0) continue;
        if (events[i].events & EPOLLOUT) flush(c);
        if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
    }
}

/// hold: shows the level reached and reads on until a line comes on stdin.
static void hold_level(unsigned level) {
    printf("{\"level\":%u,\"seconds\":%.3f}\n", level, (double)(now_ns() - started) / 1e9);
    fflush(stdout);
    char byte = 0;
    while (byte != '\n') {
        turn();
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n == 0) fail(NULL, "stdin was closed while holding");
        if (n < 0 && errno != EAGAIN) fail(NULL, "stdin: %s", strerror(errno));
    }
}

static void run_hold(void) {
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    for (unsigned i = 0; i < opt.level_count; i++) {
        // The rate holds for each level anew.
        started = now_ns() - (uint64_t)((double)opened * 1e9 / opt.rate);
        opened = opt.levels[i];
        while (with_first_token < opened) turn();
        hold_level(opened);
    }
    uint64_t now = now_ns(), silence = 0;
    for (unsigned i = 0; i < opened; i++)
        if (now - connections[i].last_read > silence) silence = now - connections[i].last_read;
    printf("{\"held\":%u,\"longest_silence_ms\":%.1f,\"events\":%llu", opened, (double)silence / 1e6,
           (unsigned long long)total_events);
    print_histogram("first_token_us", &first_mark);
    printf("}\n");
}

static void run_requests(void) {
    while (completed < opt.requests) turn();
    double seconds = (double)(now_ns() - started) / 1e9;
    printf("{\"requests\":%llu,\"seconds\":%.6f,\"per_second\":%.1f,\"events\":%llu,\"marks\":%llu,\"bytes\":%llu,"
           "\"reconnects\":%llu,\"late\":%llu",
           (unsigned long long)completed, seconds, (double)completed / seconds, (unsigned long long)total_events,
           (unsigned long long)total_marks, (unsigned long long)total_bytes, (unsigned long long)reconnects,
           (unsigned long long)late);
    print_histogram("latency_us", &latency);
    print_histogram("first_token_us", &first_mark);
    printf("}\n");
}

// ---------------------------------------------------------------- arguments

static void usage(const char *why, const char *what) {
    fprintf(stderr, "loadgen: %s %s\nusage: see the head of loadgen.c\n", why, what);
    exit(64);
}

static void read_address(const char *text) {
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host) usage("not HOST:PORT:", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    opt.host = text;
    opt.address.sin_family = AF_INET;
    opt.address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &opt.address.sin_addr) != 1) usage("not an IPv4 address:", text);
}

static void build_request(const char *body_file) {
    FILE *file = fopen(body_file, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) usage("cannot read", body_file);
    size_t length = (size_t)info.st_size;
    opt.request = malloc(length + 1024 + strlen(opt.path));
    if (!opt.request) fail(NULL, "out of memory");
    int head = sprintf(opt.request,
                       "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\nAccept: */*\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                       opt.path, opt.host, length);
    if (fread(opt.request + head, 1, length, file) != length) usage("cannot read", body_file);
    fclose(file);
    opt.request_length = (size_t)head + length;
}

static void read_levels(char *text) {
    for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
        if (opt.level_count == MAX_LEVELS) usage("too many", "--levels");
        opt.levels[opt.level_count++] = (unsigned)atoi(part);
        opt.connections = (unsigned)atoi(part);
    }
}

static void read_arguments(int argc, char **argv) {
    const char *body_file = NULL;
    if (argc < 2) usage("needs", "a mode");
    if (strcmp(argv[1], "closed") == 0) opt.mode = MODE_CLOSED;
    else if (strcmp(argv[1], "open") == 0) opt.mode = MODE_OPEN;
    else if (strcmp(argv[1], "hold") == 0) opt.mode = MODE_HOLD;
    else usage("no such mode:", argv[1]);
    for (int i = 2; i < argc; i += 2) {
        const char *name = argv[i];
        if (i + 1 == argc) usage("needs a value:", name);
        char *value = argv[i + 1];
        if (strcmp(name, "--to") == 0) read_address(value);
        else if (strcmp(name, "--path") == 0) opt.path = value;
        else if (strcmp(name, "--body") == 0) body_file = value;
        else if (strcmp(name, "--connections") == 0) opt.connections = (unsigned)atoi(value);
        else if (strcmp(name, "--requests") == 0) opt.requests = strtoull(value, NULL, 10);
        else if (strcmp(name, "--rate") == 0) opt.rate = atof(value);
        else if (strcmp(name, "--ramp") == 0) opt.ramp_ns = strtoull(value, NULL, 10) * 1000000;
        else if (strcmp(name, "--timeout") == 0) opt.timeout_ns = strtoull(value, NULL, 10) * 1000000000;
        else if (strcmp(name, "--levels") == 0) read_levels(value);
        else if (strcmp(name, "--mark") == 0) opt.mark = value;
        else if (strcmp(name, "--marks") == 0) opt.marks = strtoull(value, NULL, 10);
        else if (strcmp(name, "--last") == 0) opt.last = value;
        else usage("no such option:", name);
    }
    if (!opt.host || !body_file) usage("needs", "--to and --body");
    if (opt.connections == 0 || opt.requests == 0) usage("must be positive:", "--connections, --requests");
    if (opt.mode != MODE_CLOSED && opt.rate <= 0) usage("needs", "--rate");
    if (opt.mode == MODE_HOLD && (opt.level_count == 0 || !opt.mark)) usage("needs", "--levels and --mark");
    if (opt.mark && strlen(opt.mark) >= MARK_LIMIT) usage("too long:", "--mark");
    if (opt.last && strlen(opt.last) >= LINE_PREFIX) usage("too long:", "--last");
    opt.mark_length = opt.mark ? strlen(opt.mark) : 0;
    opt.last_length = opt.last ? strlen(opt.last) : 0;
    build_request(body_file);
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1ul);  // the default 50 us would blur an open loop's send times
    epfd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc(opt.connections, sizeof *connections);
    free_ring = calloc(opt.connections, sizeof *free_ring);
    if (epfd < 0 || !connections || !free_ring) fail(NULL, "cannot start: %s", strerror(errno));
    for (unsigned i = 0; i < opt.connections; i++) {
        connections[i].fd = -1;
        free_ring[i] = &connections[i];
    }
    free_count = opt.connections;
    started = now_ns();
    if (opt.mode == MODE_HOLD)
        run_hold();
    else
        run_requests();
    return 0;
}
