/* What stands between a server and the files of its SQLite database, for tests of faults of the
 * disk and of power failures. Loaded by LD_PRELOAD; tests/disk/disk.py builds and drives it.
 *
 * DISK_DATABASE names the database file; its -wal and -shm belong to it, and nothing else is touched.
 * DISK_CONTROL names a file of one page, which the test maps as well: what is to fail, and what has.
 * DISK_RECORD, if set, names a file to which every write, truncation and sync is appended.
 *
 * Nothing is really synced: the machine below does not fail, and what a power failure would leave is
 * made of the record. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DATABASE, LOG, INDEX, FILES };
enum { READ, WRITE, SYNC, OPERATIONS };
enum { IO_ERROR, NO_SPACE, SHORT, KINDS };
enum { WRITTEN = 1, SYNCED, TRUNCATED, SYNC_FAILED };

/* As tests/disk/disk.py has it. */
struct control {
    uint32_t armed;
    uint32_t operations, kinds, files; /* masks */
    uint32_t one_in;                   /* of so many calls one fails */
    int32_t left;                      /* how many are to fail yet */
    uint32_t injected[OPERATIONS][KINDS];
    uint32_t unused;
    uint64_t random;
    uint64_t recorded;
};

struct record {
    uint32_t what, file;
    uint64_t offset, length;
};

static struct control *control;
static int record_to = -1;
static const char *database;
static size_t database_length;
static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;

enum { DESCRIPTORS = 1 << 16 };
/* Which file a descriptor is of, plus one; what its next write fails with. */
static unsigned char file_of[DESCRIPTORS];
static unsigned char fails_next[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_CONTROL");
    database = getenv("DISK_DATABASE");
    if (!path || !database) return;
    database_length = strlen(database);
    int descriptor = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) abort();
    control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (control == MAP_FAILED) abort();
    const char *record = getenv("DISK_RECORD");
    if (record) record_to = syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int file(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS ? file_of[descriptor] - 1 : -1;
}

static void opened(int descriptor, const char *path) {
    if (!control || descriptor < 0 || descriptor >= DESCRIPTORS) return;
    static const char *const suffixes[FILES] = {"", "-wal", "-shm"};
    file_of[descriptor] = 0;
    fails_next[descriptor] = 0;
    if (strncmp(path, database, database_length) != 0) return;
    for (int at = 0; at < FILES; at++)
        if (strcmp(path + database_length, suffixes[at]) == 0) file_of[descriptor] = at + 1;
}

static uint64_t any(void) {
    uint64_t mixed = __atomic_add_fetch(&control->random, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* How a call is to fail; -1 if it is not. */
static int fault(int which, int operation) {
    if (!__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE)) return -1;
    if (!(control->files >> which & 1) || !(control->operations >> operation & 1)) return -1;
    if (any() % control->one_in != 0) return -1;
    uint32_t kinds = control->kinds;
    if (operation == SYNC) kinds &= ~(1u << SHORT);
    if (operation == READ) kinds &= ~(1u << NO_SPACE);
    if (kinds == 0) return -1;
    int kind;
    do kind = any() % KINDS;
    while (!(kinds >> kind & 1));
    if (__atomic_sub_fetch(&control->left, 1, __ATOMIC_RELAXED) < 0) return -1;
    __atomic_add_fetch(&control->injected[operation][kind], 1, __ATOMIC_RELAXED);
    return kind;
}

static int refuse(int kind) {
    errno = kind == NO_SPACE ? ENOSPC : EIO;
    return -1;
}

static void append(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = syscall(SYS_write, record_to, at, length);
        if (written <= 0) abort();
        at += written;
        length -= written;
    }
}

static void keep(uint32_t what, int which, uint64_t offset, uint64_t length, const void *bytes) {
    if (record_to < 0 || which == INDEX) return;
    struct record record = {what, which, offset, length};
    append(&record, sizeof record);
    if (bytes) append(bytes, length);
    __atomic_add_fetch(&control->recorded, 1, __ATOMIC_RELEASE);
}

static ssize_t reads(int descriptor, size_t *length) {
    int kind = fault(file(descriptor), READ);
    if (kind == SHORT && *length > 1) *length /= 2;
    return kind < 0 || kind == SHORT ? 0 : refuse(kind);
}

static ssize_t writes(int descriptor, const void *bytes, size_t length, off64_t offset, int placed) {
    int which = file(descriptor), kind = -1;
    if (fails_next[descriptor]) {
        kind = fails_next[descriptor] - 1;
        fails_next[descriptor] = 0;
    } else
        kind = fault(which, WRITE);
    if (kind == SHORT && length > 1) {
        /* A disk that fills up takes a part, and then nothing; a signal goes by. */
        length /= 2;
        uint64_t then = any() % 3;
        fails_next[descriptor] = then == 0 ? 0 : then == 1 ? NO_SPACE + 1 : IO_ERROR + 1;
    } else if (kind >= 0 && kind != SHORT)
        return refuse(kind);
    pthread_mutex_lock(&in_order);
    if (!placed) offset = syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
    ssize_t written = placed ? syscall(SYS_pwrite64, descriptor, bytes, length, offset)
                             : syscall(SYS_write, descriptor, bytes, length);
    int because = errno;
    if (written > 0) keep(WRITTEN, which, offset, written, bytes);
    pthread_mutex_unlock(&in_order);
    errno = because;
    return written;
}

static int syncs(int descriptor) {
    int which = file(descriptor), kind = fault(which, SYNC);
    pthread_mutex_lock(&in_order);
    keep(kind < 0 ? SYNCED : SYNC_FAILED, which, 0, 0, NULL);
    pthread_mutex_unlock(&in_order);
    return kind < 0 ? 0 : refuse(kind);
}

ssize_t read(int descriptor, void *into, size_t length) {
    if (file(descriptor) >= 0 && reads(descriptor, &length) < 0) return -1;
    return syscall(SYS_read, descriptor, into, length);
}

ssize_t pread64(int descriptor, void *into, size_t length, off64_t offset) {
    if (file(descriptor) >= 0 && reads(descriptor, &length) < 0) return -1;
    return syscall(SYS_pread64, descriptor, into, length, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    if (file(descriptor) >= 0) return writes(descriptor, bytes, length, 0, 0);
    return syscall(SYS_write, descriptor, bytes, length);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
    if (file(descriptor) >= 0) return writes(descriptor, bytes, length, offset, 1);
    return syscall(SYS_pwrite64, descriptor, bytes, length, offset);
}

int fsync(int descriptor) {
    return file(descriptor) >= 0 ? syncs(descriptor) : syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    return file(descriptor) >= 0 ? syncs(descriptor) : syscall(SYS_fdatasync, descriptor);
}

int ftruncate64(int descriptor, off64_t length) {
    int which = file(descriptor);
    if (which < 0) return syscall(SYS_ftruncate, descriptor, length);
    int kind = fault(which, WRITE);
    if (kind >= 0) return refuse(kind);
    pthread_mutex_lock(&in_order);
    int done = syscall(SYS_ftruncate, descriptor, length);
    if (done == 0) keep(TRUNCATED, which, length, 0, NULL);
    pthread_mutex_unlock(&in_order);
    return done;
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    int descriptor = syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
    opened(descriptor, path);
    return descriptor;
}

int open(const char *path, int flags, ...) __attribute__((alias("open64")));

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) file_of[descriptor] = fails_next[descriptor] = 0;
    return syscall(SYS_close, descriptor);
}

ssize_t pread(int descriptor, void *into, size_t length, off_t offset) {
    return pread64(descriptor, into, length, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
    return pwrite64(descriptor, bytes, length, offset);
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }
