/* Counts the calls that touch files of a folder, and lets some of them go wrong.

   A process loads it with LD_PRELOAD. What is to go wrong stands in `struct plan`, in memory that a
   process shares with its children: the parent reads it after a child died. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Kinds of calls, in the order of `Kind` in shim.py. */
enum { OPEN, CREATE, READ, WRITE, SYNC, RENAME, REMOVE, MAKE, TRUNCATE, MAP, STAT, FSTAT, LIST, CLOSE, LOCK, NUM_KINDS };
/* What happens to the calls, in the order of `Mode` in shim.py. */
enum { NOTHING, FAIL, HALVE, DIE, TEAR };

struct plan {
    int is_armed, mode, error;
    unsigned kinds;    /* bit i: calls of kind i count */
    long first, last;  /* the calls that go wrong, the first call is 1 */
    long count, num_hits;
    long counts[NUM_KINDS];
    char folder[1024];
    char where[2048];  /* the first call that went wrong */
};

static struct plan *plan;

__attribute__((constructor)) static void share(void) {
    void *shared = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    plan = shared == MAP_FAILED ? NULL : shared;
}

struct plan *shim_plan(void) { return plan; }

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

/* Writes the path of an open directory or file; returns its length. */
static size_t path_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
    length = length < 0 ? 0 : length;
    path[length] = 0;
    return length;
}

static int counts_now(int kind) { return plan && plan->is_armed && plan->kinds >> kind & 1; }

/* Returns what happens to a call; `name` is relative to the directory `fd`, NULL for the file `fd`. */
static int mode_of(int kind, const char *call, int fd, const char *name) {
    if (!counts_now(kind)) return NOTHING;
    int old_errno = errno;
    char path[4096] = "";
    size_t length = 0;
    if (!name || name[0] != '/') length = path_of(fd == AT_FDCWD ? -1 : fd, path, 2048);
    if (name) snprintf(path + length, sizeof path - length, "%s%s", length ? "/" : "", name);
    errno = old_errno;
    if (strncmp(path, plan->folder, strlen(plan->folder))) return NOTHING;
    __atomic_add_fetch(&plan->counts[kind], 1, __ATOMIC_SEQ_CST);
    long number = __atomic_add_fetch(&plan->count, 1, __ATOMIC_SEQ_CST);
    if (plan->mode == NOTHING || number < plan->first || number > plan->last) return NOTHING;
    if (__atomic_add_fetch(&plan->num_hits, 1, __ATOMIC_SEQ_CST) == 1)
        snprintf(plan->where, sizeof plan->where, "%s %.1900s", call, path + strlen(plan->folder));
    if (plan->mode == DIE || (plan->mode == TEAR && kind != WRITE)) die();
    if (plan->mode == FAIL) errno = plan->error;
    return plan->mode;
}

