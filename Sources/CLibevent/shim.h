#ifndef CLIBEVENT_SHIM_H
#define CLIBEVENT_SHIM_H

// Before libevent's own headers, which define _GNU_SOURCE and so would give fd_set another shape than Swift's Glibc has.
#include <features.h>
#include <sys/select.h>
#include <pthread.h>

#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h> // not part of Swift's Glibc module
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/// The library has no locks here: a base is touched by its own thread alone, and other threads knock on an eventfd.
static inline struct event_base *clev_base_new(void) {
    struct event_config *config = event_config_new();
    if (config == NULL) return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

/// accept4 and SOCK_* flags are enums or macros with casts that Swift imports awkwardly.
int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
static inline int clev_accept(int fd, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(fd, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int clev_socket(int family, int kind) { return socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

static inline int clev_set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

/// Supplementary groups of the process at the other end of a Unix socket (SO_PEERGROUPS, Linux 4.13); how many were written, or
/// -1, also when there are more than `count`.
static inline int clev_peer_groups(int fd, unsigned *groups, int count) {
    socklen_t length = (socklen_t)count * sizeof *groups;
    if (getsockopt(fd, SOL_SOCKET, 59, groups, &length) != 0) return -1;
    return (int)(length / sizeof *groups);
}

/// From malloc.h, which Swift's Glibc module leaves out.
int malloc_trim(size_t pad);
int mallopt(int parameter, int value);
static const int clev_malloc_trim_threshold = -1;
static const int clev_malloc_mmap_threshold = -3;

int pthread_setname_np(pthread_t thread, const char *name);

static const int clev_sol_tcp = IPPROTO_TCP;
static const int clev_tcp_nodelay = TCP_NODELAY;

/// POLLRDHUP, which poll.h has with _GNU_SOURCE only.
static const short clev_poll_read_hang_up = 0x2000;

/// Bytes of ours that the peer's TCP has acknowledged, the SYN included. The kernel's tcp_info is longer than the one in
/// netinet/tcp.h, and linux/tcp.h cannot be included beside it; tcpi_bytes_acked lies at offset 120 since Linux 4.1.
static inline int clev_bytes_acknowledged(int fd, unsigned long long *count) {
    unsigned char info[256];
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &length) != 0 || length < 128) return -1;
    __builtin_memcpy(count, info + 120, sizeof *count);
    return 0;
}

/// prctl has a variable number of arguments, which Swift does not call.
static inline int clev_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, (unsigned long)signal); }

/// What SO_PEERCRED fills; its struct ucred needs _GNU_SOURCE.
struct clev_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

static inline int clev_peer_credentials(int fd, struct clev_credentials *credentials) {
    socklen_t length = sizeof *credentials;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, &length);
}

/// Control messages are built with macros. SCM_RIGHTS takes 253 descriptors at most.
enum { clev_descriptors_most = 253 };

static inline ssize_t clev_send(int fd, const void *bytes, size_t size, const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(clev_descriptors_most * sizeof(int))];
    } control;
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {0};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// `descriptors` has room for clev_descriptors_most.
static inline ssize_t clev_receive(int fd, void *bytes, size_t size, int *descriptors, size_t *count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(clev_descriptors_most * sizeof(int))];
    } control;
    struct iovec part = {bytes, size};
    struct msghdr message = {0};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    *count = 0;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t more = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors + *count, CMSG_DATA(header), more * sizeof(int));
        *count += more;
    }
    return received;
}

#endif
