// Counts allocations of the process it is preloaded into: a 64-bit number in the file that ALLOCATIONS names, which others read as it
// grows. Only malloc, calloc, realloc and the aligned forms count; frees do not.
//
//   cc -O2 -shared -fPIC -o alloccount.so alloccount.c
//   ALLOCATIONS=/tmp/count LD_PRELOAD=./alloccount.so program

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own names, so that nothing has to be looked up while allocating.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t before_start;
static _Atomic uint64_t *count = &before_start;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("ALLOCATIONS");
    if (!path) return;
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0) return;
    if (ftruncate(file, sizeof *count) == 0) {
        void *map = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map != MAP_FAILED) count = map;
    }
    close(file);
}

static inline void one_more(void) { atomic_fetch_add_explicit(count, 1, memory_order_relaxed); }

void *malloc(size_t size) { return one_more(), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return one_more(), __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { return one_more(), __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return one_more(), __libc_memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    one_more();
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : 12;  // ENOMEM
}