#define REAL(call) \
    static __typeof__(&call) real; \
    if (!real) real = (__typeof__(&call))dlsym(RTLD_NEXT, #call);

/* A call on an open file, or on a path. */
#define ON_FD(type, failed, kind, call, parameters, fd, arguments) \
    type call parameters { \
        REAL(call) return mode_of(kind, #call, fd, NULL) == FAIL ? failed : real arguments; \
    }
#define ON_PATH(type, failed, kind, call, parameters, fd, path, arguments) \
    type call parameters { \
        REAL(call) return mode_of(kind, #call, fd, path) == FAIL ? failed : real arguments; \
    }

/* A call that reads or writes `size` bytes: it may do half of them, and die after that. */
#define OF_BYTES(kind, call, parameters, fd, size, arguments) \
    ssize_t call parameters { \
        REAL(call) int mode = mode_of(kind, #call, fd, NULL); \
        if (mode == FAIL) return -1; \
        if ((mode == HALVE || mode == TEAR) && size > 1) size /= 2; \
        ssize_t done = real arguments; \
        if (mode == TEAR) die(); \
        return done; \
    }

OF_BYTES(READ, read, (int fd, void *data, size_t size), fd, size, (fd, data, size))
OF_BYTES(READ, pread64, (int fd, void *data, size_t size, off64_t at), fd, size, (fd, data, size, at))
OF_BYTES(WRITE, write, (int fd, const void *data, size_t size), fd, size, (fd, data, size))
OF_BYTES(WRITE, pwrite64, (int fd, const void *data, size_t size, off64_t at), fd, size, (fd, data, size, at))
OF_BYTES(WRITE, copy_file_range,
         (int from, off64_t *start, int fd, off64_t *at, size_t size, unsigned flags), fd, size,
         (from, start, fd, at, size, flags))

/* Of several buffers: half of the first one. */
static ssize_t read_into(__typeof__(&preadv64v2) real, int fd, const struct iovec *parts, int num, off64_t at, int flags) {
    int mode = mode_of(READ, "preadv", fd, NULL);
    if (mode == FAIL) return -1;
    if (mode != HALVE || num < 1 || parts[0].iov_len < 2) return real(fd, parts, num, at, flags);
    struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
    return real(fd, &half, 1, at, flags);
}
ssize_t preadv64v2(int fd, const struct iovec *parts, int num, off64_t at, int flags) {
    REAL(preadv64v2) return read_into(real, fd, parts, num, at, flags);
}
ssize_t preadv64(int fd, const struct iovec *parts, int num, off64_t at) { return preadv64v2(fd, parts, num, at, 0); }

ON_FD(int, -1, SYNC, fsync, (int fd), fd, (fd))
ON_FD(int, -1, SYNC, fdatasync, (int fd), fd, (fd))
ON_FD(int, -1, TRUNCATE, ftruncate64, (int fd, off64_t size), fd, (fd, size))
ON_FD(int, -1, LOCK, flock, (int fd, int operation), fd, (fd, operation))
ON_FD(int, -1, FSTAT, fstat64, (int fd, struct stat64 *found), fd, (fd, found))
ON_FD(void *, MAP_FAILED, MAP, mmap64, (void *at, size_t size, int access, int flags, int fd, off64_t start), fd,
      (at, size, access, flags, fd, start))
ON_FD(DIR *, NULL, LIST, fdopendir, (int fd), fd, (fd))
ON_PATH(DIR *, NULL, LIST, opendir, (const char *path), AT_FDCWD, path, (path))
ON_PATH(int, -1, STAT, stat64, (const char *path, struct stat64 *found), AT_FDCWD, path, (path, found))
ON_PATH(int, -1, STAT, lstat64, (const char *path, struct stat64 *found), AT_FDCWD, path, (path, found))
ON_PATH(int, -1, STAT, fstatat64, (int fd, const char *path, struct stat64 *found, int flags), fd, path, (fd, path, found, flags))
ON_PATH(int, -1, RENAME, rename, (const char *path, const char *to), AT_FDCWD, path, (path, to))
ON_PATH(int, -1, REMOVE, unlink, (const char *path), AT_FDCWD, path, (path))
ON_PATH(int, -1, REMOVE, unlinkat, (int fd, const char *path, int flags), fd, path, (fd, path, flags))
ON_PATH(int, -1, REMOVE, rmdir, (const char *path), AT_FDCWD, path, (path))
ON_PATH(int, -1, MAKE, mkdir, (const char *path, mode_t access), AT_FDCWD, path, (path, access))

/* Only of what was written: network file systems tell then that they could not keep it. The file is
   closed also where that is an error. */
int close(int fd) {
    REAL(close) int is_written = counts_now(CLOSE) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
    int is_failure = is_written && mode_of(CLOSE, "close", fd, NULL) == FAIL;
    int error = errno, done = real(fd);
    if (!is_failure) return done;
    errno = error;
    return -1;
}

/* The last argument is there for flags that may make a file. */
#define OPENS(call, parameters, fd, arguments) \
    int call parameters { \
        REAL(call) mode_t access = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            access = va_arg(more, mode_t); \
            va_end(more); \
        } \
        return mode_of(flags & O_CREAT ? CREATE : OPEN, #call, fd, path) == FAIL ? -1 : real arguments; \
    }
OPENS(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, access))
OPENS(openat64, (int fd, const char *path, int flags, ...), fd, (fd, path, flags, access))
